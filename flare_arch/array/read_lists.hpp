// Which rows the reads of a token drive, where reads are counted without a plan (counts_without_plan()): one read, the plan of a
// plane, or all reads at once in vectors. What plan_reads() says of the same rows.
#pragma once

#include <cstdint>
#include <span>

#include "flare_arch/array/bitsift.hpp"

namespace flare::arch {

/// The plan that plan_reads() would make of one plane, where reads are counted so. bits as in rows_of_read().
void plan_slices(const std::uint16_t* bits, int slices, const SegmentationOptions& options, ReadPlan& plan);

/// Rows of a read at most, and behind them room for what is no row.
constexpr int most_rows_per_read = 64, read_room = most_rows_per_read + 16;
/// The rows that read number `read` of a plane drives, where reads are counted so. bits: the plane's of the first slice, those
/// of the next ones most_planes further on. rows: read_room of them. Returns how many.
int rows_of_read(const std::uint16_t* bits, int slices, const SegmentationOptions& options, std::int64_t read,
                 std::uint16_t* rows);

/// On-cells of a bit line among the rows that read number `read` drives. cells: bit i of word s is that of row 16 s + i.
int on_cells_of_read(const std::uint16_t* bits, int slices, const SegmentationOptions& options,
                     std::int64_t read, const std::uint16_t* cells);
inline int on_cells_of_rows(std::span<const std::uint16_t> rows, const std::uint16_t* cells) {
  int on = 0;
  for (const std::uint16_t row : rows) on += (cells[row >> 4] >> (row & 15)) & 1;
  return on;
}

/// Rows of a read where reads are listed: as many as SAWL has at most then.
constexpr int listed_rows = 8;
/// All reads of `planes` planes, in any order, where SAWL is at most listed_rows and reads are counted so: listed_rows row numbers each,
/// `no_row` (below 2^15) behind those that it drives. rest: room for 8 more than there are slices, rows: for 9 more than there
/// are reads, in reads. Returns the end of the reads.
std::uint16_t* list_reads(const std::uint16_t* bits, int slices, int planes,
                          const SegmentationOptions& options, std::uint16_t no_row, std::uint16_t* rest,
                          std::uint16_t* rows);

namespace scalar {
/// The same in plain loops: what the vectors are tested against.
int rows_of_read(const std::uint16_t* bits, int slices, const SegmentationOptions& options, std::int64_t read,
                 std::uint16_t* rows);
int on_cells_of_read(const std::uint16_t* bits, int slices, const SegmentationOptions& options,
                     std::int64_t read, const std::uint16_t* cells);
std::uint16_t* list_reads(const std::uint16_t* bits, int slices, int planes,
                          const SegmentationOptions& options, std::uint16_t no_row, std::uint16_t* rest,
                          std::uint16_t* rows);
}  // namespace scalar

}  // namespace flare::arch
