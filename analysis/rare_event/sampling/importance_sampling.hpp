// Importance sampling with a frozen defensive Gaussian mixture
//     q(x) = e N(0, I) + (1 - e) sum_k w_k N(m_k, S_k).
// The defensive share bounds every weight by 1/e (Hesterberg 1995); without it a Gaussian over an unbounded
// failure set has infinite weight variance unless every eigenvalue of its covariance exceeds 1/2.
#pragma once

#include <vector>

#include "analysis/rare_event/core/evaluation_ledger.hpp"
#include "analysis/rare_event/core/shaped_normal.hpp"
#include "analysis/tails/interval.hpp"

namespace flare::analysis {

struct MixtureProposal {
  double defense = 0.1;
  std::vector<double> weights;  // of the components, sum 1
  std::vector<ShapedNormal> components;

  engine::Vector draw(NormalStream& random) const;
  double log_weight(const engine::Vector& x) const;  // ln phi - ln q
};

struct WeightedSample {
  engine::Matrix points;
  std::vector<double> log_weights;  // ln phi/q of every run
  std::vector<Evaluated> outcomes;
};

WeightedSample sample_mixture(EvaluationLedger& ledger, const MixtureProposal& proposal, std::size_t count,
                              NormalStream& random, Purpose purpose);

/// Fits components to weighted failing points, one a group of `assignment` (0 ... groups - 1). Each group
/// gives a fitted component and a broader one (covariance grown by half), two to one.
MixtureProposal fit_mixture(const engine::Matrix& points, const std::vector<double>& weights,
                            const std::vector<std::size_t>& assignment, std::size_t groups, double floor);

/// Failing runs' weights in units of exp(log_scale), the others 0: one stratum.
Stratum importance_stratum(const WeightedSample& sample, double log_scale);

}  // namespace flare::analysis
