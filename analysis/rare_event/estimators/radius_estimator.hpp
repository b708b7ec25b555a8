// Radial importance sampling (sampling/radial_runs.hpp): failures at certain distances from the origin, whatever the
// direction. Knows nothing of regions, so it can miss none.
#pragma once

#include "analysis/rare_event/estimators/frozen_estimator.hpp"
#include "analysis/rare_event/sampling/radial_runs.hpp"

namespace flare::analysis {

class RadiusEstimator : public FrozenEstimator {
 public:
  std::string_view name() const override { return "radii"; }
  /// Fits the radius to subset simulation's failing population, where there is one, then to the failures of two rounds.
  void pilot(Findings& findings) override;

 protected:
  RareEventMethod method() const override { return RareEventMethod::radial_sampling; }
  std::vector<Stratum> draw(EstimatorSession& session, const std::vector<std::size_t>& counts) override;
  std::string objection(const Sampled& sampled) const override;

 private:
  std::optional<RadiusProposal> proposal_;
};

}  // namespace flare::analysis
