// What the cost model says of published macros, from what their publications tell of their circuits: nothing is fitted.
#pragma once

#include <string>

#include "flare_arch/cost/architecture.hpp"

namespace flare::arch {

/// How a macro makes a code of a bitline.
enum class Readout {
  sar,    // a comparator and a capacitor array; where a publication that is at hand does not say
  sense,  // a sense amplifier, a decision a bit, against references that all columns share
  time,   // a ramp: one decision, its moment latched
};

/// What a publication tells of a macro.
struct MacroDesign {
  std::string technology;           // sram, reram, mram
  double node = 28;                 // nm
  int rows = 8;                     // read at once
  int columns = 1;                  // whose currents one converter sums
  int adc_bits = 3;                 // output bits of its converter
  int fed_bits = 1;                 // of an input at once, as levels or pulses of a word line
  int input_bits = 8;               // of a whole input
  int weight_bits = 8;              // columns whose codes are added up
  double volt = 0.8, cycle = 1e-9;  // V, s
  bool draws_current = false;       // bitlines conduct while they are read; else charge moves, once
  Readout readout = Readout::sar;
};

/// Energy of one column read, J, and its parts.
struct MacroEnergy {
  double bitline = 0, word_lines = 0, converter = 0, code_to_sum = 0;
  double total() const { return bitline + word_lines + converter + code_to_sum; }
};

/// Bits that have to be decided: log2(levels), levels = rows (2^fed_bits - 1) + 1, but no more than the converter has.
double decided_bits(const MacroDesign& macro);

/// Bits of the output that the codes of all input and weight bits add up to.
int output_bits(const MacroDesign& macro);

/// Parameters are for 28 nm and 0.9 V: switching parts go with V^2 and with the node, capacitors of converters with V^2.
/// Data are half ones: half of the rows are driven, `cell_ones` of those conduct.
///   bitline      charge: the shipped column's at SAWL 8, C swing V at a full swing of 0.4 V a 0.9 V, times the mean level;
///                current: a resistive cell draws V_read / R from the supply for the model's own read time, or the cycle where
///                that is shorter: ReRAM 10 kOhm where it stores a one and nothing else, MRAM 6 kOhm either way
///   converter    by its readout; a comparator has the size whose offset is a sixth of a step (three sigma to either side),
///                but is trimmed at the shipped one's size where that would be larger
///   code to sum  adders that join the codes of weight_bits columns, ceil(log2(weight_bits)) deep, and an accumulator of
///                output_bits for them, where inputs are fed in parts; in bits of the model's 11 bit adder and register
MacroEnergy predict_macro(const MacroDesign& macro, const ParameterSet& parameters,
                          Bound bound = Bound::nominal);

/// The same of a macro whose bitlines conduct over the whole cycle.
MacroEnergy predict_conducting_macro(const MacroDesign& macro, const ParameterSet& parameters);

std::string_view to_string(Readout value);
/// False for a word that is none.
bool read_readout(std::string_view word, Readout& readout);

}  // namespace flare::arch
