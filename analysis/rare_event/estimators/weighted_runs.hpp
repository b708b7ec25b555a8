// Importance sampling with weighted runs (sampling/importance_sampling.hpp): what its estimators share.
#pragma once

#include "analysis/rare_event/estimators/frozen_estimator.hpp"
#include "analysis/rare_event/sampling/importance_sampling.hpp"

namespace flare::analysis {

class WeightedRunEstimator : public FrozenEstimator {
 public:
  bool needs_regions() const override { return true; }
  std::vector<LineRegion> sampled_regions() const override;

 protected:
  static constexpr std::size_t pilot_runs = 120;

  std::vector<Stratum> draw(EstimatorSession& session, const std::vector<std::size_t>& counts) override;
  std::string objection(const Sampled& sampled) const override;

  MixtureProposal proposal_;

 private:
  std::vector<std::size_t> failing_;  // of the estimate's runs, by the region they reach furthest along
};

/// Those of the regions in which at least four runs failed: fewer say nothing about a region.
std::vector<LineRegion> with_failures_of_their_own(const std::vector<LineRegion>& regions,
                                                   const std::vector<std::size_t>& failing);

/// ln of the sum of Phi(-offset) over regions.
double log_sum_of_tails(const std::vector<LineRegion>& regions);

/// N(m, I) at each region's nearest failing point, weighted by Phi(-|m|).
MixtureProposal shifted_to(const std::vector<LineRegion>& regions, Eigen::Index dimension);

}  // namespace flare::analysis
