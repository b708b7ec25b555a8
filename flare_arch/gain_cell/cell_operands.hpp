// A head's cells and its sequence as the kernels read them (cell_kernels.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "flare_arch/base/matrix.hpp"
#include "flare_arch/gain_cell/cell_errors.hpp"
#include "flare_arch/gain_cell/cell_kernels.hpp"

namespace flare::arch {

using CodeMatrix = Matrix<std::uint8_t>;

/// Codes of one head's sequence: tokens x width each. Queries 0..input_steps, keys and values level numbers.
struct HeadCodes {
  CodeMatrix query, key, value;
};

/// Currents of every level at every age, in full scales.
struct CellTables {
  std::vector<std::int8_t> key;  // [age][digits][16]
  float key_unit = 0;
  std::vector<float> value;  // [age][table_width]
};

/// `currents`: ages x levels, A. A key's are rounded to units of a 2^23rd of the largest.
CellTables cell_tables(const MatrixD& currents, int ages, double key_full_scale, double value_full_scale);

/// Positions before the first token, which the lanes of young ages touch.
constexpr int pad = cell_lanes;

struct CellOperands {
  int tokens = 0, width = 0;
  std::vector<std::uint32_t> query_words;  // [block of tokens][key words][cell_lanes]
  std::vector<float> query_steps;          // [block of tokens][key lines][cell_lanes]; only with errors
  std::vector<std::uint32_t> key_words, value_codes;
  std::vector<float> key_errors, value_errors;
  std::vector<float> pulse_gain, pulse_offset;  // by position, keys'; only with errors
  KeyBlock keys;                                // position 0 of a sequence is `pad`
  ValueBlock values;                            // position 0 is 0
  int input_steps = 0;

  /// Pulses of the tokens `first` .. + 15.
  KeyPulses pulses(int first) const;
};

/// `errors` null: none; of a window of `window` tokens.
CellOperands cell_operands(const HeadCodes& codes, const CellTables& tables, int input_steps);
void add_errors(CellOperands& operands, const HeadCodes& codes, const HeadErrors& errors, int window,
                double key_full_scale, double value_full_scale);

}  // namespace flare::arch
