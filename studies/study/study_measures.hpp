// The [[measure]] tables of a circuit study and what [[spec]], or [failing], asks of them: read, with everything that can be known
// to be wrong without simulating found at its key.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "analysis/tails/tail.hpp"
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
struct Spec {
  std::size_t measure = 0;      // among the study's measures
  std::string place;            // "file:line: table" that speaks of the measure, for errors
  std::optional<double> below;  // in the measure's unit; at least one of the three is there, below < above
  std::optional<double> above;
  Unmeasured unmeasured = Unmeasured::unsaid;
  std::string name = {};
  /// No limit is given: the one on this side is asked for that holds at the target.
  std::optional<analysis::Side> asked = {};

  bool one_sided() const { return below.has_value() != above.has_value(); }
};

struct StudyMeasures {
  /// As the study names them; last the expressions that specs wrote themselves.
  std::vector<engine::Measure> measures;
  std::vector<std::string> places;  // of the measures, "file:line: table", for errors
  std::vector<Spec> specs;          // at least one, names differ
};

/// Reads all. `analysis` tells which times there are. Throws StudyError.
StudyMeasures read_measures(Section& root, const engine::Analysis& analysis);

}  // namespace flare::studies
