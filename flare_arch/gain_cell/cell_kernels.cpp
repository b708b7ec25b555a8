#include "flare_arch/gain_cell/cell_kernels.hpp"

#include <algorithm>

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
using Sums = hn::RebindToSigned<Floats>;
using Bytes = hn::Repartition<std::uint8_t, Words>;
using Digits = hn::Repartition<std::int8_t, Words>;
using Shorts = hn::Repartition<std::int16_t, Words>;

constexpr int vector_lanes = HWY_TARGET == HWY_AVX2 ? 8 : 16;
// By how many registers there are.
constexpr int ages_at_once = HWY_TARGET == HWY_AVX2 ? 1 : 3;
constexpr int error_ages_at_once = HWY_TARGET == HWY_AVX2 ? 4 : 8;
constexpr int tokens_at_once = HWY_TARGET == HWY_AVX2 ? 2 : 4;
constexpr int vectors_at_once = 4;

/// Sums of two neighbours' steps times digits.
HWY_INLINE hn::Vec<Shorts> pair_sums(hn::Vec<Bytes> steps, hn::Vec<Digits> digit) {
#if HWY_TARGET == HWY_AVX2
  return hn::Vec<Shorts>{_mm256_maddubs_epi16(steps.raw, digit.raw)};
#else
  return hn::Vec<Shorts>{_mm512_maddubs_epi16(steps.raw, digit.raw)};
#endif
}

/// Sums of neighbours, widened.
HWY_INLINE hn::Vec<Sums> widened(hn::Vec<Shorts> pairs) {
  const auto ones = hn::Set(Shorts(), 1);
#if HWY_TARGET == HWY_AVX2
  return hn::Vec<Sums>{_mm256_madd_epi16(pairs.raw, ones.raw)};
#else
  return hn::Vec<Sums>{_mm512_madd_epi16(pairs.raw, ones.raw)};
#endif
}

/// A load by itself: as part of each instruction that takes it, it would cross cache lines as often as it is taken.
HWY_INLINE hn::Vec<Digits> loaded_once(const std::uint32_t* codes) {
  auto code = hn::BitCast(Digits(), hn::LoadU(Words(), codes));
  asm("" : "+v"(code.raw));
  return code;
}

/// Of digits' sums, [digits][vector_lanes].
HWY_INLINE hn::Vec<Floats> charge(const std::int32_t* whole, float unit) {
  const Floats d;
  const auto digit = [&](int k)
                         HWY_ATTR { return hn::ConvertTo(d, hn::Load(Sums(), whole + k * vector_lanes)); };
  const auto low = hn::Mul(digit(0), hn::Set(d, unit));
  const auto middle = hn::MulAdd(digit(1), hn::Set(d, 256 * unit), low);
  return hn::MulAdd(digit(2), hn::Set(d, 65'536 * unit), middle);
}

/// whole[age][digit] += steps times digits of the words `begin` .. `end` - 1, whose sums fit 16 bits, for `count` ages from the
/// newest codes on.
template <int count>
HWY_INLINE void add_words(const std::uint32_t* HWY_RESTRICT newest, std::size_t stride,
                          const std::uint32_t* HWY_RESTRICT pulses, int begin, int end,
                          const hn::Vec<Digits> (&table)[count][digits], std::int32_t* HWY_RESTRICT whole) {
  hn::Vec<Shorts> part[count][digits];
  for (auto& of_age : part)
    for (auto& p : of_age) p = hn::Zero(Shorts());
  for (int word = begin; word < end; ++word) {
    const auto steps = hn::BitCast(Bytes(), hn::LoadU(Words(), pulses + word * cell_lanes));
    const std::uint32_t* codes = newest + static_cast<std::size_t>(word) * stride;
#pragma GCC unroll 8
    for (int i = 0; i < count; ++i) {
      const auto code = loaded_once(codes - i);
#pragma GCC unroll 3
      for (int k = 0; k < digits; ++k)
        part[i][k] = hn::Add(part[i][k], pair_sums(steps, hn::TableLookupBytes(table[i][k], code)));
    }
  }
  for (int i = 0; i < count; ++i)
    for (int k = 0; k < digits; ++k) {
      std::int32_t* sum = whole + (i * digits + k) * vector_lanes;
      hn::Store(hn::Add(hn::Load(Sums(), sum), widened(part[i][k])), Sums(), sum);
    }
}

/// `count` ages from `first` on. Sums of `words` words fit 16 bits.
template <int count>
HWY_INLINE void sum_keys_of(const KeyBlock& keys, const std::uint32_t* HWY_RESTRICT pulses, int words,
                            std::size_t position, int first, float* HWY_RESTRICT sums) {
  hn::Vec<Digits> table[count][digits];
  const std::int8_t* tables = keys.table + static_cast<std::size_t>(first) * digits * table_width;
  for (int i = 0; i < count; ++i)
    for (int k = 0; k < digits; ++k)
      table[i][k] = hn::LoadDup128(Digits(), tables + (i * digits + k) * table_width);
  alignas(64) std::int32_t whole[count * digits * vector_lanes] = {};
  const std::uint32_t* newest = keys.codes + position - static_cast<std::size_t>(first);
  const int groups = keys.lines / word_lines;
  for (int begin = 0; begin < groups; begin += words)
    add_words<count>(newest, keys.stride, pulses, begin, std::min(begin + words, groups), table, whole);
  for (int i = 0; i < count; ++i)
    hn::StoreU(charge(whole + i * digits * vector_lanes, keys.unit), Floats(),
               sums + static_cast<std::size_t>(first + i) * cell_lanes);
}

/// What the cells' errors add, for `count` ages from `first` on.
template <int count>
HWY_INLINE void add_key_errors_of(const KeyBlock& keys, const float* HWY_RESTRICT steps, std::size_t position,
                                  int first, float* HWY_RESTRICT sums) {
  const Floats d;
  hn::Vec<Floats> sum[count];
  for (auto& s : sum) s = hn::Zero(d);
  const float* newest = keys.errors + position - static_cast<std::size_t>(first);
  for (int line = 0; line < keys.lines; ++line) {
    const auto step = hn::LoadU(d, steps + static_cast<std::size_t>(line) * cell_lanes);
    const float* errors = newest + static_cast<std::size_t>(line) * keys.stride;
    for (int i = 0; i < count; ++i) sum[i] = hn::MulAdd(step, hn::LoadU(d, errors - i), sum[i]);
  }
  for (int i = 0; i < count; ++i) {
    float* at = sums + static_cast<std::size_t>(first + i) * cell_lanes;
    hn::StoreU(hn::Add(hn::LoadU(d, at), sum[i]), d, at);
  }
}

HWY_INLINE void add_key_errors(const KeyBlock& keys, const float* steps, std::size_t position, int ages,
                               float* sums) {
  int age = 0;
  for (; age + error_ages_at_once <= ages; age += error_ages_at_once)
    add_key_errors_of<error_ages_at_once>(keys, steps, position, age, sums);
  for (; age < ages; ++age) add_key_errors_of<1>(keys, steps, position, age, sums);
}

HWY_ATTR void sum_keys_here(const KeyBlock& keys, const KeyPulses& pulses, std::size_t position, int ages,
                            float* sums) {
  const int words = std::max(1, 32'767 / (2 * 128 * std::max(1, pulses.most)));
  for (int lane = 0; lane < cell_lanes; lane += vector_lanes) {
    const std::size_t at = position + static_cast<std::size_t>(lane);
    int age = 0;
    for (; age + ages_at_once <= ages; age += ages_at_once)
      sum_keys_of<ages_at_once>(keys, pulses.words + lane, words, at, age, sums + lane);
    for (; age < ages; ++age) sum_keys_of<1>(keys, pulses.words + lane, words, at, age, sums + lane);
    if (keys.errors != nullptr) add_key_errors(keys, pulses.steps + lane, at, ages, sums + lane);
  }
}

/// `vectors` vectors of lines from line `first` on, of `tokens` tokens from token `token` of the reads on.
template <bool with_errors, int tokens, int vectors>
HWY_INLINE void add_values_of(const ValueBlock& values, const ValueReads& reads, int token, int first,
                              float* HWY_RESTRICT sums) {
  const Floats d;
  const auto lines = static_cast<std::size_t>(values.lines);
  hn::Vec<Floats> sum[tokens * vectors];
  for (int t = 0; t < tokens; ++t)
    for (int v = 0; v < vectors; ++v)
      sum[t * vectors + v] =
          hn::LoadU(d, sums + static_cast<std::size_t>(token + t) * lines + first + v * vector_lanes);
  for (int position = reads.begin; position < reads.end; ++position) {
    const std::size_t cells = static_cast<std::size_t>(position) * lines + static_cast<std::size_t>(first);
    hn::Vec<Words> code[vectors];
    for (int v = 0; v < vectors; ++v) code[v] = hn::LoadU(Words(), values.codes + cells + v * vector_lanes);
    for (int t = 0; t < tokens; ++t) {
      const auto age = static_cast<std::size_t>(reads.token + token + t - position);
      const auto pulse = hn::Set(d, reads.pulses[age * cell_lanes + static_cast<std::size_t>(token + t)]);
      const auto charges = hn::Mul(pulse, hn::LoadU(d, values.currents + age * table_width));
      for (int v = 0; v < vectors; ++v) {
        auto& s = sum[t * vectors + v];
        s = hn::Add(s, hn::TableLookupLanes(charges, hn::IndicesFromVec(d, code[v])));
        if constexpr (with_errors)
          s = hn::MulAdd(pulse, hn::LoadU(d, values.errors + cells + v * vector_lanes), s);
      }
    }
  }
  for (int t = 0; t < tokens; ++t)
    for (int v = 0; v < vectors; ++v)
      hn::StoreU(sum[t * vectors + v], d,
                 sums + static_cast<std::size_t>(token + t) * lines + first + v * vector_lanes);
}

template <bool with_errors, int tokens>
HWY_INLINE void add_values_to(const ValueBlock& values, const ValueReads& reads, int token, float* sums) {
  constexpr int step = vectors_at_once * vector_lanes;
  int line = 0;
  for (; line + step <= values.lines; line += step)
    add_values_of<with_errors, tokens, vectors_at_once>(values, reads, token, line, sums);
  for (; line < values.lines; line += vector_lanes)
    add_values_of<with_errors, tokens, 1>(values, reads, token, line, sums);
}

template <bool with_errors>
HWY_INLINE void add_values_with(const ValueBlock& values, const ValueReads& reads, float* sums) {
  int token = 0;
  for (; token + tokens_at_once <= reads.tokens; token += tokens_at_once)
    add_values_to<with_errors, tokens_at_once>(values, reads, token, sums);
  for (; token < reads.tokens; ++token) add_values_to<with_errors, 1>(values, reads, token, sums);
}

HWY_ATTR void add_values_here(const ValueBlock& values, const ValueReads& reads, float* sums) {
  if (values.errors != nullptr)
    add_values_with<true>(values, reads, sums);
  else
    add_values_with<false>(values, reads, sums);
}

HWY_ATTR void add_counts_here(const CounterErrors& errors, float steps, const float* charges, int lines,
                              std::int32_t* counts) {
  const Floats d;
  int line = 0;
  for (; line + vector_lanes <= lines; line += vector_lanes) {
    auto charge = hn::LoadU(d, charges + line);
    if (errors.gain != nullptr)
      charge = hn::Add(hn::Mul(charge, hn::Add(hn::Set(d, 1.0f), hn::LoadU(d, errors.gain + line))),
                       hn::LoadU(d, errors.offset + line));
    charge = hn::Clamp(charge, hn::Set(d, -1.0f), hn::Set(d, 1.0f));
    const auto count = hn::NearestInt(hn::Mul(charge, hn::Set(d, steps)));
    hn::StoreU(hn::Add(hn::LoadU(Sums(), counts + line), count), Sums(), counts + line);
  }
  const CounterErrors last = {errors.gain == nullptr ? nullptr : errors.gain + line,
                              errors.gain == nullptr ? nullptr : errors.offset + line};
  scalar::add_counts(last, steps, charges + line, lines - line, counts + line);
}

#else

void add_counts_here(const CounterErrors& errors, float steps, const float* charges, int lines,
                     std::int32_t* counts) {
  scalar::add_counts(errors, steps, charges, lines, counts);
}

void sum_keys_here(const KeyBlock& keys, const KeyPulses& pulses, std::size_t position, int ages,
                   float* sums) {
  scalar::sum_keys(keys, pulses, position, ages, sums);
}

void add_values_here(const ValueBlock& values, const ValueReads& reads, float* sums) {
  scalar::add_values(values, reads, sums);
}

#endif

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flare::arch {

HWY_EXPORT(sum_keys_here);
HWY_EXPORT(add_values_here);
HWY_EXPORT(add_counts_here);

void split_units(int units, std::int8_t out[digits]) {
  for (int i = 0; i < digits; ++i) {
    const int digit = ((units + 128) & 255) - 128;
    out[i] = static_cast<std::int8_t>(digit);
    units = (units - digit) / 256;
  }
}

void sum_keys(const KeyBlock& keys, const KeyPulses& pulses, std::size_t position, int ages, float* sums) {
  HWY_DYNAMIC_DISPATCH(sum_keys_here)(keys, pulses, position, ages, sums);
}

void add_values(const ValueBlock& values, const ValueReads& reads, float* sums) {
  HWY_DYNAMIC_DISPATCH(add_values_here)(values, reads, sums);
}

void add_counts(const CounterErrors& errors, float steps, const float* charges, int lines,
                std::int32_t* counts) {
  HWY_DYNAMIC_DISPATCH(add_counts_here)(errors, steps, charges, lines, counts);
}

}  // namespace flare::arch
#endif  // HWY_ONCE
