#include "analysis/rare_event/core/shaped_normal.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

// Beyond this an eigendecomposition is not worth its time: the sample cannot show that much shape anyway.
constexpr Eigen::Index max_shaped_dimension = 128;

}  // namespace

ShapedNormal::ShapedNormal(Eigen::Index dimension, engine::Vector axis, double defense)
    : axis_(std::move(axis)),
      defense_(defense),
      broad_(defense > 0.0 ? 0.2 : 0.0),
      freedom_(axis_.size() > 0 ? dimension - 1 : dimension),
      mean_(engine::Vector::Zero(dimension)),
      basis_(dimension, 0) {
  broad_scale_ = std::min(2.5, 1.0 + 6.0 / static_cast<double>(std::max<Eigen::Index>(1, freedom_)));
}

engine::Vector ShapedNormal::project(engine::Vector x) const {
  if (axis_.size() > 0) x -= axis_ * axis_.dot(x);
  return x;
}

void ShapedNormal::set_mean(const engine::Vector& mean) { mean_ = project(mean); }

void ShapedNormal::set_frame(engine::Matrix frame) { frame_ = std::move(frame); }

// The covariance shrinks to I as far as as many rows as the frame has directions would; its eigenvalues may grow
// further than elsewhere: failures may lie on two sides.
void ShapedNormal::fit_in_frame(const engine::Matrix& points, const Eigen::VectorXd& weights,
                                double effective, double floor) {
  constexpr double widest_in_frame = 12.0;
  const Eigen::MatrixXd y = points * frame_;
  const auto r = static_cast<double>(frame_.cols());
  const Eigen::VectorXd average = y.transpose() * weights;
  const Eigen::MatrixXd centred = y.rowwise() - average.transpose();
  const double n = effective;
  const Eigen::MatrixXd covariance =
      (n * n / (n - 1.0) * centred.transpose() * weights.asDiagonal() * centred +
       r * Eigen::MatrixXd::Identity(frame_.cols(), frame_.cols())) /
      (n + r);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(covariance);
  mean_ = frame_ * average * (n / (n + r));
  scale2_ = 1.0;
  basis_ = frame_ * eigen.eigenvectors();
  variance_ = eigen.eigenvalues().cwiseMax(floor).cwiseMin(widest_in_frame);
  log_determinant_ = variance_.array().log().sum();
}

void ShapedNormal::widen_to(double variance) {
  if (frame_.cols() == 0) scale2_ = std::max(scale2_, variance);
  variance_ = variance_.cwiseMax(variance);
  log_determinant_ = static_cast<double>(freedom_ - variance_.size()) * std::log(scale2_);
  for (const double v : variance_) log_determinant_ += std::log(v);
}

void ShapedNormal::inflate(double factor) {
  scale2_ *= factor;
  variance_ *= factor;
  log_determinant_ += static_cast<double>(freedom_) * std::log(factor);
}

void ShapedNormal::fit(const engine::Matrix& points, const std::vector<double>& weights, double floor,
                       double correlated) {
  if (freedom_ == 0 || points.rows() < 4) return;
  const Eigen::Index n = points.rows();
  const Eigen::Map<const Eigen::VectorXd> raw(weights.data(), n);
  const double total = raw.sum();
  if (!(total > 0.0)) return;
  const Eigen::VectorXd w = raw / total;
  const double effective = 1.0 / (w.squaredNorm() * correlated);
  if (effective < 1.8) return;
  if (frame_.cols() > 0) return fit_in_frame(points, w, effective, floor);
  engine::Matrix x = points;
  if (axis_.size() > 0) x -= (x * axis_) * axis_.transpose();
  // Fewer independent points than dimensions show no mean and no shape, only how far out they lie.
  const bool isotropic = effective < static_cast<double>(freedom_) && freedom_ > 10;
  const engine::Vector average =
      isotropic ? engine::Vector::Zero(x.cols()) : engine::Vector(x.transpose() * w);
  const engine::Matrix centred = x.rowwise() - average.transpose();
  const auto freedom = static_cast<double>(freedom_);
  const double unbias = isotropic ? 1.0 : 1.0 / (1.0 - 1.0 / effective);
  double pooled = std::clamp(centred.rowwise().squaredNorm().dot(w) * unbias / freedom, floor, 4.0);
  // Shrunk to 1 by as much of its distance from 1 as sampling alone explains.
  const double pooled_error2 = 2.0 * pooled * pooled / (effective * freedom);
  pooled =
      1.0 + (pooled - 1.0) * std::max(0.0, 1.0 - pooled_error2 / std::max(1e-12, std::pow(pooled - 1.0, 2)));
  const double noise = freedom * pooled / effective;
  const double norm2 = average.squaredNorm();
  mean_ = average * (norm2 > 0.0 ? std::max(0.0, 1.0 - noise / norm2) : 0.0);
  scale2_ = pooled;
  basis_.resize(x.cols(), 0);
  variance_.resize(0);
  if (freedom_ > 1 && !isotropic && freedom_ <= max_shaped_dimension && effective > 10.0) {
    const Eigen::MatrixXd covariance = centred.transpose() * w.asDiagonal() * centred * unbias;
    // Shrinkage intensity: expected squared sampling error of a Gaussian covariance over its squared distance
    // from pooled * I (Ledoit & Wolf 2004, eq. 14, with the Gaussian form of the error).
    const double spread2 = std::max(1e-12, covariance.squaredNorm() - pooled * pooled * freedom);
    const double error2 = (covariance.squaredNorm() + std::pow(covariance.trace(), 2)) / effective;
    const double shrink = std::clamp(error2 / (spread2 + 1e-12), 0.0, 1.0);
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(covariance);
    const Eigen::Index first = axis_.size() > 0 ? 1 : 0;  // the axis itself has eigenvalue 0, the smallest
    if (shrink < 0.95) {
      basis_ = eigen.eigenvectors().rightCols(x.cols() - first);
      variance_ = eigen.eigenvalues().tail(x.cols() - first);
      for (double& v : variance_) v = std::clamp(shrink * pooled + (1.0 - shrink) * v, floor, 4.0);
    }
  }
  log_determinant_ = static_cast<double>(freedom_ - variance_.size()) * std::log(scale2_);
  for (const double v : variance_) log_determinant_ += std::log(v);
}

engine::Vector ShapedNormal::draw_shaped(NormalStream& random) const {
  engine::Vector z = project(random.normal_vector(mean_.size()));
  if (basis_.cols() == 0) return mean_ + std::sqrt(scale2_) * z;
  const Eigen::VectorXd along = basis_.transpose() * z;
  return mean_ + std::sqrt(scale2_) * (z - basis_ * along) +
         basis_ * (variance_.array().sqrt() * along.array()).matrix();
}

engine::Vector ShapedNormal::draw(NormalStream& random) const { return draw(random.uniform(), random); }

engine::Vector ShapedNormal::draw(double u, NormalStream& random) const {
  if (u < defense_) return project(random.normal_vector(mean_.size()));
  const engine::Vector x = draw_shaped(random);
  return u < defense_ + broad_ ? engine::Vector(mean_ + std::sqrt(broad_scale_) * (x - mean_)) : x;
}

double ShapedNormal::squared_distance(const engine::Vector& x) const {
  const engine::Vector y = x - mean_;
  if (basis_.cols() == 0) return y.squaredNorm() / scale2_;
  const Eigen::VectorXd along = basis_.transpose() * y;
  return std::max(0.0, y.squaredNorm() - along.squaredNorm()) / scale2_ +
         (along.array().square() / variance_.array()).sum();
}

double ShapedNormal::log_shape_ratio(const engine::Vector& x) const {
  return -0.5 * (squared_distance(x) + log_determinant_) + 0.5 * x.squaredNorm();
}

double ShapedNormal::log_weight(const engine::Vector& x) const {
  if (defense_ >= 1.0) return 0.0;
  const double distance = squared_distance(x), own = 0.5 * x.squaredNorm();
  const double shaped = std::log1p(-defense_ - broad_) - 0.5 * (distance + log_determinant_) + own;
  const double broad = std::log(std::max(broad_, 1e-300)) + own -
                       0.5 * (distance / broad_scale_ + log_determinant_ +
                              static_cast<double>(freedom_) * std::log(broad_scale_));
  return -log_sum(log_sum(shaped, broad), std::log(std::max(defense_, 1e-300)));
}

}  // namespace flare::analysis
