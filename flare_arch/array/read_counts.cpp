#include "flare_arch/array/read_counts.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

// Counting ones is one instruction there.
#ifndef HWY_WANT_AVX3_DL
#define HWY_WANT_AVX3_DL
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flare_arch/array/read_counts.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for every target
#include <hwy/highway.h>

// Offsets within the planes of a token, far below 2^31.
// NOLINTBEGIN(bugprone-implicit-widening-of-multiplication-result)
HWY_BEFORE_NAMESPACE();
namespace flare::arch::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_HAVE_SCALABLE

void slice_planes_here(std::span<const std::int32_t> values, const PlaneFormat& format, std::uint16_t* bits) {
  scalar::slice_planes(values, format, bits);
}

void count_reads_here(const std::uint16_t* bits, int slices, int planes, const SegmentationOptions& options,
                      std::uint16_t* reads, std::uint16_t* ones) {
  scalar::count_reads(bits, slices, planes, options, reads, ones);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

using SliceTag = hn::CappedTag<std::int32_t, slice_rows>;
constexpr int slice_lanes = hn::MaxLanes(SliceTag());

/// What PlaneFormat::pattern says of each value.
template <class V>
HWY_ATTR HWY_INLINE V patterns_of(SliceTag d, V values, const PlaneFormat& format) {
  if (format.encoding != Encoding::sign_magnitude) return values;
  const auto negative = hn::ShiftLeftSame(hn::Neg(values), format.bits - 1);
  return hn::IfThenElse(hn::Lt(values, hn::Zero(d)), negative, values);
}

constexpr int values_at_once = 64, slices_at_once = values_at_once / slice_rows;

/// Byte number `byte` of as many patterns as a vector has lanes, without bits beyond the planes.
HWY_ATTR HWY_INLINE auto some_bytes_of(const std::int32_t* values, const PlaneFormat& format, int byte) {
  const SliceTag d;
  const hn::RebindToUnsigned<SliceTag> d_unsigned;
  const auto kept = hn::Set(d_unsigned, 0xffu >> std::max(0, 8 * (byte + 1) - format.planes()));
  const auto pattern = hn::BitCast(d_unsigned, patterns_of(d, hn::LoadU(d, values), format));
  return hn::U8FromU32(hn::And(hn::ShiftRightSame(pattern, 8 * byte), kept));
}

using ByteTag = hn::CappedTag<std::uint8_t, values_at_once>;
constexpr int byte_lanes = hn::MaxLanes(ByteTag());

/// The same of byte_lanes patterns.
HWY_ATTR HWY_INLINE hn::Vec<ByteTag> bytes_of(const std::int32_t* values, const PlaneFormat& format,
                                              int byte) {
  const ByteTag d;
  if constexpr (byte_lanes == 64) {  // memory would make the load wait for the stores
    const hn::Half<ByteTag> half;
    const auto low =
        hn::Combine(half, some_bytes_of(values + 16, format, byte), some_bytes_of(values, format, byte));
    const auto high =
        hn::Combine(half, some_bytes_of(values + 48, format, byte), some_bytes_of(values + 32, format, byte));
    return hn::Combine(d, high, low);
  } else {
    const hn::Rebind<std::uint8_t, SliceTag> d8;
    HWY_ALIGN std::uint8_t bytes[byte_lanes];
    for (int i = 0; i < byte_lanes; i += slice_lanes)
      hn::StoreU(some_bytes_of(values + i, format, byte), d8, bytes + i);
    return hn::Load(d, bytes);
  }
}

/// Exchanges the bits of a word that `mask` holds with those `distance` places above them.
template <int distance, class D, class V>
HWY_ATTR HWY_INLINE V exchange(D d, V v, std::uint64_t mask) {
  const auto differ = hn::And(hn::Xor(v, hn::ShiftRight<distance>(v)), hn::Set(d, mask));
  return hn::Xor(v, hn::Xor(differ, hn::ShiftLeft<distance>(differ)));
}

/// Of every 16 bytes, a slice's: bit r of word p of the result is bit p of byte r. Two 8 by 8 squares of bits are turned over,
///
///   byte r:  p7 p6 ... p0 of row r     to     byte p:  r7 r6 ... r0 of plane p
///
/// in squares of 1, 2 and 4 bits, and their bytes laid side by side.
HWY_ATTR HWY_INLINE hn::Vec<ByteTag> turn_slices(hn::Vec<ByteTag> bytes) {
  const ByteTag d;
  const hn::Repartition<std::uint64_t, ByteTag> d64;
  alignas(16) static constexpr std::uint8_t side_by_side[16] = {0, 8,  1, 9,  2, 10, 3, 11,
                                                                4, 12, 5, 13, 6, 14, 7, 15};
  auto v = hn::BitCast(d64, bytes);
  v = exchange<7>(d64, v, 0x00AA00AA00AA00AA);
  v = exchange<14>(d64, v, 0x0000CCCC0000CCCC);
  v = exchange<28>(d64, v, 0x00000000F0F0F0F0);
  return hn::TableLookupBytes(hn::BitCast(d, v), hn::LoadDup128(d, side_by_side));
}

HWY_ATTR void slice_planes_here(std::span<const std::int32_t> values, const PlaneFormat& format,
                                std::uint16_t* bits) {
  constexpr std::size_t slice_bytes = 16;  // of eight planes
  const ByteTag d;
  for (std::size_t first = 0; first < values.size(); first += values_at_once) {
    HWY_ALIGN std::int32_t padded[values_at_once];
    const std::int32_t* from = values.data() + first;
    const std::size_t count = std::min<std::size_t>(values_at_once, values.size() - first);
    if (count < values_at_once) {
      std::fill(std::copy_n(from, count, padded), std::end(padded), 0);
      from = padded;
    }
    const int slices = static_cast<int>((count + slice_rows - 1) / slice_rows);
    HWY_ALIGN std::uint8_t words[values_at_once];
    for (int plane = 0; plane < format.planes(); plane += 8) {
      for (int i = 0; i < values_at_once; i += byte_lanes)
        hn::Store(turn_slices(bytes_of(from + i, format, plane / 8)), d, words + i);
      for (int slice = 0; slice < slices; ++slice)
        std::memcpy(bits + slice * most_planes + plane, words + slice * slice_bytes, slice_bytes);
    }
    bits += slices_at_once * most_planes;
  }
}

HWY_ATTR void count_reads_here(const std::uint16_t* bits, int slices, int planes,
                               const SegmentationOptions& options, std::uint16_t* reads,
                               std::uint16_t* ones) {
  const hn::CappedTag<std::uint16_t, most_planes> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const auto sawl = static_cast<std::uint16_t>(options.rows_per_read);
  const auto rows = hn::Set(d, sawl), capacity = hn::Set(d, sawl - (options.strictly_below ? 1 : 0));
  const auto inverse = hn::Set(d, static_cast<std::uint16_t>(inverse_of(sawl)));
  for (int first = 0; first < planes; first += lanes) {
    auto all_reads = hn::Zero(d), all_ones = hn::Zero(d), held = hn::Zero(d);
    for (int slice = 0; slice < slices; ++slice) {
      const auto count = hn::PopulationCount(hn::LoadU(d, bits + slice * most_planes + first));
      const auto full = hn::MulHigh(count, inverse);
      const auto rest = hn::Sub(count, hn::Mul(full, rows)), together = hn::Add(held, rest);
      const auto closes = hn::Gt(together, capacity);
      held = hn::IfThenElse(closes, rest, together);  // what the next slice waits for
      all_reads = hn::Sub(hn::Add(all_reads, full), hn::VecFromMask(d, closes));  // a true mask is -1
      all_ones = hn::Add(all_ones, count);
    }
    all_reads = hn::Sub(all_reads, hn::VecFromMask(d, hn::Gt(held, hn::Zero(d))));
    hn::StoreU(all_reads, d, reads + first);
    hn::StoreU(all_ones, d, ones + first);
  }
}

#endif

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flare::arch {

HWY_EXPORT(slice_planes_here);
HWY_EXPORT(count_reads_here);

void slice_planes(std::span<const std::int32_t> values, const PlaneFormat& format, std::uint16_t* bits) {
  HWY_DYNAMIC_DISPATCH(slice_planes_here)(values, format, bits);
}

void count_reads(const std::uint16_t* bits, int slices, int planes, const SegmentationOptions& options,
                 std::uint16_t* reads, std::uint16_t* ones) {
  HWY_DYNAMIC_DISPATCH(count_reads_here)(bits, slices, planes, options, reads, ones);
}

bool counts_without_plan(const SegmentationOptions& options, int depth) {
  return options.packing == Packing::next_fit && options.slice_length == slice_rows &&
         options.rows_per_read > 1 && depth < 32768;
}

void scalar::slice_planes(std::span<const std::int32_t> values, const PlaneFormat& format,
                          std::uint16_t* bits) {
  const std::size_t slices = (values.size() + slice_rows - 1) / slice_rows;
  std::fill_n(bits, slices * most_planes, std::uint16_t{0});
  for (std::size_t row = 0; row < values.size(); ++row)
    for (std::uint32_t left = format.pattern(values[row]); left != 0; left &= left - 1)
      bits[row / slice_rows * most_planes + static_cast<std::size_t>(std::countr_zero(left))] |=
          static_cast<std::uint16_t>(1u << (row % slice_rows));
}

void scalar::count_reads(const std::uint16_t* bits, int slices, int planes,
                         const SegmentationOptions& options, std::uint16_t* reads, std::uint16_t* ones) {
  const int sawl = options.rows_per_read, capacity = sawl - (options.strictly_below ? 1 : 0);
  for (int plane = 0; plane < planes; ++plane) {
    int all_reads = 0, all_ones = 0, held = 0;
    for (int slice = 0; slice < slices; ++slice) {
      const int count = std::popcount(bits[slice * most_planes + plane]), rest = count % sawl;
      all_reads += count / sawl;
      all_ones += count;
      if (held + rest > capacity) {
        ++all_reads;
        held = 0;
      }
      held += rest;
    }
    reads[plane] = static_cast<std::uint16_t>(all_reads + (held > 0 ? 1 : 0));
    ones[plane] = static_cast<std::uint16_t>(all_ones);
  }
}

}  // namespace flare::arch
#endif  // HWY_ONCE
// NOLINTEND(bugprone-implicit-widening-of-multiplication-result)
