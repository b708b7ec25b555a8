// A charge-to-pulse converter by itself: a charge is drawn from its bitline, then it is converted.
//
// One copy a charge; a variable of mismatch moves the same device of all copies. The charge is a current of 1 ns: what a column has
// drawn when its longest read ends. The reference currents are ideal sources of the full scale.
#pragma once

#include <string>
#include <vector>

#include "studies/gain_cell/cell_bench.hpp"

namespace flare::studies {

struct PulseBench {
  PulseConverter converter;
  bool with_sign = false;  // else the rectifier
  CellDrive drive;
  double capacitance = 8e-12;   // F, of the bitline
  double current = 80e-6;       // A, full scale
  double longest = 15e-9;       // s: pulse of the full-scale charge
  std::vector<double> charges;  // C, drawn from the bitline

  double full_charge() const { return current * longest; }
  const PulseCircuit& circuit() const { return with_sign ? converter.with_sign : converter.rectifier; }
};

inline constexpr double conversion_start = 5e-9;  // s: `enable_bar` begins to fall

/// Measures "end<k>" (s): when the output changes first after the start; "high<k>" (V): the most it is after it; "energy" (J): what the
/// supply gives, all copies together, from the zeroing to the end of the longest pulse.
engine::Testbench pulse_testbench(const PulseBench& bench);

/// Width of the pulse of copy k from those measures, s: 0 where the output never rose; NaN where the pulse has no end within the run.
double pulse_width(const PulseBench& bench, const std::vector<double>& measures, std::size_t k);

/// Elements that mismatch moves, of the first copy.
std::vector<std::string> pulse_elements(const PulseBench& bench);

}  // namespace flare::studies
