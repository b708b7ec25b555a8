// What the default estimator still does before it refuses.
//
// Regions and planes are ways to be precise. Where none of them works out, the few directions or the distances in which
// failures lie may, and then subset simulation often does: it needs nothing but margins that lead there, in any number of dimensions, and pays with a wide
// interval. And where no run has failed, there is a limit to give, not a refusal.
#pragma once

#include "analysis/rare_event/core/estimator_session.hpp"
#include "analysis/rare_event/search/failure_search.hpp"
#include "analysis/rare_event/search/plain_look.hpp"

namespace flare::analysis {

/// The engines of `last_entrants()`, one after the other, audited like those of the race; then repeats of subset simulation with all that is left. Where they do not answer either: `refused`
/// with their reasons after its own and with the budget that the repeats would need.
RareEventSummary engines_at_last(EstimatorSession& session, const PlainLook& look, SearchResult& search,
                                 RareEventSummary refused);

/// Failing points among draws of up to 4.5 times the spread, a share of what is left of the budget.
std::vector<engine::Vector> look_far_out(EstimatorSession& session);

/// Where no plain run has failed: the rest of the budget on more of them, and the 95 % limit that all give.
RareEventSummary bound_without_failure(EstimatorSession& session, const PlainLook& look);

}  // namespace flare::analysis
