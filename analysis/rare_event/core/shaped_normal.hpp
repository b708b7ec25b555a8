// A Gaussian on R^d, or on the hyperplane orthogonal to an axis, with covariance "a multiple of the identity
// plus a few directions of their own". Sampled as a mixture with two
// guards:
//     q = (1 - defense - broad) N(mean, S) + broad N(mean, B S) + defense N(0, I).
// The defensive share keeps the weight phi/q below 1/defense; the broad one catches what a fit to few points
// made too tight. B falls with the dimension, where a broad Gaussian has nothing left in common with a tight
// one.
#pragma once

#include "analysis/rare_event/core/normal_stream.hpp"

namespace flare::analysis {

class ShapedNormal {
 public:
  /// N(0, I), on the hyperplane orthogonal to the unit vector `axis` where it is not empty.
  ShapedNormal(Eigen::Index dimension, engine::Vector axis, double defense);

  /// Fits mean and covariance to weighted points (rows; projected on the hyperplane first). With few points
  /// the mean is shrunk to 0 (James-Stein) and the covariance to a multiple of the identity (Ledoit-Wolf's
  /// form); eigenvalues stay within [floor, 4].
  /// `correlated`: as many points as this tell as much as one independent one (Markov chains).
  void fit(const engine::Matrix& points, const std::vector<double>& weights, double floor,
           double correlated = 1.0);
  /// From here on mean and shape are fitted in the span of the frame only (orthonormal columns, in the hyperplane where
  /// there is one), and what is orthogonal to it stays N(0, I): for laws that few of many directions shape.
  void set_frame(engine::Matrix frame);
  /// Raises every eigenvalue of the covariance to at least `variance`.
  void widen_to(double variance);
  /// Multiplies the covariance.
  void inflate(double factor);
  void set_mean(const engine::Vector& mean);

  engine::Vector draw(NormalStream& random) const;  // from q
  /// The same from the component that `u` of [0, 1) falls on: evenly spread u draw every component as often as its share.
  engine::Vector draw(double u, NormalStream& random) const;
  engine::Vector draw_shaped(NormalStream& random) const;  // from N(mean, S) alone
  /// ln phi(x) - ln q(x), both densities on the same space; x in the hyperplane where there is one.
  double log_weight(const engine::Vector& x) const;
  /// ln N(x; mean, S) - ln phi(x).
  double log_shape_ratio(const engine::Vector& x) const;
  /// (x - mean)^T S^-1 (x - mean).
  double squared_distance(const engine::Vector& x) const;
  engine::Vector project(engine::Vector x) const;

  const engine::Vector& mean() const { return mean_; }
  Eigen::Index freedom() const { return freedom_; }  // dimension of the space

 private:
  void fit_in_frame(const engine::Matrix& points, const Eigen::VectorXd& weights, double effective,
                    double floor);

  engine::Vector axis_;
  double defense_;
  double broad_;        // share of the broad component; 0 where there is no defense
  double broad_scale_;  // B
  Eigen::Index freedom_;
  engine::Vector mean_;
  double scale2_ = 1.0;       // variance in every direction that is not in basis_
  Eigen::MatrixXd basis_;     // d x r orthonormal
  Eigen::VectorXd variance_;  // along basis_
  double log_determinant_ = 0.0;
  engine::Matrix frame_;  // d x r; empty: the whole space
};

}  // namespace flare::analysis
