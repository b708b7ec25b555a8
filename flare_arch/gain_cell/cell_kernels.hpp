// The vector kernels of an array of gain cells (Highway), and how their operands lie. Any law and any leakage: a level becomes
// a current by one lookup in the table of its token's age.
//
// Keys. Tokens stand side by side in a vector, all reading a cell of the same age: token t reads position t - age. Codes of
// four lines share a word, a byte each:
//
//   bits   31..24   23..16   15..8   7..0
//   line      3        2       1      0
//
// A current is a whole number of units, of three signed digits of base 256, so that charges of pulses of whole steps are
// sums of whole numbers: one lookup gives a digit of all lines of a word, one multiplication sums them up. Nothing is
// rounded before the end.
//
// Values. Lines stand side by side. The pulse of a token into a cell times the currents of all levels at that age is a table,
// looked up by the codes of the cell's lines; cells of one position serve several tokens.
//
// Every target with 256 bits or more and fused multiplication gives the numbers of the plain twin (cell_kernels_scalar.hpp) to
// the last bit; other targets run the twin.
#pragma once

#include <cstddef>
#include <cstdint>

namespace flare::arch {

constexpr int cell_lanes = 16;   // tokens of a block
constexpr int table_width = 16;  // currents of an age: 8 levels, twice (vectors of 8 and of 16 lanes)
constexpr int word_lines = 4;    // lines of keys whose codes share a word
constexpr int value_lines = 16;  // lines of values are a multiple of it
constexpr int digits = 3;        // of a key's current
constexpr int largest_units = 127 * (65'536 + 256 + 1);
constexpr int most_steps = 127;  // of a pulse: two products with a digit fit 16 bits

/// The digits of `units`, lowest first: each -128..127. |units| <= largest_units.
void split_units(int units, std::int8_t out[digits]);

/// Keys by line (a component) and position (a token).
struct KeyBlock {
  const std::uint32_t* codes = nullptr;  // [lines / word_lines][stride]
  const std::int8_t* table = nullptr;    // [age][digits][16]: digits of a level's current
  float unit = 0;                        // what one unit is
  const float* errors = nullptr;         // [lines][stride]: what a cell gives beside its level; null: nothing
  std::size_t stride = 0;
  int lines = 0;  // multiple of word_lines
};

/// Pulses of a block of tokens.
struct KeyPulses {
  const std::uint32_t* words =
      nullptr;                   // [lines / word_lines][cell_lanes]: steps, bytes as those of the codes
  const float* steps = nullptr;  // [lines][cell_lanes]: the same; only where cells have errors
  int most = most_steps;         // no pulse has more
};

/// sums[age][lane] = sum over lines of pulses[line][lane] (current of the cell at `position` + lane - age), for `ages`
/// ages from 0. A position may be 15 below the first that anybody asks for.
void sum_keys(const KeyBlock& keys, const KeyPulses& pulses, std::size_t position, int ages, float* sums);

/// Values by position and line.
struct ValueBlock {
  const std::uint32_t* codes = nullptr;  // [position][lines]
  const float* currents = nullptr;       // [age][table_width]
  const float* errors = nullptr;  // [position][lines]: what a cell gives beside its level; null: nothing
  int lines = 0;                  // multiple of value_lines
};

/// Tokens side by side that read the cells of the positions begin .. end - 1, the first of them as the token at position
/// `token`: at or behind all those positions.
struct ValueReads {
  int token = 0, tokens = 0;
  int begin = 0, end = 0;
  const float* pulses = nullptr;  // [age][cell_lanes], from the first token's lane on
};

/// sums[token][line] += sum over positions, ascending, of pulse (current of the cell).
void add_values(const ValueBlock& values, const ValueReads& reads, float* sums);

/// A counter a line: it sees charge (1 + gain) + offset. Null: none errs.
struct CounterErrors {
  const float *gain = nullptr, *offset = nullptr;
};

/// counts[line] += steps clamp(charge, -1, 1), the charge in full scales, rounded to a whole number, ties to even.
void add_counts(const CounterErrors& errors, float steps, const float* charges, int lines,
                std::int32_t* counts);

}  // namespace flare::arch
