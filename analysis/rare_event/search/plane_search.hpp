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
  /// ln of the most that P could be with what lies behind a jump of the margin that was met; nothing where none matters.
  std::optional<double> log_p_behind_jumps;
};

PlaneSearch search_plane(EstimatorSession& session, const PlainLook& look, RegionFinder& finder);

}  // namespace flare::analysis
