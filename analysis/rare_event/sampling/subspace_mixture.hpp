// Importance sampling in a few directions of many: a frozen defensive mixture
//     q(x) = e N(0, I) + (1 - e) sum_k w_k q_k(x),   q_k = N(m_k, S_k) on the span of an orthonormal basis B_k,
//                                                    N(0, I) on what is orthogonal to it.
// The weight phi/q knows nothing of the orthogonal rest, so that it does not degenerate with the dimension (Uribe, Papaioannou,
// Marzouk & Straub 2021, "Cross-entropy-based importance sampling with failure-informed dimension reduction"). Whatever
// the bases are, the estimate is unbiased; bases that miss what matters cost variance.
#pragma once

#include <vector>

#include "analysis/rare_event/core/normal_stream.hpp"
#include "analysis/rare_event/sampling/importance_sampling.hpp"

namespace flare::analysis {

/// N(m, S) in the coordinates B^T x, or N(0, I) there beyond a limit in each of them; N(0, I) in the rest.
class SubspaceNormal {
 public:
  /// `basis`: d x r, orthonormal columns, r >= 1. Mean B^T at, S = I.
  SubspaceNormal(engine::Matrix basis, const engine::Vector& at);

  /// Mean and covariance in the basis; eigenvalues of S are kept within [floor, ceiling].
  void shape(const engine::Vector& mean, const engine::Matrix& covariance, double floor, double ceiling);

  /// B^T x > limits, N(0, I) otherwise: the law of failures behind one plane or in a corner of several, whose weights are
  /// all alike there.
  static SubspaceNormal beyond(const engine::Matrix& basis, engine::Vector limits);

  engine::Vector coordinates(const engine::Vector& x) const { return basis_.transpose() * x; }
  engine::Vector draw(NormalStream& random) const;
  /// ln q_k(x) - ln phi(x).
  double log_ratio(const engine::Vector& x) const;

  const engine::Matrix& basis() const { return basis_; }
  const engine::Vector& mean() const { return mean_; }
  Eigen::Index rank() const { return basis_.cols(); }

 private:
  engine::Matrix basis_;
  engine::Vector mean_;
  engine::Matrix axes_;       // r x r: eigenvectors of S
  engine::Vector variance_;   // its eigenvalues
  engine::Vector limits_;     // empty: N(m, S)
  engine::Vector log_tails_;  // ln P(z > limit) of each
};

struct SubspaceMixture {
  double defense = 0.1;
  std::vector<double> weights;  // sum 1
  std::vector<SubspaceNormal> components;

  engine::Vector draw(NormalStream& random) const;
  /// ln phi(x) - ln q(x).
  double log_weight(const engine::Vector& x) const;
  /// ln of sum_k w_k q_k(x)/phi(x): large where the mixture looks, without its defensive share.
  double log_reach(const engine::Vector& x) const;
  /// The component most likely behind x.
  std::size_t owner(const engine::Vector& x) const;
};

WeightedSample sample_mixture(EvaluationLedger& ledger, const SubspaceMixture& proposal, std::size_t count,
                              NormalStream& random, Purpose purpose);

/// Mean and covariance of weighted rows (weights of any scale); `prior` counts like `prior_weight` effective rows of
/// covariance. Nothing is fitted to fewer than 4 effective rows: false.
struct WeightedMoments {
  engine::Vector mean;
  engine::Matrix covariance;
  double effective = 0.0;
};
bool weighted_moments(const engine::Matrix& rows, const std::vector<double>& weights,
                      const engine::Matrix& prior, double prior_weight, WeightedMoments& moments);

}  // namespace flare::analysis
