#include "flare_arch/array/read_lists.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>

#include "flare_arch/array/read_counts.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flare_arch/array/read_lists.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for every target
#include <hwy/highway.h>

// Offsets within the planes of a token, far below 2^31.
// NOLINTBEGIN(bugprone-implicit-widening-of-multiplication-result)
HWY_BEFORE_NAMESPACE();
namespace flare::arch::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_HAVE_SCALABLE

int rows_of_read_here(const std::uint16_t* bits, int slices, const SegmentationOptions& options,
                      std::int64_t read, std::uint16_t* rows) {
  return scalar::rows_of_read(bits, slices, options, read, rows);
}

int on_cells_of_read_here(const std::uint16_t* bits, int slices, const SegmentationOptions& options,
                          std::int64_t read, const std::uint16_t* cells) {
  return scalar::on_cells_of_read(bits, slices, options, read, cells);
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
  std::array<std::array<std::uint8_t, 9>, 256>
      last{};  // [byte][n]: of a byte its last n ones, all where it has fewer

  constexpr OnesOfBytes() {
    for (std::size_t byte = 0; byte < rows.size(); ++byte) {
      rows[byte].fill(0x8000);
      for (std::uint16_t bit = 0; bit < 8; ++bit)
        if ((byte >> bit & 1) != 0) rows[byte][count[byte]++] = bit;
      for (int n = 0; n <= 8; ++n) {
        std::size_t left = byte;
        for (int taken = 0; taken + n < count[byte]; ++taken) left &= left - 1;
        last[byte][static_cast<std::size_t>(n)] = static_cast<std::uint8_t>(left);
      }
    }
  }
};
constexpr OnesOfBytes ones_of_bytes;

using RowTag = hn::CappedTag<std::uint16_t, listed_rows>;

/// The last n ones of a slice.
HWY_INLINE unsigned last_ones(unsigned word, int n) {
  const unsigned low = word & 0xff, high = word >> 8;
  const int of_high = std::min<int>(n, ones_of_bytes.count[high]);
  return static_cast<unsigned>(ones_of_bytes.last[high][static_cast<std::size_t>(of_high)]) << 8 |
         ones_of_bytes.last[low][static_cast<std::size_t>(n - of_high)];
}

/// Puts the ones of a slice behind `rows`, and up to 16 numbers that are none behind them. Returns the end.
HWY_ATTR HWY_INLINE std::uint16_t* put_ones(unsigned word, int first_row, std::uint16_t* rows) {
  const RowTag d;
  const unsigned low = word & 0xff, high = word >> 8;
  const auto from = hn::Set(d, static_cast<std::uint16_t>(first_row)),
             from_high = hn::Set(d, static_cast<std::uint16_t>(first_row + 8));
  hn::StoreU(hn::Add(hn::LoadU(d, ones_of_bytes.rows[low].data()), from), d, rows);
  rows += ones_of_bytes.count[low];
  hn::StoreU(hn::Add(hn::LoadU(d, ones_of_bytes.rows[high].data()), from_high), d, rows);
  return rows + ones_of_bytes.count[high];
}

/// Of a wide word: the instruction for 16 bits waits for what its register held before.
HWY_ATTR HWY_INLINE int count_ones(std::uint64_t word) { return std::popcount(word); }

/// visit(slice, ones) for what a read drives of each slice; without a branch that depends on the inputs until the slices are known.
template <class Visit>
HWY_ATTR HWY_INLINE void visit_read(const std::uint16_t* bits, int slices, const SegmentationOptions& options,
                                    std::int64_t read, const Visit& visit) {
  constexpr int at_once = 16;  // slices
  const int sawl = options.rows_per_read, capacity = sawl - (options.strictly_below ? 1 : 0);
  const unsigned inverse = inverse_of(sawl);
  int left = static_cast<int>(read);
  for (int first = 0; first < slices; first += at_once) {
    const int end = std::min(slices, first + at_once);
    int all = 0;
    for (int slice = first; slice < end; ++slice)
      all += full_reads(count_ones(bits[slice * most_planes]), inverse);
    if (left < all) {
      int at = first, sum = 0, before = 0;
      for (int slice = first; slice < end; ++slice) {
        sum += full_reads(count_ones(bits[slice * most_planes]), inverse);
        at += sum <= left ? 1 : 0;
        before = sum <= left ? sum : before;
      }
      const unsigned word = bits[at * most_planes];
      const int behind = count_ones(word) - (left - before) * sawl;  // ones, with the read's own
      return visit(at, last_ones(word, behind) & ~last_ones(word, behind - sawl));
    }
    left -= all;
  }
  // The slices' rests that the read joins are neighbours.
  int number = 0, held = 0, from = 0, to = 0;
  for (int slice = 0; slice < slices; ++slice) {
    const int ones = count_ones(bits[slice * most_planes]), rest = ones - full_reads(ones, inverse) * sawl;
    const bool closes = held + rest > capacity;
    number += closes ? 1 : 0;
    held = closes ? rest : held + rest;
    from += number < left ? 1 : 0;
    to += number <= left ? 1 : 0;
  }
  for (int slice = from; slice < to; ++slice) {
    const unsigned word = bits[slice * most_planes];
    const int ones = count_ones(word);
    visit(slice, last_ones(word, ones - full_reads(ones, inverse) * sawl));
  }
}

HWY_ATTR int rows_of_read_here(const std::uint16_t* bits, int slices, const SegmentationOptions& options,
                               std::int64_t read, std::uint16_t* rows) {
  std::uint16_t* end = rows;
  visit_read(bits, slices, options, read,
             [&](int slice, unsigned ones) HWY_ATTR { end = put_ones(ones, slice * slice_rows, end); });
  return static_cast<int>(end - rows);
}

HWY_ATTR int on_cells_of_read_here(const std::uint16_t* bits, int slices, const SegmentationOptions& options,
                                   std::int64_t read, const std::uint16_t* cells) {
  int on = 0;
  visit_read(bits, slices, options, read,
             [&](int slice, unsigned ones) HWY_ATTR { on += count_ones(ones & cells[slice]); });
  return on;
}

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
  const unsigned inverse = inverse_of(options.rows_per_read);

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
    const int full = full_reads(count, inverse);
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

HWY_EXPORT(list_reads_here);
HWY_EXPORT(rows_of_read_here);
HWY_EXPORT(on_cells_of_read_here);

namespace {

constexpr std::array<std::uint8_t, 256> ones_in_bytes = [] {
  std::array<std::uint8_t, 256> ones{};
  for (unsigned byte = 0; byte < 256; ++byte) ones[byte] = static_cast<std::uint8_t>(std::popcount(byte));
  return ones;
}();

/// Ones of a slice; the processor's own instruction is not asked of every processor.
int ones_of(unsigned slice) { return ones_in_bytes[slice & 0xff] + ones_in_bytes[slice >> 8]; }

/// Puts the ones of a slice after the first `skipped`, at most `most`, behind `rows`. Returns the end.
std::uint16_t* put_rows(unsigned slice, int first_row, int skipped, int most, std::uint16_t* rows) {
  for (; skipped > 0; --skipped) slice &= slice - 1;
  for (; slice != 0 && most > 0; slice &= slice - 1, --most)
    *rows++ = static_cast<std::uint16_t>(first_row + std::countr_zero(slice));
  return rows;
}

/// How a plane's reads share its slices: first the slices' full reads, in order, then what they leave, as many neighbours
/// together as fit. Calls visit(read, slice, skipped, count) for the ones that a read drives of a slice: `count` of them after
/// the first `skipped`. Reads rise; ends where `visit` returns false.
template <class Visit>
void for_each_share(const std::uint16_t* bits, int slices, const SegmentationOptions& options,
                    const Visit& visit) {
  const int sawl = options.rows_per_read, capacity = sawl - (options.strictly_below ? 1 : 0);
  std::int64_t read = 0;
  for (int slice = 0; slice < slices; ++slice)
    for (int taken = 0, ones = ones_of(bits[slice * most_planes]); taken + sawl <= ones; taken += sawl)
      if (!visit(read++, slice, taken, sawl)) return;
  const unsigned inverse = inverse_of(sawl);
  for (int slice = 0, held = 0; slice < slices; ++slice) {
    const int ones = ones_of(bits[slice * most_planes]), taken = full_reads(ones, inverse) * sawl;
    const int rest = ones - taken;
    if (rest == 0) continue;
    if (held + rest > capacity) {
      ++read;
      held = 0;
    }
    held += rest;
    if (!visit(read, slice, taken, rest)) return;
  }
}

}  // namespace

int rows_of_read(const std::uint16_t* bits, int slices, const SegmentationOptions& options, std::int64_t read,
                 std::uint16_t* rows) {
  return HWY_DYNAMIC_DISPATCH(rows_of_read_here)(bits, slices, options, read, rows);
}

int on_cells_of_read(const std::uint16_t* bits, int slices, const SegmentationOptions& options,
                     std::int64_t read, const std::uint16_t* cells) {
  return HWY_DYNAMIC_DISPATCH(on_cells_of_read_here)(bits, slices, options, read, cells);
}

void plan_slices(const std::uint16_t* bits, int slices, const SegmentationOptions& options, ReadPlan& plan) {
  plan.clear();
  std::int64_t open = 0;
  for_each_share(bits, slices, options, [&](std::int64_t read, int slice, int skipped, int count) {
    if (read != open) plan.close_read();
    open = read;
    std::uint16_t rows[slice_rows];
    put_rows(bits[slice * most_planes], slice * slice_rows, skipped, count, rows);
    for (int i = 0; i < count; ++i) plan.add_row(rows[i]);
    return true;
  });
  if (plan.read_is_open()) plan.close_read();
}

std::uint16_t* list_reads(const std::uint16_t* bits, int slices, int planes,
                          const SegmentationOptions& options, std::uint16_t no_row, std::uint16_t* rest,
                          std::uint16_t* rows) {
  return HWY_DYNAMIC_DISPATCH(list_reads_here)(bits, slices, planes, options, no_row, rest, rows);
}

int scalar::rows_of_read(const std::uint16_t* bits, int slices, const SegmentationOptions& options,
                         std::int64_t read, std::uint16_t* rows) {
  std::uint16_t* end = rows;
  for_each_share(bits, slices, options, [&](std::int64_t number, int slice, int skipped, int count) {
    if (number == read) end = put_rows(bits[slice * most_planes], slice * slice_rows, skipped, count, end);
    return number <= read;
  });
  return static_cast<int>(end - rows);
}

int scalar::on_cells_of_read(const std::uint16_t* bits, int slices, const SegmentationOptions& options,
                             std::int64_t read, const std::uint16_t* cells) {
  std::array<std::uint16_t, read_room> rows{};
  const int count = scalar::rows_of_read(bits, slices, options, read, rows.data());
  return on_cells_of_rows({rows.data(), static_cast<std::size_t>(count)}, cells);
}

std::uint16_t* scalar::list_reads(const std::uint16_t* bits, int slices, int planes,
                                  const SegmentationOptions& options, std::uint16_t no_row,
                                  std::uint16_t* /*rest*/, std::uint16_t* rows) {
  for (int plane = 0; plane < planes; ++plane) {
    std::uint16_t* end = rows;  // of the read that is open
    const auto close = [&] {
      if (end == rows) return;
      std::fill(end, rows + listed_rows, no_row);
      end = rows += listed_rows;
    };
    std::int64_t open = 0;
    for_each_share(bits + plane, slices, options, [&](std::int64_t read, int slice, int skipped, int count) {
      if (read != open) close();
      open = read;
      end = put_rows(bits[slice * most_planes + plane], slice * slice_rows, skipped, count, end);
      return true;
    });
    close();
  }
  return rows;
}

}  // namespace flare::arch
#endif  // HWY_ONCE
// NOLINTEND(bugprone-implicit-widening-of-multiplication-result)
