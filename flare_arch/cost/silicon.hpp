// What the cost model says of published macros, from their rows, bits, supply and cycle alone: nothing is fitted.
#pragma once

#include <string>

#include "flare_arch/cost/architecture.hpp"

namespace flare::arch {

/// What a publication tells of a macro.
struct MacroDesign {
  std::string technology;           // sram, reram, mram
  int rows = 8;                     // read at once
  int adc_bits = 3;                 // output bits of its converter
  int input_bits = 1;               // fed at once, as levels or pulses of a word line
  double volt = 0.8, cycle = 1e-9;  // V, s
};

/// Energy of one column read, J, and its parts.
struct MacroEnergy {
  double bitline = 0, word_lines = 0, converter = 0, code_to_sum = 0;
  double total() const { return bitline + word_lines + converter + code_to_sum; }
};

/// Capacitive and switching parts go with V^2 from 0.9 V. Half of the rows are driven, half of those store a one. Bitline: SRAM
/// moves the charge of that many on-cells of the shipped column at SAWL 8; a resistive cell draws V_read / R from the supply
/// for the model's own read time, or the cycle where that is shorter: ReRAM 10 kOhm where it stores a one and nothing else,
/// MRAM 6 kOhm either way. Converter: a trimmed SAR of that many bits. Code to sum: the model's own.
MacroEnergy predict_macro(const MacroDesign& macro, const ParameterSet& parameters,
                          Bound bound = Bound::nominal);

}  // namespace flare::arch
