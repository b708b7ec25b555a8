#include "analysis/rare_event/sampling/subspace_mixture.hpp"

#include <Eigen/Eigenvalues>
#include <cmath>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {

using engine::Matrix;
using engine::Vector;

SubspaceNormal::SubspaceNormal(Matrix basis, const Vector& at)
    : basis_(std::move(basis)),
      mean_(basis_.transpose() * at),
      axes_(Matrix::Identity(basis_.cols(), basis_.cols())),
      variance_(Vector::Ones(basis_.cols())) {}

void SubspaceNormal::shape(const Vector& mean, const Matrix& covariance, double floor, double ceiling) {
  mean_ = mean;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(covariance);
  axes_ = eigen.eigenvectors();
  variance_ = eigen.eigenvalues().cwiseMax(floor).cwiseMin(ceiling);
}

SubspaceNormal SubspaceNormal::beyond(const Matrix& basis, Vector limits) {
  SubspaceNormal tails(basis, basis * limits);
  tails.log_tails_.resize(limits.size());
  for (Eigen::Index j = 0; j < limits.size(); ++j) tails.log_tails_(j) = log_upper_tail(limits(j));
  tails.limits_ = std::move(limits);
  return tails;
}

Vector SubspaceNormal::draw(NormalStream& random) const {
  const Vector x = random.normal_vector(basis_.rows());
  const Vector z = basis_.transpose() * x;
  Vector shaped(z.size());
  if (limits_.size() > 0) {
    for (Eigen::Index j = 0; j < z.size(); ++j)
      shaped(j) = upper_tail_quantile(log_tails_(j) + std::log1p(-random.uniform()));
  } else {
    shaped = mean_ + axes_ * (variance_.array().sqrt() * z.array()).matrix();
  }
  return x + basis_ * (shaped - z);
}

double SubspaceNormal::log_ratio(const Vector& x) const {
  const Vector z = basis_.transpose() * x;
  if (limits_.size() > 0) return (z.array() > limits_.array()).all() ? -log_tails_.sum() : -1e300;
  const Vector along = axes_.transpose() * (z - mean_);
  return 0.5 * (z.squaredNorm() - (along.array().square() / variance_.array()).sum() -
                variance_.array().log().sum());
}

Vector SubspaceMixture::draw(NormalStream& random) const {
  double u = random.uniform();
  if (u < defense) return random.normal_vector(components.front().basis().rows());
  u = (u - defense) / (1.0 - defense);
  std::size_t k = 0;
  while (k + 1 < components.size() && u >= weights[k]) u -= weights[k++];
  return components[k].draw(random);
}

double SubspaceMixture::log_reach(const Vector& x) const {
  double reach = -1e300;
  for (std::size_t k = 0; k < components.size(); ++k)
    if (weights[k] > 0.0) reach = log_sum(reach, std::log(weights[k]) + components[k].log_ratio(x));
  return reach;
}

double SubspaceMixture::log_weight(const Vector& x) const {
  return -log_sum(std::log(defense), std::log1p(-defense) + log_reach(x));
}

std::size_t SubspaceMixture::owner(const Vector& x) const {
  std::size_t best = 0;
  double most = -1e300;
  for (std::size_t k = 0; k < components.size(); ++k) {
    if (!(weights[k] > 0.0)) continue;
    const double ratio = std::log(weights[k]) + components[k].log_ratio(x);
    if (ratio > most) most = ratio, best = k;
  }
  return best;
}

WeightedSample sample_mixture(EvaluationLedger& ledger, const SubspaceMixture& proposal, std::size_t count,
                              NormalStream& random, Purpose purpose) {
  WeightedSample sample;
  sample.points.resize(static_cast<Eigen::Index>(count), ledger.dimension());
  for (Eigen::Index i = 0; i < sample.points.rows(); ++i) {
    const Vector x = proposal.draw(random);
    sample.points.row(i) = x;
    sample.log_weights.push_back(proposal.log_weight(x));
  }
  sample.outcomes = ledger.evaluate(sample.points, purpose);
  return sample;
}

bool weighted_moments(const Matrix& rows, const std::vector<double>& weights, const Matrix& prior,
                      double prior_weight, WeightedMoments& moments) {
  const Eigen::Map<const Vector> raw(weights.data(), rows.rows());
  const double total = raw.sum();
  if (!(total > 0.0)) return false;
  const Vector w = raw / total;
  moments.effective = 1.0 / w.squaredNorm();
  if (moments.effective < 4.0) return false;
  moments.mean = rows.transpose() * w;
  const Matrix centred = rows.rowwise() - moments.mean.transpose();
  const Matrix scatter = centred.transpose() * w.asDiagonal() * centred;
  const double n = moments.effective;
  moments.covariance = (n * n / (n - 1.0) * scatter + prior_weight * prior) / (n + prior_weight);
  return true;
}

}  // namespace flare::analysis
