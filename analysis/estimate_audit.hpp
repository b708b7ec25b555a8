// Looks for contradictions to an estimate that was made.
#pragma once

#include "analysis/estimator_session.hpp"
#include "analysis/failure_search.hpp"

namespace flare::analysis {

/// Subset simulation's own number, where there is one: seeing clearly more than the estimate refuses it.
void audit(const SearchResult& search, RareEventSummary& summary);

/// Takes the number away.
void refuse(RareEventSummary& summary, std::string reason);

}  // namespace flare::analysis
