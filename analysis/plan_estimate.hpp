// The estimate: fresh runs of a frozen plan, in stages until the target is met or the budget ends.
#pragma once

#include "analysis/estimation_plan.hpp"

namespace flare::analysis {

/// Estimated, or refused with the objection.
RareEventSummary estimate_with(EstimatorSession& session, const SearchResult& search, const Plan& plan);

}  // namespace flare::analysis
