// Reads of a die that do not return the code of their level: found without computing any code.
//
// Where a read drives k on-cells, its cells' deviations D add to the level's mean, and the code is the level's own as long as
// D stays between two limits of the bit line, whatever k is. On a die worth building nearly all reads do, so that the
// sums are the exact product, made elsewhere, plus corrections for the few that stray.
#pragma once

#include <cstdint>
#include <vector>

#include "flare_arch/array/array_kernels.hpp"

namespace flare::arch {

constexpr int stray_lines = 64;  // bit lines at once: the deviations of 192 rows stay in the nearest cache

/// One block of stray_lines bit lines of an array on a die. Pointers are 64-byte aligned; sums are of 16 bits and wrap.
struct StrayBlock {
  const std::int16_t* deviations = nullptr;  // [row][line]: what the cell adds beside the mean, in units
  const std::int16_t* starts =
      nullptr;  // [n][line]: what the first n dummy rows add, less the least D allowed
  const std::uint16_t* spans = nullptr;  // [line]: the largest D allowed less the least
  int dummy_rows_up_to = 0;              // SAWL where reads are filled up with dummies, else 0
};

struct StrayRead {
  std::uint32_t read = 0;
  std::int32_t line = 0;    // within the block
  std::uint16_t above = 0;  // D less the least D allowed, modulo 2^16
};

/// Appends the reads whose D lies outside its limits, in the order of reads and, of a read, of lines.
void find_strays(const StrayBlock& block, const PlaneReads& reads, std::vector<StrayRead>& found);

/// out[i] = bit i of `bits` ? on[i] : off[i] for stray_lines cells.
void select_cells(const std::uint64_t* bits, const std::int16_t* on, const std::int16_t* off,
                  std::int16_t* out);

namespace scalar {
/// The same in plain loops: what the vectors are tested against.
void find_strays(const StrayBlock& block, const PlaneReads& reads, std::vector<StrayRead>& found);
void select_cells(const std::uint64_t* bits, const std::int16_t* on, const std::int16_t* off,
                  std::int16_t* out);
}  // namespace scalar

}  // namespace flare::arch
