#include "analysis/linear_model.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

namespace flare::analysis {

using engine::Matrix;
using engine::Vector;

std::optional<LinearModel> fit_linear(const Matrix& points, const std::vector<Outcome>& outcomes) {
  const Eigen::Index n = points.rows(), d = points.cols();
  if (n < d + 12) return std::nullopt;
  Matrix design(n, d + 1);
  Vector y(n);
  design.leftCols(d) = points;
  design.col(d).setOnes();
  for (Eigen::Index i = 0; i < n; ++i) {
    const Outcome& outcome = outcomes[static_cast<std::size_t>(i)];
    if (!outcome.has_margin) return std::nullopt;
    y(i) = outcome.margin;
  }
  const Eigen::LDLT<Eigen::MatrixXd> gram(Eigen::MatrixXd(design.transpose() * design));
  const Vector fit = gram.solve(design.transpose() * y);
  const Eigen::MatrixXd influence = gram.solve(design.transpose());
  double press = 0.0;
  const double total = (y.array() - y.mean()).square().sum();
  for (Eigen::Index i = 0; i < n; ++i) {
    const double leverage = design.row(i).dot(influence.col(i));
    const double residual = (y(i) - design.row(i).dot(fit)) / std::max(1e-9, 1.0 - leverage);
    press += residual * residual;
  }
  if (!(total > 0.0)) return std::nullopt;
  LinearModel model;
  model.at_origin = fit(d);
  model.slope = fit.head(d);
  model.r2 = 1.0 - press / total;
  return model;
}

double explained_variance(const LinearModel& model, const Matrix& points,
                          const std::vector<Outcome>& outcomes) {
  double residual = 0.0, sum = 0.0, squares = 0.0;
  for (Eigen::Index i = 0; i < points.rows(); ++i) {
    const Outcome& outcome = outcomes[static_cast<std::size_t>(i)];
    if (!outcome.has_margin) return 0.0;
    const double error = outcome.margin - model.at_origin - points.row(i).dot(model.slope);
    residual += error * error;
    sum += outcome.margin;
    squares += outcome.margin * outcome.margin;
  }
  const auto n = static_cast<double>(points.rows());
  const double total = squares - sum * sum / n;
  return total > 0.0 ? 1.0 - residual / total : 0.0;
}

double fit_bend(LinearModel& model, const Matrix& far, const std::vector<Outcome>& outcomes) {
  double weight = 0.0, total = 0.0, bend = 0.0, mean = 0.0, mean_r2 = 0.0;
  const auto n = static_cast<double>(far.rows());
  std::vector<double> residuals, r2s;
  for (Eigen::Index i = 0; i < far.rows(); ++i) {
    const Outcome& outcome = outcomes[static_cast<std::size_t>(i)];
    if (!outcome.has_margin) return 0.0;
    residuals.push_back(outcome.margin - model.at_origin - far.row(i).dot(model.slope));
    r2s.push_back(far.row(i).squaredNorm());
    mean += residuals.back() / n;
    mean_r2 += r2s.back() / n;
  }
  for (std::size_t i = 0; i < residuals.size(); ++i) {
    bend += (residuals[i] - mean) * (r2s[i] - mean_r2);
    weight += (r2s[i] - mean_r2) * (r2s[i] - mean_r2);
    total += std::pow(model.slope.dot(far.row(static_cast<Eigen::Index>(i))), 2);
  }
  bend /= weight;
  double left = 0.0;
  for (std::size_t i = 0; i < residuals.size(); ++i)
    left += std::pow(residuals[i] - mean - bend * (r2s[i] - mean_r2), 2);
  model.bend = bend;
  model.shift = mean - bend * mean_r2;
  model.error = std::sqrt(left / n);
  return 1.0 - left / (total + left);
}

}  // namespace flare::analysis
