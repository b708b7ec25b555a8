// Radial sampling (sampling/radial_sampling.hpp): knows nothing of regions, so it can miss none.
#pragma once

#include "analysis/rare_event/estimators/frozen_estimator.hpp"

namespace flare::analysis {

class RayEstimator : public FrozenEstimator {
 public:
  /// `witness`: what the pilot says is kept in the search's result, for the audit of other estimates.
  explicit RayEstimator(bool witness) : witness_(witness) {}

  std::string_view name() const override { return "rays"; }
  void pilot(Findings& findings) override;

 protected:
  RareEventMethod method() const override { return RareEventMethod::radial_sampling; }
  std::vector<Stratum> draw(EstimatorSession& session, const std::vector<std::size_t>& counts) override;

 private:
  bool witness_;
};

/// Few dimensions or many regions: the failures may surround the origin.
bool may_surround(const Findings& findings);

}  // namespace flare::analysis
