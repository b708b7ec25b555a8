// Last stage of the shared estimator: draws at an inflated sigma that look for failures nobody expects.
#pragma once

#include "analysis/output_tails/plane_exploration.hpp"

namespace flare::analysis {

/// Refuses what is contradicted.
void audit_outputs(OutputSession& session, const PlaneExploration& explored);

}  // namespace flare::analysis
