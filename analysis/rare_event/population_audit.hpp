// Is the part of P that the search's population of failures shows in the estimate?
//
// The population of subset simulation is drawn from N(0, I) where it fails: each of its points stands for an equal part of
// P, whatever leads to it. A failing set that touches a region of the estimate is joined to it by failures only, and no arc
// shows that the estimate's lines never go there; the population does. Points that no sampled region's root model predicts
// to fail are asked by lines through them: the search along such a line must find the failure, and the line must not
// carry several times P. What stays is a share of P that the estimate has not seen.
#pragma once

#include <functional>

#include "analysis/rare_event/core/estimator_session.hpp"
#include "analysis/rare_event/search/failure_search.hpp"

namespace flare::analysis {

/// Of so many like regions a population may end in a few.
constexpr std::size_t many_regions = 5;

/// Failures that the estimate does not account for, with the share of the search's population that they stand for.
struct Forgotten {
  double share = 0.0;
  std::vector<engine::Vector> points;
};

/// Failures like this point are in an estimate (Estimator::accounts_for); empty: ask its regions alone.
using AccountsFor = std::function<bool(const engine::Vector&)>;
void drop_accounted(const AccountsFor& accounts_for, std::vector<engine::Vector>& points);

/// Of an estimate exp(log_p) whose part of P in each of `regions` rests on a sample of its own. Makes runs where more than a
/// seventh of the population is predicted by none. Nothing in more than 60 dimensions, where chains move too slowly to
/// stand for P, and where there is no population.
Forgotten forgotten_failures(EstimatorSession& session, const SearchResult& search,
                             const std::vector<LineRegion>& regions, double log_p,
                             const AccountsFor& accounts_for = {});

}  // namespace flare::analysis
