// First stage of the shared estimator: does one plane explain the output, at 1 sigma and farther out?
#pragma once

#include <string>

#include "analysis/output_tails/output_session.hpp"
#include "analysis/rare_event/core/linear_model.hpp"

namespace flare::analysis {

/// What is known before any run is made near a limit.
struct PlaneExploration {
  KnownOutputs near;  // draws at 1 sigma
  KnownOutputs far;   // draws at far_scale
  LinearModel plane;
  double far_scale = 1.0;
  double farthest = 0.0;  // sigma of the last limit on the way, by the plane
  std::string objection;  // why one plane does not explain the output; empty where it does

  /// A failure among runs at `scale` where the plane is sure that there is none; empty: none seen.
  std::string surprise(const std::vector<TailQuestion>& questions, const KnownOutputs& seen,
                       double scale) const;
};

PlaneExploration explore_plane(OutputSession& session);

}  // namespace flare::analysis
