// What a run of a circuit study says of the failure that is asked for, and what plain samples alone tell of it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "analysis/rare_event/rare_event.hpp"
#include "analysis/tails/tail.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// How far a value of the asked measure is from failing, in its unit: value - below, above - value, the smaller one of
/// a window. Fails where it is <= 0; NaN of NaN.
double margin(const Spec& spec, double value);

/// One response a run: its margin; where the asked measure is not defined what the study says that means; unknown where
/// the run was not simulated. Other measures do not matter. `where` ("at tt_0.90V_27C") is for the error. Throws
/// StudyError where a run has no value and the study does not say what that means.
std::vector<analysis::Response> responses(const CircuitStudy& circuit, const Spec& spec,
                                          const std::vector<engine::RunResult>& runs,
                                          const std::string& where);

/// One value a run of what the spec measures, for a question on one side of it; where it is not defined an infinite one
/// that passes or fails there, as the study says; NaN where that is unknown. A spec with two sides counts such a failure
/// below alone. Throws as responses does.
std::vector<double> outputs(const CircuitStudy& circuit, const Spec& spec, analysis::Side side,
                            const std::vector<engine::RunResult>& runs, const std::string& where);

/// Throws StudyError where plain samples show that no number can be given: no run was simulated (with the simulator's
/// words), the asked measure has no value in some and the study does not say what that means, or it is the same to the
/// last bit, for any spec, in all of them and 6 sigma away in every variable: what a comparator decides may be the same in all samples
/// and yet depend on what varies. `simulate` makes the runs far out, two a variable; only called where all samples agree.
void check_samples(const Study& study, const SampleSet& samples, const std::string& where,
                   const std::function<std::vector<engine::RunResult>(const engine::Matrix&)>& simulate);

/// What runs say of a spec: their numbers add up where the runs are not kept.
struct FailureCounts {
  std::size_t failed = 0;
  std::size_t answered = 0;
  std::size_t bare = 0;  // of those, without a margin
  std::size_t unknown = 0;

  FailureCounts& operator+=(const FailureCounts& other);
};
/// Throws as responses does.
FailureCounts count_failures(const CircuitStudy& circuit, const Spec& spec,
                             const std::vector<engine::RunResult>& runs, const std::string& where);

/// P(fail) by counting samples, plain fails and passes included, and what was counted besides.
analysis::TailProbability counted_failure(const CircuitStudy& circuit, const Spec& spec,
                                          const SampleSet& samples, const FailureCounts& besides = {});

/// P(fail) from a law fitted to the asked measure; both tails of a window. Refused, with what the samples alone say,
/// where some samples fail or pass without a value: a law fitted to the others would not be theirs.
analysis::TailProbability fitted_failure(const CircuitStudy& circuit, const Spec& spec,
                                         const SampleSet& samples);

/// Of two tails that exclude each other.
analysis::TailProbability sum_of(const analysis::TailProbability& a, const analysis::TailProbability& b);

}  // namespace flare::studies
