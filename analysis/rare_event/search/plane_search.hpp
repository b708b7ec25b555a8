// The short way of the search: one plane explains the margin, near and far.
#pragma once

#include <optional>

#include "analysis/rare_event/core/linear_model.hpp"
#include "analysis/rare_event/search/failure_regions.hpp"
#include "analysis/rare_event/search/plain_look.hpp"

namespace flare::analysis {

struct PlaneSearch {
  std::optional<LinearModel> plane;  // the best one seen, even where it does not explain all
  bool explains_all = false;         // its direction is the only region; `finder` holds it
};

PlaneSearch search_plane(EstimatorSession& session, const PlainLook& look, RegionFinder& finder);

}  // namespace flare::analysis
