// Third stage of the shared estimator: fresh runs of one frozen proposal correct the stand-ins, for every question
// at once, until each has its interval.
#pragma once

#include <vector>

#include "analysis/output_tails/surrogate_pilot.hpp"

namespace flare::analysis {

/// Runs kept back for the audit.
inline constexpr std::uint64_t output_audit_runs = 80;

/// A question that fresh runs were made for, with what was frozen before them.
struct FrozenQuestion {
  std::size_t question = 0;
  TailSurrogate surrogate;
  TailSurrogate::Place place;
  double log_model = 0.0;  // ln P of the stand-in
};

struct SharedRuns {
  std::vector<FrozenQuestion> questions;
  KnownOutputs fresh;
  bool doubted = false;  // given up
};

/// How long an estimate goes on, and what it must have seen.
struct EstimateRules {
  std::uint64_t patience = 300;  // it gives up after so many runs where they leave an objection to a question
  std::size_t least_near_limit = 12;  // runs within two standard deviations of where the question is decided
};

/// Fills the summary's tails. Throws OutputTailsEnded where the budget does not cover a first batch.
SharedRuns estimate_shared(OutputSession& session, const PlaneExploration& explored,
                           const std::vector<QuestionGroup>& groups, const EstimateRules& rules);

}  // namespace flare::analysis
