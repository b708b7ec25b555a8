// The [[measure]] tables of a circuit study and what [failing] asks of them: read, with everything that can be known
// to be wrong without simulating found at its key.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/measures/measure.hpp"
#include "engine/simulate/testbench.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

/// What a run says in which the asked measure is not defined.
enum class Unmeasured {
  unsaid,  // the study does not tell: no number is given until it does
  fails,
  passes,
  unknown,  // as a run that did not converge
};

/// What counts as failing: the measure below the one limit or above the other.
struct Failing {
  std::size_t measure = 0;      // among the study's measures
  std::string place;            // "file:line: table" that speaks of the measure, for errors
  std::optional<double> below;  // in the measure's unit; at least one of the two is there, below < above
  std::optional<double> above;
  Unmeasured unmeasured = Unmeasured::unsaid;
};

struct StudyMeasures {
  /// As the study names them; last an expression that [failing] wrote itself.
  std::vector<engine::Measure> measures;
  Failing failing;
};

/// Reads both. `analysis` tells which times there are. Throws StudyError.
StudyMeasures read_measures(Section& root, const engine::Analysis& analysis);

}  // namespace flare::studies
