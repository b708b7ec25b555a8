// Many like regions, each in few coordinates: importance sampling from one component a region.
#pragma once

#include "analysis/rare_event/estimators/subspace_estimator.hpp"

namespace flare::analysis {

/// Components at the regions that pruning and moving failing points finds (sparse_regions.hpp), each in its own
/// coordinates. What the search's regions were is replaced in the findings, with the share of starts that none explains.
class LikeRegionsEstimator : public SubspaceEstimator {
 public:
  std::string_view name() const override { return "like regions"; }
  void pilot(Findings& findings) override;
};

}  // namespace flare::analysis
