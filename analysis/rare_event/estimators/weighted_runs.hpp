// Importance sampling with weighted runs (sampling/importance_sampling.hpp): what its estimators share.
#pragma once

#include "analysis/rare_event/estimators/frozen_estimator.hpp"
#include "analysis/rare_event/estimators/moved_failures.hpp"
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
  std::string asked_objection(EstimatorSession& session, const Sampled& sampled) const override;
  std::uint64_t runs_to_ask() const override { return runs_to_move_failures; }

  /// What the search's subset simulation ended at, where it was made: drawn from P, so that a proposal must draw most of it as often as
  /// it stands for.
  void ask_population(const SearchResult& search);
  /// Half of that population and more would each carry more than a tenth of an estimate exp(log_p) from so many runs.
  bool hardly_draws_population(double log_p, double runs) const;

  MixtureProposal proposal_;

 private:
  engine::Matrix population_;         // failing rows; none where there is nothing to ask
  std::vector<std::size_t> failing_;  // of the estimate's runs, by the region they reach furthest along
  FailuresDrawn drawn_;
};

/// Those of the regions in which at least four runs failed: fewer say nothing about a region.
std::vector<LineRegion> with_failures_of_their_own(const std::vector<LineRegion>& regions,
                                                   const std::vector<std::size_t>& failing);

/// ln of the sum of Phi(-offset) over regions.
double log_sum_of_tails(const std::vector<LineRegion>& regions);

/// N(m, I) at each region's nearest failing point, weighted by Phi(-|m|).
MixtureProposal shifted_to(const std::vector<LineRegion>& regions, Eigen::Index dimension);

}  // namespace flare::analysis
