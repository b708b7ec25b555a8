// What is measured of a comparator at one place (a corner and a common mode), place by place: decision times, the offset's
// first-order spread and its spread over dies, noise per read, energy per decision.
#pragma once

#include <string>
#include <vector>

#include "studies/converter/comparator_bench.hpp"
#include "studies/converter/offset_search.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// Where a comparator is measured. `stream` names its runs; `dies` the draws of its devices: places that share it are the
/// same comparators elsewhere.
struct ComparatorPlace {
  ComparatorBench bench;
  std::string stream;
  std::string dies;
};

/// What measuring needs besides the places.
struct ComparatorRuns {
  const Study& study;  // its variation, seed
  engine::Evaluator& evaluator;
  const MakeAllRuns& make;
};

/// Times from the start of the run, s; the clock is half way up at clock_start + edge/2.
struct DecisionTimes {
  double early = 0.0;  // 1 mV above the offset has become 0.1 V: where offsets and noise are taken
  double late = 0.0;   // 0.1 mV has: where the kicks of comparators that decide beside it have come to an end
  double decided = 0.0;  // 1 mV has become half the supply
};
/// Throws StudyError for a comparator that does not decide 1 mV within 20 ns.
std::vector<DecisionTimes> decision_times(const ComparatorRuns& runs,
                                          const std::vector<ComparatorPlace>& places);

/// The comparator near balance. Coordinates of its testbench: the input, then one a variable of the study.
struct ComparatorSlopes {
  std::shared_ptr<const engine::Testbench> testbench;
  double gain = 0.0;                // d over the input
  double nominal = 0.0;             // offset without mismatch, V
  std::vector<double> sensitivity;  // V a sigma, of each variable
  /// Root sum square of the sensitivities, V.
  double first_order_sigma() const;
};
std::vector<ComparatorSlopes> comparator_slopes(const ComparatorRuns& runs,
                                                const std::vector<ComparatorPlace>& places,
                                                const std::vector<DecisionTimes>& times);

/// Offsets of `dies` comparators at each place, V, NaN where none was found, and the runs behind them.
std::vector<OffsetResult> comparator_offsets(const ComparatorRuns& runs,
                                             const std::vector<ComparatorPlace>& places,
                                             const std::vector<ComparatorSlopes>& slopes, std::size_t dies);

/// Input-referred noise of one decision, V rms, by impulse sensitivity: a charge put on a node at an earlier time moves d; over
/// the gain that is h(node, time) in V/C. A transistor's noise current flows from drain to source, with the one-sided density
/// 4 k T (gamma gm + gds), so that the variance is
///     sum over devices of the integral of (h(drain) - h(source))^2 2 k T (gamma gm + gds) dt
/// with gamma = 1; no flicker noise. No random number is drawn. (The impulse sensitivity of a clocked comparator: Kim, Leibowitz,
/// Ren and Madden, IEEE TCAS-I 56(8), 1844, 2009.)
std::vector<double> comparator_noise(const ComparatorRuns& runs, const std::vector<ComparatorPlace>& places,
                                     const std::vector<DecisionTimes>& times, int instants = 24);

/// Over one cycle of the clock with 1 mV at the input, J.
struct DecisionEnergy {
  double supply = 0.0;
  double clock = 0.0;  // of a driver on the same supply
  double input = 0.0;  // from the bitline and the reference
  double cycle = 0.0;  // s
  double total() const { return supply + clock + input; }
};
std::vector<DecisionEnergy> decision_energies(const ComparatorRuns& runs,
                                              const std::vector<ComparatorPlace>& places,
                                              const std::vector<DecisionTimes>& times);

/// How many variables of the study the comparator has. Throws StudyError where a variation fits nothing.
std::size_t comparator_variables(const ComparatorRuns& runs, const ComparatorPlace& place);

/// Gate area of everything in the comparator, m^2.
double comparator_area(const ComparatorRuns& runs, const ComparatorPlace& place);

}  // namespace flare::studies
