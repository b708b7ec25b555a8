// Weighted runs from a Gaussian mixture fitted to failing points.
#pragma once

#include "analysis/rare_event/estimators/weighted_runs.hpp"

namespace flare::analysis {

/// Fitted to the roots of the pilot along the regions, each a little deepened, to the population of subset
/// simulation, and to the failures of its own rounds. Begins at the regions' nearest points where there are
/// none of the former.
class MixtureEstimator : public WeightedRunEstimator {
 public:
  std::string_view name() const override { return "mixture"; }
  void pilot(Findings& findings) override;

 protected:
  RareEventMethod method() const override { return RareEventMethod::mixture_importance; }
};

}  // namespace flare::analysis
