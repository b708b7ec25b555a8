// Directions worth a pilot where the regions found do badly.
#pragma once

#include <vector>

#include "analysis/rare_event/core/estimator_session.hpp"
#include "analysis/rare_event/search/failure_search.hpp"

namespace flare::analysis {

/// The mean of the failing population and the gradient at the origin, as regions. A gradient made for it is
/// kept in `search.plane`.
std::vector<LineRegion> other_directions(EstimatorSession& session, SearchResult& search);

}  // namespace flare::analysis
