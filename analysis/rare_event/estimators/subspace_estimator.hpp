// Importance sampling in a few directions of many (sampling/subspace_mixture.hpp): what its estimators share. They bring
// the components; rounds of cross-entropy (Rubinstein & Kroese 2004) shape them. Components of one shape class are like
// regions in different places: what one round shows of them is pooled, so that 64 regions need no more runs than
// a few.
#pragma once

#include <algorithm>

#include "analysis/rare_event/estimators/frozen_estimator.hpp"
#include "analysis/rare_event/estimators/moved_failures.hpp"
#include "analysis/rare_event/sampling/subspace_mixture.hpp"

namespace flare::analysis {

/// Where a component begins.
struct SubspaceStart {
  engine::Matrix basis;  // d x r, orthonormal
  engine::Vector point;  // failing, near the region's most probable point
  std::size_t shape_class = 0;
};

class SubspaceEstimator : public FrozenEstimator {
 public:
  bool needs_regions() const override { return true; }
  std::vector<LineRegion> sampled_regions() const override;

 protected:
  RareEventMethod method() const override { return RareEventMethod::mixture_importance; }
  std::vector<Stratum> draw(EstimatorSession& session, const std::vector<std::size_t>& counts) override;
  std::string objection(const Sampled& sampled) const override;
  std::string asked_objection(EstimatorSession& session, const Sampled& sampled) const override;
  std::uint64_t runs_to_ask() const override {
    return runs_to_move_failures * std::min(classes_, most_asked_classes);
  }
  bool can_relearn() const override { return true; }
  void relearn(EstimatorSession& session, std::uint64_t cost) override;

  /// Components at the starts, weighted by Phi(-|point|).
  void begin(const std::vector<SubspaceStart>& starts);
  /// Rounds of runs until a round promises little more than the one before; fills in the forecast. `population`:
  /// failing rows of another method, what the estimate must reach; may be empty.
  void learn_in_rounds(EstimatorSession& session, const engine::Matrix& population);

  SubspaceMixture proposal_;

 private:
  static constexpr std::size_t most_asked_classes = 4;

  bool learn(const WeightedSample& sample);
  void reshape(std::size_t shape_class, const std::vector<Eigen::Index>& rows,
               const std::vector<std::size_t>& owners, const std::vector<double>& weights,
               const engine::Matrix& points);
  void reweigh(const std::vector<std::size_t>& owners, const std::vector<double>& weights);
  void describe_regions_as_lines();

  std::vector<SubspaceStart> starts_;
  std::vector<engine::Vector> origins_;  // B^T start of every component
  std::size_t classes_ = 0;
  std::vector<std::size_t> failing_;  // of the estimate's runs, by component
  std::vector<WeightedSample> drawn_;
  double unreached_share_ = 0.0;  // of the population
};

}  // namespace flare::analysis
