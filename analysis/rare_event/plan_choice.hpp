// Which engine estimates: pilots race, and what one sees clearly another may not miss.
#pragma once

#include <vector>

#include "analysis/rare_event/estimation_plan.hpp"
#include "analysis/rare_event/search/plain_look.hpp"

namespace flare::analysis {

/// Usable plans, the one to estimate with first. Where the origin itself fails, `search.regions` is replaced
/// by the direction that a short pilot likes best; a plane found on the way is kept in `search`.
std::vector<Plan> choose_plans(EstimatorSession& session, const PlainLook& look, SearchResult& search);

/// The plan of the engine that the caller asked for; none where its pilot saw too little.
std::vector<Plan> plan_as_asked(EstimatorSession& session, const PlainLook& look, SearchResult& search);

}  // namespace flare::analysis
