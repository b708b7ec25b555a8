// The numbers of on-cells of one read at all bit lines, bit-sliced: word w of plane b holds bit b of the counts of bit
// lines 64 w to 64 w + 63. Compiled once for every vector target (Highway).
#if defined(FLARE_ARCH_ON_CELL_COUNTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FLARE_ARCH_ON_CELL_COUNTS_INL
#undef FLARE_ARCH_ON_CELL_COUNTS_INL
#else
#define FLARE_ARCH_ON_CELL_COUNTS_INL
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

#include "flare_arch/array/line_blocks.hpp"

HWY_BEFORE_NAMESPACE();
namespace flare::arch::HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

namespace hn = hwy::HWY_NAMESPACE;

constexpr int most_level_planes = 7;

/// The number of ones among row(0) ... row(7) at each position, bit by bit.
/// A carry-save adder tree: 4 full adders for the ones, then carries into twos, fours and eights.
template <class Row, class V>
HWY_ATTR HWY_INLINE void add_eight(const Row& row, V& ones, V& twos, V& fours, V& eights) {
  const auto full = [](auto a, auto b, auto c, auto& carry) HWY_ATTR {
    const auto ab = hn::Xor(a, b);
    carry = hn::OrAnd(hn::And(a, b), ab, c);
    return hn::Xor(ab, c);
  };
  auto c1 = hn::Zero(hn::ScalableTag<std::uint64_t>()), c2 = c1, c3 = c1, d1 = c1;
  const auto s1 = full(row(0), row(1), row(2), c1);
  const auto s2 = full(s1, row(3), row(4), c2);
  const auto s3 = full(s2, row(5), row(6), c3);
  const auto last = row(7);
  const auto c4 = hn::And(s3, last);
  const auto two = full(c1, c2, c3, d1);
  const auto d2 = hn::And(two, c4);
  ones = hn::Xor(s3, last);
  twos = hn::Xor(two, c4);
  fours = hn::Xor(d1, d2);
  eights = hn::And(d1, d2);
}

/// Popcounts of up to 8 rows, bit-sliced: planes[b][word] is bit b of the number of ones at each position.
HWY_ATTR inline void count_eight(const std::uint64_t* const* rows, int words, std::uint64_t* const* planes) {
  const hn::ScalableTag<std::uint64_t> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  for (int w = 0; w < words; w += lanes) {
    auto ones = hn::Zero(d), twos = ones, fours = ones, eights = ones;
    add_eight([&](int i) HWY_ATTR { return hn::LoadU(d, rows[i] + w); }, ones, twos, fours, eights);
    hn::StoreU(ones, d, planes[0] + w);
    hn::StoreU(twos, d, planes[1] + w);
    hn::StoreU(fours, d, planes[2] + w);
    hn::StoreU(eights, d, planes[3] + w);
  }
}

/// total += part, both bit-sliced; part has 4 planes.
HWY_ATTR inline void add_planes(int words, std::uint64_t* const* part, std::uint64_t* const* total,
                                int total_planes) {
  const hn::ScalableTag<std::uint64_t> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  for (int w = 0; w < words; w += lanes) {
    auto carry = hn::Zero(d);
    for (int b = 0; b < total_planes; ++b) {
      const auto x = hn::LoadU(d, total[b] + w), y = b < 4 ? hn::LoadU(d, part[b] + w) : hn::Zero(d);
      const auto xy = hn::Xor(x, y);
      hn::StoreU(hn::Xor(xy, carry), d, total[b] + w);
      carry = hn::OrAnd(hn::And(x, y), xy, carry);
    }
  }
}

/// The lanes of a mask as bits; at most 64 lanes.
template <class D, class M>
HWY_ATTR std::uint64_t mask_bits(D d, M mask) {
  static_assert(hn::MaxLanes(D()) <= 64);
  std::uint8_t bytes[8] = {};
  hn::StoreMaskBits(d, mask, bytes);
  std::uint64_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return bits;
}

/// table[index] for tables of up to 80 bytes, 16 at a time.
template <class D, class V>
HWY_ATTR V lookup(D d, const std::uint8_t* table, int size, V index) {
  const V low = hn::And(index, hn::Set(d, std::uint8_t{15}));
  V result = hn::TableLookupBytes(hn::LoadDup128(d, table), low);
  for (int base = 16; base < size; base += 16) {
    const auto here = hn::Gt(index, hn::Set(d, static_cast<std::uint8_t>(base - 1)));
    result = hn::IfThenElse(here, hn::TableLookupBytes(hn::LoadDup128(d, table + base), low), result);
  }
  return result;
}

/// Buffers of one call.
struct DenseScratch {
  explicit DenseScratch(int lines)
      : words(round_up(lines / 64, 8)),
        planes(hwy::AllocateAligned<std::uint64_t>(row(most_level_planes + 5))),
        bytes(hwy::AllocateAligned<std::uint8_t>(static_cast<std::size_t>(round_up(lines, random_group)))),
        sums(hwy::AllocateAligned<std::uint8_t>(lines)) {
    std::memset(planes.get(), 0, row(most_level_planes + 5) * sizeof(std::uint64_t));
    std::memset(sums.get(), 0, lines);
    for (int b = 0; b < most_level_planes; ++b) total[b] = planes.get() + row(b);
    for (int b = 0; b < 4; ++b) part[b] = planes.get() + row(most_level_planes + b);
    zero = planes.get() + row(most_level_planes + 4);
  }
  /// Where row i of `planes` begins.
  std::size_t row(int i) const { return static_cast<std::size_t>(i) * static_cast<std::size_t>(words); }

  int words;
  hwy::AlignedFreeUniquePtr<std::uint64_t[]> planes;
  hwy::AlignedFreeUniquePtr<std::uint8_t[]> bytes, sums;
  std::uint64_t *total[most_level_planes] = {}, *part[4] = {}, *zero = nullptr;
};

/// Bit-sliced on-cell counts of one read into scratch.total; the number of planes used.
HWY_ATTR inline int count_read(const std::uint64_t* bits, std::size_t stride, const std::uint16_t* rows,
                               int count, DenseScratch& s) {
  for (int begin = 0; begin == 0 || begin < count; begin += 8) {
    const std::uint64_t* eight[8];
    for (int i = 0; i < 8; ++i) eight[i] = begin + i < count ? bits + rows[begin + i] * stride : s.zero;
    if (begin == 0) {
      count_eight(eight, s.words, s.total);
      continue;
    }
    if (begin == 8) std::memset(s.total[4], 0, 3 * static_cast<std::size_t>(s.words) * sizeof(std::uint64_t));
    count_eight(eight, s.words, s.part);
    add_planes(s.words, s.part, s.total, most_level_planes);
  }
  return count > 8 ? most_level_planes : 4;
}

#endif

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
