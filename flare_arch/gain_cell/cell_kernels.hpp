// The vector kernels of an array of gain cells (Highway), and how their operands lie.
//
// Sixteen tokens stand side by side in a vector, all reading a cell of the same age: token t reads position t - age. All of
// them meet one row of the table of currents, so that a stored level becomes a current by one lookup in a register, for
// any law and any leakage. Codes of four lines share a word: loads and shifts are then about as many as the units for them
// like (one line a word and eight are both slower):
//
//   bits   31..16   15..12   11..8   7..4   3..0
//   line             3        2       1      0
//
// Every target with 256 bits or more and fused multiplication gives the numbers of the plain twin (cell_kernels_scalar.hpp) to
// the last bit; other targets run the twin.
#pragma once

#include <cstddef>
#include <cstdint>

namespace flare::arch {

constexpr int cell_lanes = 16;   // tokens side by side
constexpr int table_width = 16;  // currents of an age: 8 levels, twice (vectors of 8 and of 16 lanes)
constexpr int word_lines = 4;    // lines whose codes share a word

/// Cells by line (a component of a key or value) and position (a token).
struct CellBlock {
  const std::uint32_t* codes = nullptr;  // [lines / word_lines][stride]
  const float* errors =
      nullptr;  // [lines][stride]: what a cell gives beside its level's current; null: nothing
  const float* currents = nullptr;  // [age][table_width]
  std::size_t stride = 0;
  int lines = 0;  // multiple of word_lines
};

/// sums[age][lane] = sum over lines of pulses[line][lane] (current of the cell at `position` + lane - age), for `ages`
/// ages from 0. A position may be 15 below the first that anybody asks for.
void sum_keys(const CellBlock& keys, const float* pulses, std::size_t position, int ages, float* sums);

/// A pulse of every lane into the cells of one age.
struct PulseRow {
  const float* pulses = nullptr;  // [cell_lanes]
  int age = 0;
};

/// sums[line][lane] = sum over rows of pulse (current of the cell at `position` + lane - age).
void sum_values(const CellBlock& values, std::size_t position, const PulseRow* rows, std::size_t count,
                float* sums);

}  // namespace flare::arch
