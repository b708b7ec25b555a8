#include "flare_arch/array/stray_reads.hpp"

#include <algorithm>
#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flare_arch/array/stray_reads.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for every target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace flare::arch::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_HAVE_SCALABLE

void find_strays_here(const StrayBlock& block, const PlaneReads& reads, std::vector<StrayRead>& found) {
  scalar::find_strays(block, reads, found);
}

void select_cells_here(const std::uint64_t* bits, const std::int16_t* on, const std::int16_t* off,
                       std::int16_t* out) {
  scalar::select_cells(bits, on, off, out);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

using SumTag = hn::CappedTag<std::uint16_t, stray_lines / 2>;
using Sums = hn::Vec<SumTag>;
constexpr int sum_lanes = hn::MaxLanes(SumTag()), sum_vectors = stray_lines / sum_lanes;

/// Bits of the lanes with a larger value than `spans`, from bit 0 on.
HWY_ATTR HWY_INLINE std::uint64_t larger(Sums sums, Sums spans) {
  std::uint8_t bytes[8] = {};
  hn::StoreMaskBits(SumTag(), hn::Gt(sums, spans), bytes);
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits |= std::uint64_t{bytes[i]} << (8 * i);
  return bits;
}

/// Appends those of one read's lines.
HWY_ATTR HWY_NOINLINE void append(const Sums (&sums)[sum_vectors], const Sums (&spans)[sum_vectors],
                                  std::uint32_t read, std::vector<StrayRead>& found) {
  HWY_ALIGN std::uint16_t values[stray_lines];
  for (std::ptrdiff_t v = 0; v < sum_vectors; ++v) hn::Store(sums[v], SumTag(), values + v * sum_lanes);
  for (int v = 0; v < sum_vectors; ++v)
    for (std::uint64_t left = larger(sums[v], spans[v]); left != 0; left &= left - 1) {
      const int line = v * sum_lanes + std::countr_zero(left);
      found.push_back({read, line, values[line]});
    }
}

HWY_ATTR void find_strays_here(const StrayBlock& block, const PlaneReads& reads,
                               std::vector<StrayRead>& found) {
  const SumTag d;
  const auto* cells = reinterpret_cast<const std::uint16_t*>(block.deviations);
  const auto* starts = reinterpret_cast<const std::uint16_t*>(block.starts);
  Sums spans[sum_vectors];
  for (std::ptrdiff_t v = 0; v < sum_vectors; ++v) spans[v] = hn::Load(d, block.spans + v * sum_lanes);
  for (std::size_t read = 0; read < reads.reads; ++read) {
    const std::uint16_t *row = reads.rows + reads.starts[read], *end = reads.rows + reads.starts[read + 1];
    const int missing = std::max(0, block.dummy_rows_up_to - static_cast<int>(end - row));
    const std::uint16_t* start = starts + static_cast<std::ptrdiff_t>(missing) * stray_lines;
    Sums sums[sum_vectors];
    for (std::ptrdiff_t v = 0; v < sum_vectors; ++v) sums[v] = hn::Load(d, start + v * sum_lanes);
    for (; row != end; ++row) {
      const std::uint16_t* cell = cells + static_cast<std::ptrdiff_t>(*row) * stray_lines;
      for (std::ptrdiff_t v = 0; v < sum_vectors; ++v)
        sums[v] = hn::Add(sums[v], hn::Load(d, cell + v * sum_lanes));
    }
    auto strays = hn::Gt(sums[0], spans[0]);
    for (int v = 1; v < sum_vectors; ++v) strays = hn::Or(strays, hn::Gt(sums[v], spans[v]));
    if (HWY_UNLIKELY(!hn::AllFalse(d, strays))) append(sums, spans, static_cast<std::uint32_t>(read), found);
  }
}

HWY_ATTR void select_cells_here(const std::uint64_t* bits, const std::int16_t* on, const std::int16_t* off,
                                std::int16_t* out) {
  const hn::RebindToSigned<SumTag> d;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(bits);
  for (int i = 0; i < stray_lines; i += sum_lanes)
    hn::StoreU(
        hn::IfThenElse(hn::LoadMaskBits(d, bytes + i / 8), hn::LoadU(d, on + i), hn::LoadU(d, off + i)), d,
        out + i);
}

#endif

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flare::arch {

HWY_EXPORT(find_strays_here);
HWY_EXPORT(select_cells_here);

void find_strays(const StrayBlock& block, const PlaneReads& reads, std::vector<StrayRead>& found) {
  HWY_DYNAMIC_DISPATCH(find_strays_here)(block, reads, found);
}

void select_cells(const std::uint64_t* bits, const std::int16_t* on, const std::int16_t* off,
                  std::int16_t* out) {
  HWY_DYNAMIC_DISPATCH(select_cells_here)(bits, on, off, out);
}

void scalar::find_strays(const StrayBlock& block, const PlaneReads& reads, std::vector<StrayRead>& found) {
  for (std::size_t read = 0; read < reads.reads; ++read) {
    const std::uint16_t *first = reads.rows + reads.starts[read], *end = reads.rows + reads.starts[read + 1];
    const int missing = std::max(0, block.dummy_rows_up_to - static_cast<int>(end - first));
    for (int line = 0; line < stray_lines; ++line) {
      int sum = block.starts[missing * stray_lines + line];
      for (const std::uint16_t* row = first; row != end; ++row)
        sum += block.deviations[*row * stray_lines + line];
      const auto above = static_cast<std::uint16_t>(sum);
      if (above > block.spans[line]) found.push_back({static_cast<std::uint32_t>(read), line, above});
    }
  }
}

void scalar::select_cells(const std::uint64_t* bits, const std::int16_t* on, const std::int16_t* off,
                          std::int16_t* out) {
  for (int i = 0; i < stray_lines; ++i) out[i] = ((*bits >> i) & 1) != 0 ? on[i] : off[i];
}

}  // namespace flare::arch
#endif  // HWY_ONCE
