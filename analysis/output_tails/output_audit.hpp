// Last stage of the shared estimator: draws at an inflated sigma that look for failures nobody expects.
#pragma once

#include "analysis/output_tails/plane_exploration.hpp"
#include "analysis/output_tails/shared_estimate.hpp"

namespace flare::analysis {

/// Refuses what is contradicted.
void audit_outputs(OutputSession& session, const PlaneExploration& explored, const SharedRuns& made);

}  // namespace flare::analysis
