#include "analysis/levels/regression_moments.hpp"

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr Eigen::Index folds = 5;
constexpr Eigen::Index degrees = 6;

// s for every run, from linear fits that did not see it; nothing where a fit has no direction.
std::optional<Vector> cross_fitted_index(const Vector& u, const Matrix& points) {
  const Eigen::Index n = points.rows();
  const Eigen::Index d = points.cols();
  Matrix normal = Matrix::Zero(d + 1, d + 1);
  Matrix design(n, d + 1);
  design.col(0).setOnes();
  design.rightCols(d) = points;
  Vector index(n);
  for (Eigen::Index fold = 0; fold < folds; ++fold) {
    normal.setZero();
    Vector right = Vector::Zero(d + 1);
    for (Eigen::Index i = 0; i < n; ++i) {
      if (i % folds == fold) continue;
      normal.selfadjointView<Eigen::Lower>().rankUpdate(design.row(i).transpose());
      right += u[i] * design.row(i).transpose();
    }
    const Vector b = normal.selfadjointView<Eigen::Lower>().ldlt().solve(right).tail(d);
    const double length = b.norm();
    if (!(length > 0.0) || !std::isfinite(length)) return std::nullopt;
    for (Eigen::Index i = fold; i < n; i += folds) index[i] = points.row(i).dot(b) / length;
  }
  return index;
}

// Columns 1, He_1(s) ... He_6(s), scaled to unit variance.
Matrix hermite_design(const Vector& s) {
  Matrix design(s.size(), degrees + 1);
  for (Eigen::Index i = 0; i < s.size(); ++i) {
    double previous = 1.0;
    double current = s[i];
    double factorial = 1.0;
    design(i, 0) = 1.0;
    for (Eigen::Index j = 1; j <= degrees; ++j) {
      factorial *= static_cast<double>(j);
      design(i, j) = current / std::sqrt(factorial);
      const double next = s[i] * current - static_cast<double>(j) * previous;
      previous = current;
      current = next;
    }
  }
  return design;
}

struct Intercepts {
  Eigen::Vector4d value;       // E[u] ... E[u^4]
  Eigen::Matrix4d covariance;  // HC3
};

Intercepts regress(const Vector& u, const Matrix& design) {
  const Eigen::Index n = u.size();
  Eigen::Matrix<double, Eigen::Dynamic, 4> powers(n, 4);
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index j = 0; j < 4; ++j) powers(i, j) = std::pow(u[i], static_cast<int>(j) + 1);
  }
  const Eigen::MatrixXd inverse =
      (design.transpose() * design).ldlt().solve(Eigen::MatrixXd::Identity(design.cols(), design.cols()));
  const Eigen::MatrixXd weights = inverse * design.transpose();  // coefficients = weights * powers
  const Eigen::MatrixXd coefficients = weights * powers;
  const Eigen::MatrixXd residuals = powers - design * coefficients;
  Intercepts result{coefficients.row(0).transpose(), Eigen::Matrix4d::Zero()};
  for (Eigen::Index i = 0; i < n; ++i) {
    const double leverage = std::min(design.row(i).dot(weights.col(i)), 0.99);
    const Eigen::Vector4d scaled = residuals.row(i).transpose() * (weights(0, i) / (1.0 - leverage));
    result.covariance += scaled * scaled.transpose();
  }
  return result;
}

// Mean, sigma, skewness, kurtosis of u from its raw moments a.
Eigen::Vector4d from_raw(const Eigen::Vector4d& a) {
  const double m = a[0];
  const double m2 = a[1] - m * m;
  const double m3 = a[2] - 3.0 * m * a[1] + 2.0 * m * m * m;
  const double m4 = a[3] - 4.0 * m * a[2] + 6.0 * m * m * a[1] - 3.0 * m * m * m * m;
  return {m, std::sqrt(m2), m3 / std::pow(m2, 1.5), m4 / (m2 * m2)};
}

Eigen::Matrix4d jacobian_at(const Eigen::Vector4d& a) {
  Eigen::Matrix4d jacobian;
  constexpr double h = 1e-6;
  for (Eigen::Index j = 0; j < 4; ++j) {
    const Eigen::Vector4d step = h * Eigen::Vector4d::Unit(j);
    jacobian.col(j) = (from_raw(a + step) - from_raw(a - step)) / (2.0 * h);
  }
  return jacobian;
}

double explained(const Vector& u, const Vector& s) {
  const double mean = u.mean();
  const double covariance = (u.array() - mean).matrix().dot((s.array() - s.mean()).matrix());
  return covariance * covariance /
         ((u.array() - mean).square().sum() * (s.array() - s.mean()).square().sum());
}

}  // namespace

Moments estimate_moments(const std::vector<double>& samples, const Matrix& points, std::size_t unknown) {
  if (points.rows() != static_cast<Eigen::Index>(samples.size())) {
    throw std::invalid_argument(std::to_string(samples.size()) + " samples but " +
                                std::to_string(points.rows()) + " points");
  }
  if (points.size() > 0 && !points.allFinite()) throw std::invalid_argument("a point is not finite");
  Moments plain = estimate_moments(samples, unknown);
  const double d = static_cast<double>(points.cols());
  if (!(plain.sigma > 0.0) || points.cols() == 0 || static_cast<double>(plain.runs) < 1.6 * d + 40.0)
    return plain;
  Vector u(points.rows());
  for (Eigen::Index i = 0; i < u.size(); ++i) {
    u[i] = (samples[static_cast<std::size_t>(i)] - plain.mean) / plain.sigma;
  }
  const std::optional<Vector> index = cross_fitted_index(u, points);
  if (!index || !(explained(u, *index) > 0.5)) return plain;
  const Intercepts raw = regress(u, hermite_design(*index));
  const Eigen::Vector4d standard = from_raw(raw.value);
  if (!standard.allFinite()) return plain;
  const Eigen::Matrix4d jacobian = jacobian_at(raw.value);
  Moments result = plain;
  result.mean = plain.mean + plain.sigma * standard[0];
  result.sigma = plain.sigma * standard[1];
  result.skewness = standard[2];
  result.kurtosis = standard[3];
  const Eigen::Vector4d scale(plain.sigma, plain.sigma, 1.0, 1.0);
  result.covariance =
      scale.asDiagonal() * jacobian * raw.covariance * jacobian.transpose() * scale.asDiagonal();
  result.regression = true;
  return result;
}

}  // namespace flare::analysis
