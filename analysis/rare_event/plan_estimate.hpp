// The estimate: fresh runs of a frozen plan, in stages until the target is met or the budget ends.
#pragma once

#include "analysis/rare_event/estimation_plan.hpp"

namespace flare::analysis {

/// Estimated, or refused with the objection. A sample of lines that may not be believed is given up once,
/// early: it serves as one more pilot, `plan` is refitted to it, and the estimate begins again with fresh
/// runs.
RareEventSummary estimate_with(EstimatorSession& session, const SearchResult& search, Plan& plan);

}  // namespace flare::analysis
