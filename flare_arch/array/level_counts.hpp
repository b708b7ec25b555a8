// Reads by their number of on-cells k, counted on every bit line: what the energy of reads goes by.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flare_arch/array/array_job.hpp"

namespace flare::arch {

/// The cells that reads meet, and how many rows a read drives at most.
struct LevelCells {
  const std::uint64_t* row_bits = nullptr;  // Array::row_bits(), from the row that reads call 0
  std::size_t row_words = 0;                // multiple of 8
  int lines = 0;                            // bit lines that are read: the first
  int rows_per_read = 8;                    // SAWL, 1..64
};

/// Adds to levels[k], k = 0 ... SAWL, on how many bit lines of all reads k of the driven rows conduct. Highway, the same numbers on
/// every target.
void count_levels(const LevelCells& cells, const ListedReads& reads, std::int64_t* levels);

namespace scalar {
/// The same bit line by bit line: what the vectors are tested against.
void count_levels(const LevelCells& cells, const ListedReads& reads, std::int64_t* levels);
}  // namespace scalar

}  // namespace flare::arch
