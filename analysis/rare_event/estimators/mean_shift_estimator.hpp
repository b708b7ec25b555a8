// Weighted runs from one Gaussian a region, moved to its nearest failing point.
#pragma once

#include "analysis/rare_event/estimators/weighted_runs.hpp"

namespace flare::analysis {

/// N(m, I) at each region's nearest failing point, weighted by Phi(-|m|).
class MeanShiftEstimator : public WeightedRunEstimator {
 public:
  std::string_view name() const override { return "mean shift"; }
  void pilot(Findings& findings) override;

 protected:
  RareEventMethod method() const override { return RareEventMethod::mean_shift; }
};

}  // namespace flare::analysis
