// Third stage of the shared estimator: fresh runs of one frozen proposal correct the stand-ins, for every question
// at once, until each has its interval.
#pragma once

#include <vector>

#include "analysis/output_tails/surrogate_pilot.hpp"

namespace flare::analysis {

/// Runs kept back for the audit.
inline constexpr std::uint64_t output_audit_runs = 40;

/// Fills the summary's tails. Throws OutputTailsEnded where the budget does not cover a first batch.
void estimate_shared(OutputSession& session, const PlaneExploration& explored,
                     std::vector<QuestionGroup> groups);

}  // namespace flare::analysis
