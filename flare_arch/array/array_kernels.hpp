// The vector kernels of the array, chosen at run time for the processor (Highway). Every target gives the
// same numbers: random bytes are tied to bit lines, not to vector lanes. array_kernels_scalar.hpp says the same in
// plain loops.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flare_arch/array/line_blocks.hpp"
#include "flare_arch/array/random_streams.hpp"
#include "flare_arch/array/slot_table.hpp"

namespace flare::arch {

/// One bit plane of one token, read by read: a code is drawn for every read and bit line.
struct DensePlane {
  const std::uint64_t* row_bits = nullptr;  // the cells of word line r from row_bits + r * row_words
  std::size_t row_words = 0;                // multiple of 8
  int lines = 0;                            // multiple of 512
  int real_lines = 0;                       // bit lines that exist
  int largest_code = 64;                    // 1..127
  const SlotTable* slots = nullptr;         // null: the number of on-cells itself is the code
  StreamKey key;                            // of the codes
  std::uint32_t token = 0, plane = 0;
};

/// The reads of a plane: read i drives rows[starts[i]] up to rows[starts[i + 1]].
struct PlaneReads {
  const std::uint16_t* rows = nullptr;
  const std::uint32_t* starts = nullptr;  // reads + 1 of them
  std::size_t reads = 0;
};

/// Adds the codes of all reads of the plane to code_sums[lines], and the number of reads that did not give
/// their level's likely code to `wrong` (null: not counted).
void sum_codes(const DensePlane& plane, const PlaneReads& reads, std::int32_t* code_sums,
               std::int64_t* wrong);

/// Bit lines that a DieBlock has at most.
constexpr int most_block_lines = 4096;

/// One block of bit lines of an array on a die.
struct DieBlock {
  int lines = 0;                            // multiple of 512; of 64 without level_mean
  const std::uint64_t* row_bits = nullptr;  // as in DensePlane, from the block's first bit line on
  std::size_t row_words = 0;
  // [level], padded to a multiple of 8; null: on-cells' shares of the level stand in their deviations, the rest in dummies
  const std::int16_t* level_mean = nullptr;
  int levels = 0;
  const std::int16_t* deviations = nullptr;  // [row][line]: what the cell adds beside the mean, in units
  const std::int16_t* dummies = nullptr;     // [n][line]: what the first n dummy rows add
  const std::int16_t* thresholds = nullptr;  // [comparator][line]
  int comparators = 0;
  int dummy_rows_up_to = 0;  // SAWL where reads are filled up with dummies, else 0
  int noise_band = 0;        // units; reads this close to a threshold are reported
};

/// A read whose code depends on its noise.
struct NearRead {
  std::uint32_t read = 0;
  std::int32_t line = 0;   // within the block
  std::int32_t level = 0;  // without noise
  std::int32_t code = 0;   // that was added to code_sums
};

/// Adds the noise-free codes of all reads to code_sums[lines]; appends reads with a threshold within the
/// noise band to `near` (where noise_band > 0).
void sum_die_codes(const DieBlock& block, const PlaneReads& reads, std::int32_t* code_sums,
                   std::vector<NearRead>* near);

/// Random bytes of `lines` bit lines (rounded up to 256) for one read.
void fill_random_bytes(StreamKey key, std::uint32_t token, std::uint32_t plane, std::uint32_t read, int lines,
                       std::uint8_t* bytes);

/// values to bytes (two's complement of the low 8 bits); false where one lies outside lowest .. highest.
bool narrow_to_bytes(const std::int32_t* values, std::size_t size, std::int32_t lowest, std::int32_t highest,
                     std::uint8_t* bytes);

/// False where a value lies outside lowest .. highest.
bool within_range(const std::int32_t* values, std::size_t size, std::int32_t lowest, std::int32_t highest);

/// Names of the targets this machine supports, best first; and a limit on them, for tests. "" lifts it.
std::vector<std::string> kernel_targets();
void use_kernel_target(const std::string& name);

}  // namespace flare::arch
