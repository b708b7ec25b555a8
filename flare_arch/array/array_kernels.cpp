#include "flare_arch/array/array_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flare_arch/array/array_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for every target
#include <hwy/highway.h>

#include "flare_arch/array/array_kernels_scalar.hpp"
#include "flare_arch/array/on_cell_counts_inl.hpp"
#include "flare_arch/array/philox_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace flare::arch::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void sum_codes_here(const DensePlane& plane, const PlaneReads& reads, std::int32_t* code_sums,
                    std::int64_t* wrong) {
  scalar::sum_codes(plane, reads, code_sums, wrong);
}

void sum_die_codes_here(const DieBlock& block, const PlaneReads& reads, std::int32_t* code_sums,
                        std::vector<NearRead>* near) {
  scalar::sum_die_codes(block, reads, code_sums, near);
}

void random_bytes(StreamKey key, std::uint32_t token, std::uint32_t plane, std::uint32_t read, int lines,
                  std::uint8_t* bytes) {
  scalar::fill_random_bytes(key, token, plane, read, lines, bytes);
}

bool narrow_here(const std::int32_t* values, std::size_t size, std::int32_t lowest, std::int32_t highest,
                 std::uint8_t* bytes) {
  return scalar::narrow_to_bytes(values, size, lowest, highest, bytes);
}

bool within_here(const std::int32_t* values, std::size_t size, std::int32_t lowest, std::int32_t highest) {
  return scalar::within_range(values, size, lowest, highest);
}
#else

HWY_ATTR bool narrow_here(const std::int32_t* values, std::size_t size, std::int32_t lowest,
                          std::int32_t highest, std::uint8_t* bytes) {
  const hn::ScalableTag<std::uint32_t> d;
  const hn::RebindToSigned<decltype(d)> d_signed;
  const std::size_t lanes = hn::Lanes(d);
  auto largest = hn::Set(d_signed, lowest), smallest = hn::Set(d_signed, highest);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto v = hn::LoadU(d_signed, values + i);
    largest = hn::Max(largest, v);
    smallest = hn::Min(smallest, v);
    const auto low_byte = hn::And(hn::BitCast(d, v), hn::Set(d, 0xffu));
    const hn::Rebind<std::uint8_t, decltype(d)> d8;
    hn::StoreU(hn::U8FromU32(low_byte), d8, bytes + i);
  }
  bool fits = hn::GetLane(hn::MaxOfLanes(d_signed, largest)) <= highest &&
              hn::GetLane(hn::MinOfLanes(d_signed, smallest)) >= lowest;
  for (; i < size; ++i) {
    fits = fits && values[i] >= lowest && values[i] <= highest;
    bytes[i] = static_cast<std::uint8_t>(values[i]);
  }
  return fits;
}

HWY_ATTR bool within_here(const std::int32_t* values, std::size_t size, std::int32_t lowest,
                          std::int32_t highest) {
  const hn::ScalableTag<std::int32_t> d;
  const std::size_t lanes = hn::Lanes(d);
  auto largest = hn::Set(d, lowest), smallest = hn::Set(d, highest);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto v = hn::LoadU(d, values + i);
    largest = hn::Max(largest, v);
    smallest = hn::Min(smallest, v);
  }
  return hn::GetLane(hn::MaxOfLanes(d, largest)) <= highest &&
         hn::GetLane(hn::MinOfLanes(d, smallest)) >= lowest &&
         scalar::within_range(values + i, size - i, lowest, highest);
}

/// Philox 4x32-10 for 16 blocks at a time, as many per vector as fit; block i of group g has the counter
/// (token, plane, read, 16 g + i). Word w of block i makes bytes 64 w + 4 i .. 4 i + 3 of the group.
HWY_ATTR void random_bytes(StreamKey key, std::uint32_t token, std::uint32_t plane, std::uint32_t read,
                           int lines, std::uint8_t* HWY_RESTRICT bytes) {
  const hn::CappedTag<std::uint32_t, 16> d;
  const int per_vector = static_cast<int>(hn::Lanes(d));
  for (int group = 0; group * random_group < lines; ++group)
    for (int i = 0; i < 16; i += per_vector) {
      auto x0 = hn::Set(d, token), x1 = hn::Set(d, plane), x2 = hn::Set(d, read);
      auto x3 = hn::Iota(d, static_cast<std::uint32_t>(16 * group + i));
      philox(d, key, x0, x1, x2, x3);
      auto* out =
          reinterpret_cast<std::uint32_t*>(bytes + static_cast<std::ptrdiff_t>(group) * random_group) + i;
      hn::StoreU(x0, d, out);
      hn::StoreU(x1, d, out + 16);
      hn::StoreU(x2, d, out + 32);
      hn::StoreU(x3, d, out + 48);
    }
}

HWY_ATTR void flush(DenseScratch& s, int lines, std::int32_t* code_sums) {
  for (int i = 0; i < lines; ++i) code_sums[i] += s.sums[i];
  std::memset(s.sums.get(), 0, lines);
}

HWY_ATTR void sum_codes_here(const DensePlane& job, const PlaneReads& reads, std::int32_t* code_sums,
                             std::int64_t* wrong) {
  const hn::ScalableTag<std::uint8_t> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  DenseScratch s(job.lines);
  const SlotTable* slots = job.slots;
  const int period = 255 / job.largest_code;
  int since_flush = 0;
  const StreamKey again = second_draw_key(job.key);
  for (std::size_t read = 0; read < reads.reads; ++read) {
    const std::uint16_t* rows = reads.rows + reads.starts[read];
    const int planes = count_read(job.row_bits, job.row_words, rows,
                                  static_cast<int>(reads.starts[read + 1] - reads.starts[read]), s);
    if (slots != nullptr)
      random_bytes(job.key, job.token, job.plane, static_cast<std::uint32_t>(read), job.real_lines,
                   s.bytes.get());
    for (int line = 0; line < job.lines; line += lanes) {
      auto level = hn::Zero(d);
      for (int b = 0; b < planes; ++b) {
        const auto on = hn::LoadMaskBits(d, reinterpret_cast<const std::uint8_t*>(s.total[b]) + line / 8);
        level = hn::Or(level, hn::IfThenElseZero(on, hn::Set(d, static_cast<std::uint8_t>(1 << b))));
      }
      auto code = level;
      if (slots != nullptr) {
        const auto u = hn::Load(d, s.bytes.get() + line);
        const auto base = lookup(d, slots->base_code.data(), slots->levels, level);
        code = base;
        for (int a = 0; a < slots->alternatives; ++a) {
          const auto other = hn::Gt(u, lookup(d, slots->last_before[a].data(), slots->levels, level));
          code = hn::IfThenElse(other, lookup(d, slots->code[a].data(), slots->levels, level), code);
        }
        const auto mixed = hn::Gt(u, lookup(d, slots->mixed_last_before.data(), slots->levels, level));
        if (HWY_UNLIKELY(!hn::AllFalse(d, mixed))) {
          code = hn::IfThenZeroElse(mixed, code);
          HWY_ALIGN std::uint8_t levels[hn::MaxLanes(d)];
          hn::Store(level, d, levels);
          for (std::uint64_t left = mask_bits(d, mixed); left != 0; left &= left - 1) {
            const int i = std::countr_zero(left);
            if (line + i >= job.real_lines) break;
            const auto words = random_words(again, job.token, job.plane, static_cast<std::uint32_t>(read),
                                            static_cast<std::uint32_t>(line + i));
            const int drawn = slots->mixed_code(levels[i], open_uniform(words[0], words[1]));
            code_sums[line + i] += drawn;
            if (wrong != nullptr) *wrong += drawn != slots->base_code[levels[i]] ? 1 : 0;
          }
        }
        if (wrong != nullptr) {
          const auto real =
              hn::FirstN(d, static_cast<std::size_t>(std::clamp(job.real_lines - line, 0, lanes)));
          *wrong += static_cast<std::int64_t>(
              hn::CountTrue(d, hn::And(real, hn::AndNot(mixed, hn::Not(hn::Eq(code, base))))));
        }
      }
      hn::Store(hn::Add(hn::Load(d, s.sums.get() + line), code), d, s.sums.get() + line);
    }
    if (++since_flush == period) {
      flush(s, job.lines, code_sums);
      since_flush = 0;
    }
  }
  flush(s, job.lines, code_sums);
}

using DieTag = hn::ScalableTag<std::int16_t>;
using DieVector = hn::Vec<DieTag>;

/// Mean level of the numbers of on-cells at `line`, from a table: 8 entries a time, the bytes of entry k are 2 k and 2 k + 1.
HWY_ATTR HWY_INLINE DieVector mean_levels(const DieBlock& block, const DenseScratch& s, int planes,
                                          int line) {
  const DieTag d;
  const hn::Repartition<std::uint8_t, DieTag> d8;
  auto k = hn::Zero(d);
  for (int b = 0; b < planes; ++b) {
    const auto on = hn::LoadMaskBits(d, reinterpret_cast<const std::uint8_t*>(s.total[b]) + line / 8);
    k = hn::Or(k, hn::IfThenElseZero(on, hn::Set(d, static_cast<std::int16_t>(1 << b))));
  }
  const auto in_table = hn::And(k, hn::Set(d, std::int16_t{7}));
  const auto bytes = hn::BitCast(d8, hn::Add(hn::ShiftLeft<1>(hn::Or(in_table, hn::ShiftLeft<8>(in_table))),
                                             hn::Set(d, std::int16_t{0x100})));
  const auto* means = reinterpret_cast<const std::uint8_t*>(block.level_mean);
  auto level = hn::BitCast(d, hn::TableLookupBytes(hn::LoadDup128(d8, means), bytes));
  for (int first = 8; first < block.levels; first += 8)
    level = hn::IfThenElse(
        hn::Gt(k, hn::Set(d, static_cast<std::int16_t>(first - 1))),
        hn::BitCast(d, hn::TableLookupBytes(
                           hn::LoadDup128(d8, means + static_cast<std::ptrdiff_t>(2) * first), bytes)),
        level);
  return level;
}

/// code - 1 where a comparator fired.
template <class M>
HWY_ATTR HWY_INLINE DieVector less_one(M fired, DieVector code) {
#if HWY_TARGET <= HWY_AVX3  // one instruction under a mask
  return hn::IfThenElse(fired, hn::Sub(code, hn::Set(DieTag(), std::int16_t{1})), code);
#else
  return hn::Add(code, hn::VecFromMask(DieTag(), fired));
#endif
}

/// Minus the number of comparators that fired.
HWY_ATTR HWY_INLINE DieVector minus_codes(const DieBlock& block, DieVector level, int line) {
  const DieTag d;
  auto code = hn::Zero(d);
  const std::int16_t* threshold = block.thresholds + line;
  for (int c = 0; c < block.comparators; ++c, threshold += block.lines)
    code = less_one(hn::Gt(level, hn::LoadU(d, threshold)), code);
  return code;
}

/// The same without noise, and the reads that noise could change.
HWY_ATTR HWY_INLINE DieVector minus_codes_and_near(const DieBlock& block, DieVector level, int line,
                                                   std::uint32_t read, std::vector<NearRead>& near) {
  const DieTag d;
  const auto band = hn::Set(d, static_cast<std::int16_t>(block.noise_band));
  const auto high = hn::SaturatedAdd(level, band), low = hn::SaturatedSub(level, band);
  auto code_high = hn::Zero(d), code_low = code_high;
  const std::int16_t* at = block.thresholds + line;
  for (int c = 0; c < block.comparators; ++c, at += block.lines) {
    const auto threshold = hn::LoadU(d, at);
    code_high = less_one(hn::Not(hn::Gt(threshold, high)), code_high);
    code_low = less_one(hn::Gt(low, threshold), code_low);
  }
  const auto open = hn::Not(hn::Eq(code_high, code_low));
  if (HWY_UNLIKELY(!hn::AllFalse(d, open))) {
    HWY_ALIGN std::int16_t levels[hn::MaxLanes(d)], codes[hn::MaxLanes(d)];
    hn::Store(level, d, levels);
    hn::Store(code_low, d, codes);
    for (std::uint64_t left = mask_bits(d, open); left != 0; left &= left - 1) {
      const int i = std::countr_zero(left);
      near.push_back({read, line + i, levels[i], -codes[i]});
    }
  }
  return code_low;
}

/// Lines `line` up to `line` + 2 vectors of a block without a table of means: their sums stay in registers over the reads.
HWY_ATTR void sum_shares(const DieBlock& block, const PlaneReads& reads, int line, std::int32_t* code_sums,
                         std::vector<NearRead>* near) {
  const DieTag d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const std::size_t period = 32767 / (static_cast<std::size_t>(block.comparators) + 1);
  for (std::size_t begin = 0; begin < reads.reads; begin += period) {
    auto sum0 = hn::Zero(d), sum1 = sum0;
    for (std::size_t read = begin; read < std::min(reads.reads, begin + period); ++read) {
      const std::uint16_t *row = reads.rows + reads.starts[read], *end = reads.rows + reads.starts[read + 1];
      const int missing = std::max(0, block.dummy_rows_up_to - static_cast<int>(end - row));
      const std::int16_t* dummies = block.dummies + static_cast<std::size_t>(missing) * block.lines + line;
      auto level0 = hn::LoadU(d, dummies), level1 = hn::LoadU(d, dummies + lanes);
      for (; row != end; ++row) {
        const std::int16_t* cells = block.deviations + static_cast<std::size_t>(*row) * block.lines + line;
        level0 = hn::Add(level0, hn::LoadU(d, cells));
        level1 = hn::Add(level1, hn::LoadU(d, cells + lanes));
      }
      if (block.noise_band == 0) {
        sum0 = hn::Add(sum0, minus_codes(block, level0, line));
        sum1 = hn::Add(sum1, minus_codes(block, level1, line + lanes));
      } else {
        const auto number = static_cast<std::uint32_t>(read);
        sum0 = hn::Add(sum0, minus_codes_and_near(block, level0, line, number, *near));
        sum1 = hn::Add(sum1, minus_codes_and_near(block, level1, line + lanes, number, *near));
      }
    }
    HWY_ALIGN std::int16_t sums[2 * hn::MaxLanes(d)];
    hn::Store(sum0, d, sums);
    hn::Store(sum1, d, sums + lanes);
    for (int i = 0; i < 2 * lanes; ++i) code_sums[line + i] -= sums[i];
  }
}

HWY_ATTR void sum_die_codes_here(const DieBlock& block, const PlaneReads& reads, std::int32_t* code_sums,
                                 std::vector<NearRead>* near) {
  const DieTag d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  if (block.level_mean == nullptr) {
    for (int line = 0; line < block.lines; line += 2 * lanes) sum_shares(block, reads, line, code_sums, near);
    return;
  }
  DenseScratch s(block.lines);
  HWY_ALIGN std::int16_t sums[most_block_lines];
  std::memset(sums, 0, block.lines * sizeof(std::int16_t));
  const int period = 32767 / (block.comparators + 1);
  int since_flush = 0;
  const auto flush_sums = [&] {
    for (int i = 0; i < block.lines; ++i) code_sums[i] += sums[i];
    std::memset(sums, 0, block.lines * sizeof(std::int16_t));
    since_flush = 0;
  };
  for (std::size_t read = 0; read < reads.reads; ++read) {
    const std::uint16_t* rows = reads.rows + reads.starts[read];
    const int count = static_cast<int>(reads.starts[read + 1] - reads.starts[read]);
    const std::int16_t* dummies =
        block.dummies + static_cast<std::size_t>(std::max(0, block.dummy_rows_up_to - count)) * block.lines;
    const int planes = count_read(block.row_bits, block.row_words, rows, count, s);
    for (int line = 0; line < block.lines; line += lanes) {
      auto level = hn::Add(mean_levels(block, s, planes, line), hn::LoadU(d, dummies + line));
      for (int i = 0; i < count; ++i)
        level = hn::Add(
            level, hn::LoadU(d, block.deviations + static_cast<std::size_t>(rows[i]) * block.lines + line));
      const auto code = block.noise_band == 0 ? minus_codes(block, level, line)
                                              : minus_codes_and_near(block, level, line,
                                                                     static_cast<std::uint32_t>(read), *near);
      hn::Store(hn::Sub(hn::Load(d, sums + line), code), d, sums + line);
    }
    if (++since_flush == period) flush_sums();
  }
  flush_sums();
}

#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flare::arch {

HWY_EXPORT(random_bytes);
HWY_EXPORT(narrow_here);
HWY_EXPORT(within_here);
HWY_EXPORT(sum_codes_here);
HWY_EXPORT(sum_die_codes_here);

void sum_codes(const DensePlane& plane, const PlaneReads& reads, std::int32_t* code_sums,
               std::int64_t* wrong) {
  HWY_DYNAMIC_DISPATCH(sum_codes_here)(plane, reads, code_sums, wrong);
}

void sum_die_codes(const DieBlock& block, const PlaneReads& reads, std::int32_t* code_sums,
                   std::vector<NearRead>* near) {
  if (block.lines > most_block_lines) throw std::invalid_argument("die block: too many bit lines");
  HWY_DYNAMIC_DISPATCH(sum_die_codes_here)(block, reads, code_sums, near);
}

void fill_random_bytes(StreamKey key, std::uint32_t token, std::uint32_t plane, std::uint32_t read, int lines,
                       std::uint8_t* bytes) {
  HWY_DYNAMIC_DISPATCH(random_bytes)(key, token, plane, read, lines, bytes);
}

bool narrow_to_bytes(const std::int32_t* values, std::size_t size, std::int32_t lowest, std::int32_t highest,
                     std::uint8_t* bytes) {
  return HWY_DYNAMIC_DISPATCH(narrow_here)(values, size, lowest, highest, bytes);
}

bool within_range(const std::int32_t* values, std::size_t size, std::int32_t lowest, std::int32_t highest) {
  return HWY_DYNAMIC_DISPATCH(within_here)(values, size, lowest, highest);
}

namespace {

/// AVX3_DL, which only some files are compiled for, too.
constexpr std::int64_t every_target = HWY_TARGETS | HWY_AVX3_DL;

}  // namespace

std::vector<std::string> kernel_targets() {
  std::vector<std::string> names;
  for (std::int64_t targets = hwy::SupportedTargets() & every_target; targets != 0; targets &= targets - 1)
    names.emplace_back(hwy::TargetName(targets & -targets));
  return names;
}

void use_kernel_target(const std::string& name) {
  std::int64_t chosen = 0;
  hwy::SetSupportedTargetsForTest(0);
  for (std::int64_t targets = hwy::SupportedTargets() & every_target; targets != 0; targets &= targets - 1)
    if (name == hwy::TargetName(targets & -targets)) chosen = targets & -targets;
  if (!name.empty() && chosen == 0)
    throw std::invalid_argument("kernel target " + name + " is not supported here");
  if (chosen == HWY_AVX3_DL) chosen |= HWY_AVX3;  // of the other files
  hwy::SetSupportedTargetsForTest(chosen);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace flare::arch
#endif  // HWY_ONCE
