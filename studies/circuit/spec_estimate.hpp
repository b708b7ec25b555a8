// Rare-event estimates of all that is asked of a circuit at one corner.
//
// A single spec is a failure problem of its own (analysis/rare_event/rare_event.hpp). Several share what they can: limits
// of the same measure are tails of one output, and one set of runs answers them all (analysis/output_tails/output_tails.hpp);
// different measures have the plain samples in common and the draws at an inflated sigma, since every run takes every
// measure. What the shared estimator refuses has runs of its own.
//
// A limit that is asked for ("which one holds at the target?") is found with limits around the place where plain samples
// expect it, five at a time: their tails, in sigma, are joined by straight lines, and the limit and the ends of its interval
// are where these and the ends of the tails' 95 % intervals cross the target (a confidence set by inversion of the test at
// every limit). Where the three crossings are not all enclosed the limits are moved there and asked again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/rare_event/rare_event.hpp"
#include "analysis/results/spec_table.hpp"
#include "studies/run/rare_event_runs.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// What one spec is answered at one corner.
struct SpecAnswer {
  analysis::TailProbability failure;         // refused where a limit is asked for
  std::optional<analysis::HeldLimit> limit;  // asked for
  engine::Vector nearest;                    // nearest failing point; empty where none is known
  std::string search;                        // in a line, what was done
};

struct SpecEstimates {
  std::vector<SpecAnswer> answers;  // as the specs
  SampleSet tail_samples;           // every run made, in order
};

/// `plain`: samples of the corner; `where` ("at tt_0.90V_27C") for errors. Throws engine::Stopped, StudyError.
SpecEstimates estimate_specs(const StudyRun& run, const SampleSet& plain, const std::string& where);

/// Runs of tails at one corner, before any is made.
struct TailRuns {
  std::size_t likely = 0;  // in the gallery: 266 to 3,100 for one spec, 272 for limits of one measure
  std::size_t most = 0;
};
TailRuns expected_tail_runs(const Study& study);

/// The limit at the target from a law fitted to plain samples.
analysis::HeldLimit fitted_limit(const CircuitStudy& circuit, const Spec& spec, const SampleSet& plain,
                                 double target);

}  // namespace flare::studies
