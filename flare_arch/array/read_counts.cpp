#include "flare_arch/array/read_counts.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <iterator>

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

std::uint16_t* list_reads_here(const std::uint16_t* bits, int slices, int planes,
                               const SegmentationOptions& options, std::uint16_t no_row, std::uint16_t* rest,
                               std::uint16_t* rows) {
  return scalar::list_reads(bits, slices, planes, options, no_row, rest, rows);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

/// The numbers of the ones of every byte, and behind them numbers beyond any row.
struct OnesOfBytes {
  std::array<std::array<std::uint16_t, 8>, 256> rows{};
  std::array<std::uint8_t, 256> count{};
  std::array<std::array<std::uint8_t, 8>, 256>
      last{};  // [byte][n]: of a byte its last n ones, all where it has fewer

  constexpr OnesOfBytes() {
    for (std::size_t byte = 0; byte < rows.size(); ++byte) {
      rows[byte].fill(0x8000);
      for (std::uint16_t bit = 0; bit < 8; ++bit)
        if ((byte >> bit & 1) != 0) rows[byte][count[byte]++] = bit;
      for (int n = 0; n < 8; ++n) {
        std::size_t left = byte;
        for (int taken = 0; taken + n < count[byte]; ++taken) left &= left - 1;
        last[byte][static_cast<std::size_t>(n)] = static_cast<std::uint8_t>(left);
      }
    }
  }
};
constexpr OnesOfBytes ones_of_bytes;

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

/// Byte number `byte` of 64 patterns.
HWY_ATTR HWY_INLINE void bytes_of(const std::int32_t* values, const PlaneFormat& format, int byte,
                                  std::uint8_t* bytes) {
  const SliceTag d;
  const hn::RebindToUnsigned<SliceTag> d_unsigned;
  const hn::Rebind<std::uint8_t, SliceTag> d8;
  for (int i = 0; i < values_at_once; i += slice_lanes) {
    const auto pattern = hn::BitCast(d_unsigned, patterns_of(d, hn::LoadU(d, values + i), format));
    const auto low = hn::And(hn::ShiftRightSame(pattern, 8 * byte), hn::Set(d_unsigned, 0xffu));
    hn::StoreU(hn::U8FromU32(low), d8, bytes + i);
  }
}

/// Bit i of the result is bit `bit` of bytes[i].
HWY_ATTR HWY_INLINE std::uint64_t plane_of(const std::uint8_t* bytes, int bit) {
  const hn::CappedTag<std::uint8_t, values_at_once> d;
  const auto tested = hn::Set(d, static_cast<std::uint8_t>(1u << bit));
  std::uint64_t rows = 0;
  for (int i = 0; i < values_at_once; i += static_cast<int>(hn::MaxLanes(d))) {
    std::uint8_t mask[8] = {};  // StoreMaskBits may write as many
    hn::StoreMaskBits(d, hn::TestBit(hn::Load(d, bytes + i), tested), mask);
    std::uint64_t lanes;
    std::memcpy(&lanes, mask, sizeof lanes);
    rows |= lanes << i;
  }
  return rows;
}

HWY_ATTR void slice_planes_here(std::span<const std::int32_t> values, const PlaneFormat& format,
                                std::uint16_t* bits) {
  for (std::size_t first = 0; first < values.size(); first += values_at_once) {
    HWY_ALIGN std::int32_t padded[values_at_once] = {};
    const std::int32_t* from = values.data() + first;
    const std::size_t count = std::min<std::size_t>(values_at_once, values.size() - first);
    if (count < values_at_once) {
      std::copy_n(from, count, padded);
      from = padded;
    }
    const int slices = static_cast<int>((count + slice_rows - 1) / slice_rows);
    HWY_ALIGN std::uint8_t bytes[values_at_once];
    for (int plane = 0; plane < format.planes(); ++plane) {
      if (plane % 8 == 0) bytes_of(from, format, plane / 8, bytes);
      const std::uint64_t rows = plane_of(bytes, plane % 8);
      for (int slice = 0; slice < slices; ++slice)
        bits[slice * most_planes + plane] = static_cast<std::uint16_t>(rows >> (slice * slice_rows));
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
  // n / SAWL = n (2^16 / SAWL + 1) / 2^16 for up to 16 ones.
  const auto inverse = hn::Set(d, static_cast<std::uint16_t>(65536 / sawl + 1));
  for (int first = 0; first < planes; first += lanes) {
    auto all_reads = hn::Zero(d), all_ones = hn::Zero(d), held = hn::Zero(d);
    for (int slice = 0; slice < slices; ++slice) {
      const auto count = hn::PopulationCount(hn::LoadU(d, bits + slice * most_planes + first));
      const auto full = hn::MulHigh(count, inverse);
      const auto together = hn::Add(held, hn::Sub(count, hn::Mul(full, rows)));
      const auto closes = hn::VecFromMask(d, hn::Gt(together, capacity));
      // A true mask is -1: one more read, and what was held is gone.
      all_reads = hn::Sub(hn::Add(all_reads, full), closes);
      held = hn::Sub(together, hn::And(closes, held));
      all_ones = hn::Add(all_ones, count);
    }
    all_reads = hn::Sub(all_reads, hn::VecFromMask(d, hn::Gt(held, hn::Zero(d))));
    hn::StoreU(all_reads, d, reads + first);
    hn::StoreU(all_ones, d, ones + first);
  }
}

using RowTag = hn::CappedTag<std::uint16_t, listed_rows>;

/// Row numbers in the making: without a branch that depends on the inputs, what a slice or a read has less than the most is
/// written, too, and written over.
struct ReadLister {
  const SegmentationOptions& options;
  std::uint16_t no_row = 0;
  std::uint16_t* rest = nullptr;  // the reads of what full reads leave
  std::uint16_t* ones = nullptr;  // of a slice, and more than enough of no rows behind them
  std::uint16_t* rows = nullptr;  // end of the reads
  int held = 0;                   // rows of the last of `rest`
  const int most_full = slice_rows / options.rows_per_read;
  const unsigned inverse = 65536u / static_cast<unsigned>(options.rows_per_read) + 1;  // as in count_reads

  HWY_ATTR HWY_INLINE hn::Vec<RowTag> numbered(unsigned byte, int first_row) const {
    const RowTag d;
    const auto from = hn::Set(d, static_cast<std::uint16_t>(first_row));
    return hn::Min(hn::Add(hn::LoadU(d, ones_of_bytes.rows[byte].data()), from), hn::Set(d, no_row));
  }

  HWY_ATTR HWY_INLINE void add(unsigned word, int first_row) {
    const RowTag d;
    const int sawl = options.rows_per_read;
    const unsigned low = word & 0xff, high = word >> 8;
    const auto none = hn::Set(d, no_row);
    const auto in_read = hn::FirstN(d, static_cast<std::size_t>(sawl));
    const int in_low = ones_of_bytes.count[low], count = in_low + ones_of_bytes.count[high];
    hn::StoreU(none, d, ones + listed_rows);
    hn::StoreU(numbered(low, first_row), d, ones);
    hn::StoreU(numbered(high, first_row + 8), d, ones + in_low);
    const int full = static_cast<int>((static_cast<unsigned>(count) * inverse) >> 16);
    const int left = count - full * sawl;
    for (int read = 0; read < most_full; ++read)
      hn::StoreU(hn::IfThenElse(in_read, hn::LoadU(d, ones + read * sawl), none), d,
                 rows + read * listed_rows);
    rows += full * listed_rows;
    make_room(left);
    hn::StoreU(hn::LoadU(d, ones + full * sawl), d, rest + held);
    held += left;
  }

  /// The same where SAWL is 8, and nothing that was just written is read: a full read has all ones of the low byte, and what it
  /// leaves are the last ones of the high byte.
  HWY_ATTR HWY_INLINE void add_for_eight(unsigned word, int first_row) {
    const RowTag d;
    const unsigned low = word & 0xff, high = word >> 8;
    const int in_low = ones_of_bytes.count[low], count = in_low + ones_of_bytes.count[high];
    const int full = count / 8, left = count % 8;
    const auto of_low = numbered(low, first_row), of_high = numbered(high, first_row + 8);
    hn::StoreU(of_low, d, rows);
    hn::StoreU(of_high, d, rows + in_low);
    rows += full * listed_rows;
    make_room(left);
    const bool none_full = full == 0;
    const unsigned last = ones_of_bytes.last[high][static_cast<std::size_t>(left)];
    hn::StoreU(numbered(none_full ? low : last, none_full ? first_row : first_row + 8), d, rest + held);
    hn::StoreU(numbered(none_full ? high : 0, first_row + 8), d, rest + held + (none_full ? in_low : left));
    held += left;
  }

  /// What is left of a slice joins the read that runs, or begins the next one.
  HWY_INLINE void make_room(int left) {
    const bool closes = held + left > options.rows_per_read - (options.strictly_below ? 1 : 0);
    rest += closes ? listed_rows : 0;
    held = closes ? 0 : held;
  }

  HWY_ATTR HWY_INLINE void end_plane(std::uint16_t* first_rest) {
    const RowTag d;
    rest += held > 0 ? listed_rows : 0;
    for (const std::uint16_t* read = first_rest; read < rest; read += listed_rows, rows += listed_rows)
      hn::StoreU(hn::LoadU(d, read), d, rows);
    rest = first_rest;
    held = 0;
  }
};

HWY_ATTR std::uint16_t* list_reads_here(const std::uint16_t* bits, int slices, int planes,
                                        const SegmentationOptions& options, std::uint16_t no_row,
                                        std::uint16_t* rest, std::uint16_t* rows) {
  HWY_ALIGN std::uint16_t ones[slice_rows + 2 * listed_rows];
  std::fill(ones, std::end(ones), no_row);
  ReadLister lister{options, no_row, rest, ones, rows};
  for (int plane = 0; plane < planes; ++plane) {
    for (int slice = 0; slice < slices; ++slice)
      if (options.rows_per_read == 8)
        lister.add_for_eight(bits[slice * most_planes + plane], slice * slice_rows);
      else
        lister.add(bits[slice * most_planes + plane], slice * slice_rows);
    lister.end_plane(rest);
  }
  return lister.rows;
}

#endif

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flare::arch {

HWY_EXPORT(slice_planes_here);
HWY_EXPORT(count_reads_here);
HWY_EXPORT(list_reads_here);

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

namespace {

/// Ones of 16 bits; the processor's own instruction is not asked of every processor.
int ones_of(unsigned slice) {
  slice -= (slice >> 1) & 0x5555u;
  slice = (slice & 0x3333u) + ((slice >> 2) & 0x3333u);
  slice = (slice + (slice >> 4)) & 0x0f0fu;
  return static_cast<int>((slice + (slice >> 8)) & 0x1fu);
}

/// Puts the ones of a slice after the first `skipped`, at most `most`, behind `rows`. Returns the end.
std::uint16_t* put_rows(unsigned slice, int first_row, int skipped, int most, std::uint16_t* rows) {
  for (; skipped > 0; --skipped) slice &= slice - 1;
  for (; slice != 0 && most > 0; slice &= slice - 1, --most)
    *rows++ = static_cast<std::uint16_t>(first_row + std::countr_zero(slice));
  return rows;
}

}  // namespace

int rows_of_read(const std::uint16_t* bits, int slices, const SegmentationOptions& options, std::int64_t read,
                 std::uint16_t* rows) {
  const int sawl = options.rows_per_read, capacity = sawl - (options.strictly_below ? 1 : 0);
  const unsigned inverse = 65536u / static_cast<unsigned>(sawl) + 1;  // as in count_reads
  const auto full_reads = [&](int ones) {
    return static_cast<int>((static_cast<unsigned>(ones) * inverse) >> 16);
  };
  // First the slices' full reads, in order.
  for (int slice = 0; slice < slices; ++slice) {
    const unsigned word = bits[slice * most_planes];
    const int full = full_reads(ones_of(word));
    if (read < full)
      return static_cast<int>(put_rows(word, slice * slice_rows, static_cast<int>(read) * sawl, sawl, rows) -
                              rows);
    read -= full;
  }
  // Then what is left of them, as many neighbours together as fit.
  std::uint16_t* end = rows;
  int held = 0;
  for (int slice = 0; slice < slices; ++slice) {
    const unsigned word = bits[slice * most_planes];
    const int ones = ones_of(word), taken = full_reads(ones) * sawl, rest = ones - taken;
    if (held + rest > capacity) {
      if (read == 0) break;
      --read;
      held = 0;
    }
    held += rest;
    if (read == 0) end = put_rows(word, slice * slice_rows, taken, rest, end);
  }
  return static_cast<int>(end - rows);
}

void plan_slices(const std::uint16_t* bits, int slices, const SegmentationOptions& options, ReadPlan& plan) {
  const int sawl = options.rows_per_read, capacity = sawl - (options.strictly_below ? 1 : 0);
  plan.clear();
  const auto add = [&](unsigned word, int slice, int skipped, int count) {
    std::uint16_t rows[slice_rows];
    put_rows(word, slice * slice_rows, skipped, count, rows);
    for (int i = 0; i < count; ++i) plan.add_row(rows[i]);
  };
  for (int slice = 0; slice < slices; ++slice) {
    const unsigned word = bits[slice * most_planes];
    for (int taken = 0, ones = ones_of(word); taken + sawl <= ones; taken += sawl) {
      add(word, slice, taken, sawl);
      plan.close_read();
    }
  }
  int held = 0;
  for (int slice = 0; slice < slices; ++slice) {
    const unsigned word = bits[slice * most_planes];
    const int ones = ones_of(word), rest = ones % sawl;
    if (rest == 0) continue;
    if (held + rest > capacity) {
      plan.close_read();
      held = 0;
    }
    add(word, slice, ones - rest, rest);
    held += rest;
  }
  if (held > 0) plan.close_read();
}

std::uint16_t* list_reads(const std::uint16_t* bits, int slices, int planes,
                          const SegmentationOptions& options, std::uint16_t no_row, std::uint16_t* rest,
                          std::uint16_t* rows) {
  return HWY_DYNAMIC_DISPATCH(list_reads_here)(bits, slices, planes, options, no_row, rest, rows);
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

std::uint16_t* scalar::list_reads(const std::uint16_t* bits, int slices, int planes,
                                  const SegmentationOptions& options, std::uint16_t no_row,
                                  std::uint16_t* /*rest*/, std::uint16_t* rows) {
  for (int plane = 0; plane < planes; ++plane)
    for (std::int64_t read = 0;; ++read, rows += listed_rows) {
      std::fill_n(rows, listed_rows, no_row);
      if (rows_of_read(bits + plane, slices, options, read, rows) == 0) break;
    }
  return rows;
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
