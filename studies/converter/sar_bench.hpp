// A whole SAR converter: sampling, one comparator, its bits one after the other. Its control signals are ideal.
#pragma once

#include <vector>

#include "studies/converter/comparator_bench.hpp"

namespace flare::studies {

struct SarBench {
  ConverterPart part;  // a sar
  ConverterDrive drive;
  double common_mode = 0.6;     // V, the comparator's reference
  double decision = 145e-12;    // s, from the clock to where a bit is taken over
  std::vector<double> weights;  // of the bits, units, the largest first; empty: 2^(bits - 1) ... 1
  double rest = 1.0;            // units of the rest
};

/// 2^(bits - 1), ..., 2, 1.
std::vector<double> binary_weights(int bits);

/// s: how long a conversion takes, sampling included (and without the decision that comes before it in the bench).
double sar_time(const SarBench& bench);

/// The circuit, without analysis.
std::string sar_netlist(const SarBench& bench);

/// One conversion. Coordinate 0: the sampled level, from `level`. Measures: "h0" ... the bits (V, the largest first), then
/// "supply", "array", "clock": J of the comparator's supply, of the array's and its logic's, and of the clock's driver.
engine::Testbench sar_testbench(const SarBench& bench, double level);

/// The code that a run's measures say.
int sar_code(const SarBench& bench, const std::vector<double>& measures);

/// Charge conservation: threshold of code c (1 ... 2^bits - 1) is origin + supply C_c/C_total, C_c being the units that the
/// bits of c switch. `weights`, `rest`: as the bench has them; `load`: what else hangs on the top plate, units.
std::vector<double> charge_thresholds(const std::vector<double>& weights, double rest, double load,
                                      double supply, double origin);

}  // namespace flare::studies
