// What the search for sizes asks of a design, whichever kind of study it is of: where it fails at given sizes, how far a
// point is from failing, and what it takes up.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "analysis/tails/tail.hpp"
#include "engine/base/sampling.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// What limits a design, of all that is asked of it.
struct SizedFailure {
  std::string limiting;            // "snm at tt_0.90V_27C"
  analysis::TailProbability tail;  // of it
  engine::Vector nearest;          // its most probable failing point; empty: none is known
  /// The same margin of the design as another study has it, at a point; positive where it passes, in its own unit. Not a number
  /// where a run gives no answer.
  std::function<double(const Study& study, const engine::Vector& point)> margin;

  bool is_answered() const { return tail.status != analysis::TailStatus::refused; }
};

class SizedDesign {
 public:
  virtual ~SizedDesign() = default;

  /// Estimates all that `study` asks. Throws what its kind of study throws.
  virtual SizedFailure estimate(const Study& study) = 0;
  /// um^2, of the gates that Pelgrom's law asks for: of a circuit all of them, of a column those of one cell's read port. 0: there
  /// are none.
  virtual double gate_area(const Study& study) = 0;
  /// Runs made so far.
  virtual std::size_t runs() const = 0;
};

/// The design of the run's study, a circuit or a column. `run` must outlive it. Throws StudyError where there is none, or where a
/// limit is asked for instead of given.
std::unique_ptr<SizedDesign> sized_design(const StudyRun& run);

std::unique_ptr<SizedDesign> sized_circuit(const StudyRun& run);
std::unique_ptr<SizedDesign> sized_column(const StudyRun& run);

}  // namespace flare::studies
