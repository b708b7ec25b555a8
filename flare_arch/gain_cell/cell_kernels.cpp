#include "flare_arch/gain_cell/cell_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flare_arch/gain_cell/cell_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for every target
#include <hwy/highway.h>

#include "flare_arch/gain_cell/cell_kernels_scalar.hpp"

HWY_BEFORE_NAMESPACE();
namespace flare::arch::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Eight currents must fit a register, and arrays of vectors must be possible.
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET <= HWY_AVX3

using Floats = hn::CappedTag<float, cell_lanes>;
using Words = hn::RebindToUnsigned<Floats>;

constexpr int vector_lanes = HWY_TARGET == HWY_AVX2 ? 8 : 16;
constexpr int ages_at_once = HWY_TARGET == HWY_AVX2 ? 4 : 8;  // by how many registers there are
constexpr int words_at_once = (HWY_TARGET == HWY_AVX2 ? 8 : 16) / word_lines;

/// The currents of the lowest line's codes. The lookup itself takes the low bits only, so that the other lines' codes
/// may stay where they are; Highway's checked builds want them gone.
HWY_INLINE hn::Vec<Floats> look_up(hn::Vec<Floats> table, hn::Vec<Words> codes) {
  const Floats d;
#if HWY_IS_DEBUG_BUILD
  codes = hn::And(codes, hn::Set(Words(), vector_lanes - 1u));
#endif
  return hn::TableLookupLanes(table, hn::IndicesFromVec(d, codes));
}

template <bool with_errors>
HWY_INLINE hn::Vec<Floats> cell_current(hn::Vec<Floats> table, hn::Vec<Words> codes, const float* errors) {
  const auto current = look_up(table, codes);
  if constexpr (with_errors)
    return hn::Add(current, hn::LoadU(Floats(), errors));
  else
    return current;
}

/// `count` ages from `first` on.
template <bool with_errors, int count>
HWY_INLINE void sum_keys_of(const CellBlock& keys, const float* HWY_RESTRICT pulses, std::size_t position,
                            int first, float* HWY_RESTRICT sums) {
  const Floats d;
  const Words dw;
  hn::Vec<Floats> table[count], sum[count];
  hn::Vec<Words> word[count];
  for (int i = 0; i < count; ++i) {
    table[i] = hn::LoadU(d, keys.currents + static_cast<std::size_t>(first + i) * table_width);
    sum[i] = hn::Zero(d);
  }
  const std::size_t newest = position - static_cast<std::size_t>(first);
  for (int line = 0; line < keys.lines; line += word_lines) {
    const std::uint32_t* codes = keys.codes + line / word_lines * keys.stride + newest;
    for (int i = 0; i < count; ++i) word[i] = hn::LoadU(dw, codes - i);
    for (int l = 0; l < word_lines; ++l) {
      const auto pulse = hn::LoadU(d, pulses + static_cast<std::size_t>(line + l) * cell_lanes);
      const float* errors =
          with_errors ? keys.errors + static_cast<std::size_t>(line + l) * keys.stride + newest : nullptr;
      for (int i = 0; i < count; ++i) {
        sum[i] = hn::MulAdd(
            pulse, cell_current<with_errors>(table[i], word[i], errors - (with_errors ? i : 0)), sum[i]);
        word[i] = hn::ShiftRight<4>(word[i]);
      }
    }
  }
  for (int i = 0; i < count; ++i)
    hn::StoreU(sum[i], d, sums + static_cast<std::size_t>(first + i) * cell_lanes);
}

template <bool with_errors>
HWY_INLINE void sum_keys_with(const CellBlock& keys, const float* pulses, std::size_t position, int ages,
                              float* sums) {
  for (int lane = 0; lane < cell_lanes; lane += vector_lanes) {
    int age = 0;
    for (; age + ages_at_once <= ages; age += ages_at_once)
      sum_keys_of<with_errors, ages_at_once>(keys, pulses + lane, position + lane, age, sums + lane);
    for (; age < ages; ++age)
      sum_keys_of<with_errors, 1>(keys, pulses + lane, position + lane, age, sums + lane);
  }
}

HWY_ATTR void sum_keys_here(const CellBlock& keys, const float* pulses, std::size_t position, int ages,
                            float* sums) {
  if (keys.errors != nullptr)
    sum_keys_with<true>(keys, pulses, position, ages, sums);
  else
    sum_keys_with<false>(keys, pulses, position, ages, sums);
}

/// `words` words of lines from line `first` on.
template <bool with_errors, int words>
HWY_INLINE void sum_values_of(const CellBlock& values, std::size_t position, int lane, const PulseRow* rows,
                              std::size_t count, int first, float* HWY_RESTRICT sums) {
  const Floats d;
  const Words dw;
  hn::Vec<Floats> sum[words * word_lines];
  for (auto& s : sum) s = hn::Zero(d);
  for (std::size_t r = 0; r < count; ++r) {
    const auto age = static_cast<std::size_t>(rows[r].age);
    const auto pulse = hn::LoadU(d, rows[r].pulses + lane);
    const auto table = hn::LoadU(d, values.currents + age * table_width);
    const std::size_t at = position + static_cast<std::size_t>(lane) - age;
    for (int w = 0; w < words; ++w) {
      const int line = first + w * word_lines;
      auto word = hn::LoadU(dw, values.codes + line / word_lines * values.stride + at);
      for (int l = 0; l < word_lines; ++l) {
        const float* errors =
            with_errors ? values.errors + static_cast<std::size_t>(line + l) * values.stride + at : nullptr;
        auto& s = sum[w * word_lines + l];
        s = hn::MulAdd(pulse, cell_current<with_errors>(table, word, errors), s);
        word = hn::ShiftRight<4>(word);
      }
    }
  }
  for (int l = 0; l < words * word_lines; ++l)
    hn::StoreU(sum[l], d, sums + static_cast<std::size_t>(first + l) * cell_lanes + lane);
}

template <bool with_errors>
HWY_INLINE void sum_values_with(const CellBlock& values, std::size_t position, const PulseRow* rows,
                                std::size_t count, float* sums) {
  constexpr int step = words_at_once * word_lines;
  for (int lane = 0; lane < cell_lanes; lane += vector_lanes) {
    int line = 0;
    for (; line + step <= values.lines; line += step)
      sum_values_of<with_errors, words_at_once>(values, position, lane, rows, count, line, sums);
    for (; line < values.lines; line += word_lines)
      sum_values_of<with_errors, 1>(values, position, lane, rows, count, line, sums);
  }
}

HWY_ATTR void sum_values_here(const CellBlock& values, std::size_t position, const PulseRow* rows,
                              std::size_t count, float* sums) {
  if (values.errors != nullptr)
    sum_values_with<true>(values, position, rows, count, sums);
  else
    sum_values_with<false>(values, position, rows, count, sums);
}

#else

void sum_keys_here(const CellBlock& keys, const float* pulses, std::size_t position, int ages, float* sums) {
  scalar::sum_keys(keys, pulses, position, ages, sums);
}

void sum_values_here(const CellBlock& values, std::size_t position, const PulseRow* rows, std::size_t count,
                     float* sums) {
  scalar::sum_values(values, position, rows, count, sums);
}

#endif

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flare::arch {

HWY_EXPORT(sum_keys_here);
HWY_EXPORT(sum_values_here);

void sum_keys(const CellBlock& keys, const float* pulses, std::size_t position, int ages, float* sums) {
  HWY_DYNAMIC_DISPATCH(sum_keys_here)(keys, pulses, position, ages, sums);
}

void sum_values(const CellBlock& values, std::size_t position, const PulseRow* rows, std::size_t count,
                float* sums) {
  HWY_DYNAMIC_DISPATCH(sum_values_here)(values, position, rows, count, sums);
}

}  // namespace flare::arch
#endif  // HWY_ONCE
