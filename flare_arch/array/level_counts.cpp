// Processors that count the ones of vectors do it here most of the time; Highway builds for them where it is asked to.
#define HWY_WANT_AVX3_DL

#include "flare_arch/array/level_counts.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flare_arch/array/level_counts.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for every target
#include <hwy/highway.h>

#include "flare_arch/array/on_cell_counts_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace flare::arch::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_HAVE_SCALABLE

void count_levels_here(const LevelCells& cells, const ListedReads& reads, std::int64_t* levels) {
  scalar::count_levels(cells, reads, levels);
}

#else

using Lines = hn::ScalableTag<std::uint64_t>;
using LineVector = hn::Vec<Lines>;

/// Bits of the numbers of on-cells of one read at the bit lines of a vector, the lowest first; `bits` of them are asked for.
template <int bits>
HWY_ATTR HWY_INLINE void on_cells_of(const std::uint64_t* column, std::size_t stride,
                                     const std::uint16_t* rows, int count, LineVector* sums) {
  const Lines d;
  for (int begin = 0; begin < count; begin += 8) {
    const auto row = [&](int i) HWY_ATTR { return hn::LoadU(d, column + rows[begin + i] * stride); };
    LineVector eight[4];
    add_eight(row, eight[0], eight[1], eight[2], eight[3]);
    if (begin == 0) {
      for (int b = 0; b < bits; ++b) sums[b] = b < 4 ? eight[b] : hn::Zero(d);
      continue;
    }
    auto carry = hn::Zero(d);
    for (int b = 0; b < bits; ++b) {
      const auto x = sums[b], y = b < 4 ? eight[b] : hn::Zero(d), xy = hn::Xor(x, y);
      sums[b] = hn::Xor(xy, carry);
      carry = hn::OrAnd(hn::And(x, y), xy, carry);
    }
  }
}

/// The first `lines` bits of a vector.
HWY_ATTR LineVector present_lines(int lines) {
  HWY_ALIGN std::uint64_t words[hn::MaxLanes(Lines())];
  for (std::size_t i = 0; i < hn::MaxLanes(Lines()); ++i) {
    const int left = std::clamp(lines - 64 * static_cast<int>(i), 0, 64);
    words[i] = left == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1;
  }
  return hn::Load(Lines(), words);
}

/// Where SAWL is 2^bits or less. A subset of the bits of k stands for the lines whose k has them all: counted in `with`, by
/// subset; the lines with k = 2^bits, the one number with a bit more, in `with[2^bits]`.
template <int bits>
HWY_ATTR void count_subsets(const LevelCells& cells, const ListedReads& reads, std::int64_t* with) {
  constexpr int subsets = 1 << bits;
  const Lines d;
  const int width = 64 * static_cast<int>(hn::Lanes(d));
  const int rows_per_read = bits <= 3 ? 8 : reads.rows_per_read;
  for (int first = 0; first < cells.lines; first += width) {
    const std::uint64_t* column = cells.row_bits + first / 64;
    const bool whole = cells.lines - first >= width;
    const auto present = present_lines(cells.lines - first);
    LineVector counted[subsets + 1];
    for (auto& c : counted) c = hn::Zero(d);
    const std::uint16_t* rows = reads.rows.data();
    for (std::size_t read = 0; read < reads.reads; ++read, rows += rows_per_read) {
      LineVector k[bits + 1], having[subsets];
      on_cells_of<bits + 1>(column, cells.row_words, rows, rows_per_read, k);
      if (!whole)
        for (auto& bit : k) bit = hn::And(bit, present);
      for (int b = 0; b < bits; ++b) {
        having[1 << b] = k[b];
        for (int s = 1; s < 1 << b; ++s) having[s | 1 << b] = hn::And(having[s], k[b]);
      }
      for (int s = 1; s < subsets; ++s) counted[s] = hn::Add(counted[s], hn::PopulationCount(having[s]));
      counted[subsets] = hn::Add(counted[subsets], hn::PopulationCount(k[bits]));
    }
    for (int s = 1; s <= subsets; ++s)
      with[s] += static_cast<std::int64_t>(hn::GetLane(hn::SumOfLanes(d, counted[s])));
  }
}

/// Lines by exactly k from lines by the bits that k has at least: bit by bit, those that have it, too, are taken off.
template <int bits>
HWY_ATTR void count_levels_in(const LevelCells& cells, const ListedReads& reads, std::int64_t* levels) {
  constexpr int subsets = 1 << bits;
  std::int64_t with[subsets + 1] = {};
  with[0] = static_cast<std::int64_t>(reads.reads) * cells.lines;
  count_subsets<bits>(cells, reads, with);
  for (int b = 0; b < bits; ++b)
    for (int s = 0; s < subsets; ++s)
      if ((s >> b & 1) == 0) with[s] -= with[s | 1 << b];
  with[0] -= with[subsets];
  for (int k = 0; k <= cells.rows_per_read; ++k) levels[k] += with[k];
}

HWY_ATTR void count_levels_here(const LevelCells& cells, const ListedReads& reads, std::int64_t* levels) {
  switch (std::bit_width(static_cast<unsigned>(cells.rows_per_read - 1))) {
    case 0:
      return count_levels_in<0>(cells, reads, levels);
    case 1:
      return count_levels_in<1>(cells, reads, levels);
    case 2:
      return count_levels_in<2>(cells, reads, levels);
    case 3:
      return count_levels_in<3>(cells, reads, levels);
    case 4:
      return count_levels_in<4>(cells, reads, levels);
    case 5:
      return count_levels_in<5>(cells, reads, levels);
    default:
      return count_levels_in<6>(cells, reads, levels);
  }
}

#endif

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flare::arch {

HWY_EXPORT(count_levels_here);

void count_levels(const LevelCells& cells, const ListedReads& reads, std::int64_t* levels) {
  HWY_DYNAMIC_DISPATCH(count_levels_here)(cells, reads, levels);
}

void scalar::count_levels(const LevelCells& cells, const ListedReads& reads, std::int64_t* levels) {
  const std::uint16_t* rows = reads.rows.data();
  for (std::size_t read = 0; read < reads.reads; ++read, rows += reads.rows_per_read)
    for (int line = 0; line < cells.lines; ++line) {
      std::uint64_t k = 0;
      for (int i = 0; i < reads.rows_per_read; ++i)
        k += cells.row_bits[rows[i] * cells.row_words + static_cast<std::size_t>(line) / 64] >> (line % 64) &
             1;
      ++levels[k];
    }
}

}  // namespace flare::arch
#endif  // HWY_ONCE
