#include "analysis/rare_event/core/linear_model.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

namespace flare::analysis {

using engine::Matrix;
using engine::Vector;

namespace {

/// All margins; nothing where one is missing.
std::optional<Vector> margins_of(const std::vector<Evaluated>& outcomes) {
  Vector margins(static_cast<Eigen::Index>(outcomes.size()));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (!outcomes[i].has_margin) return std::nullopt;
    margins(static_cast<Eigen::Index>(i)) = outcomes[i].margin;
  }
  return margins;
}

double median_size(Vector values) {
  values = values.cwiseAbs();
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::optional<LinearModel> fit_linear(const Matrix& points, const Vector& y) {
  const Eigen::Index n = points.rows(), d = points.cols();
  if (n < d + 12) return std::nullopt;
  Matrix design(n, d + 1);
  design.leftCols(d) = points;
  design.col(d).setOnes();
  const Eigen::LDLT<Eigen::MatrixXd> gram(Eigen::MatrixXd(design.transpose() * design));
  const Vector fit = gram.solve(design.transpose() * y);
  const Eigen::MatrixXd influence = gram.solve(design.transpose());
  const Vector leverage = (design.array() * influence.transpose().array()).rowwise().sum();
  const double press = ((y - design * fit).array() / (1.0 - leverage.array()).max(1e-9)).square().sum();
  const double total = (y.array() - y.mean()).square().sum();
  if (!(total > 0.0)) return std::nullopt;
  LinearModel model;
  model.at_origin = fit(d);
  model.slope = fit.head(d);
  model.r2 = 1.0 - press / total;
  return model;
}

std::optional<LinearModel> fit_linear(const Matrix& points, const std::vector<Evaluated>& outcomes) {
  const std::optional<Vector> margins = margins_of(outcomes);
  return margins ? fit_linear(points, *margins) : std::nullopt;
}

double explained_variance(const LinearModel& model, const Matrix& points,
                          const std::vector<Evaluated>& outcomes) {
  const std::optional<Vector> margins = margins_of(outcomes);
  if (!margins) return 0.0;
  const double residual =
      (margins->array() - model.at_origin - (points * model.slope).array()).square().sum();
  const double total = (margins->array() - margins->mean()).square().sum();
  return total > 0.0 ? 1.0 - residual / total : 0.0;
}

double fit_bend(LinearModel& model, const Matrix& far, const Vector& y) {
  const Vector along = far * model.slope;
  const Vector residual = y.array() - model.at_origin - along.array();
  const Vector r2 = far.rowwise().squaredNorm();
  const Vector off = r2.array() - r2.mean();
  model.bend = off.dot(residual) / std::max(1e-300, off.squaredNorm());
  model.shift = residual.mean() - model.bend * r2.mean();
  const Vector rest = residual.array() - model.shift - model.bend * r2.array();
  const double left = rest.squaredNorm();
  model.typical_error = 1.4826 * median_size(rest);
  model.error = std::sqrt(left / static_cast<double>(far.rows()));
  return 1.0 - left / (along.squaredNorm() + left);
}

double fit_bend(LinearModel& model, const Matrix& far, const std::vector<Evaluated>& outcomes) {
  const std::optional<Vector> margins = margins_of(outcomes);
  return margins ? fit_bend(model, far, *margins) : 0.0;
}

}  // namespace flare::analysis
