// A plane through a margin or another output: fitted to plain runs, tested and bent at an inflated spread.
#pragma once

#include <optional>
#include <vector>

#include "analysis/rare_event/core/evaluation_ledger.hpp"

namespace flare::analysis {

/// margin(x) ~ at_origin + slope.x, and farther out + shift + bend |x|^2 with a typical error left.
struct LinearModel {
  double at_origin = 0.0;
  engine::Vector slope;
  double r2 = 0.0;  // of runs it was not fitted to, at nominal spread
  double shift = 0.0;
  double bend = 0.0;
  double error = 0.0;  // root mean square of what is left
  double typical_error =
      0.0;  // 1.48 times its median size: a few draws that belong to another plane do not show

  double predict(const engine::Vector& x) const {
    return at_origin + shift + slope.dot(x) + bend * x.squaredNorm();
  }
  /// A failure where the plane predicts a clear pass. What the plane misfits because of the failures it does not know
  /// must not excuse them.
  bool is_surprised_by(const engine::Vector& failing) const {
    return predict(failing) > 3.0 * typical_error + 0.05 * at_origin;
  }
};

/// Ordinary least squares of y on x (runs x d); r2 from leave-one-out residuals. Nothing where runs are fewer
/// than d + 12, or a margin is missing.
std::optional<LinearModel> fit_linear(const engine::Matrix& points, const engine::Vector& y);
std::optional<LinearModel> fit_linear(const engine::Matrix& points, const std::vector<Evaluated>& outcomes);

/// r2 of a model on points it was not fitted to; 0 where a margin is missing.
double explained_variance(const LinearModel& model, const engine::Matrix& points,
                          const std::vector<Evaluated>& outcomes);

/// Fits shift, bend and error to runs farther out. Returns the r2 there, the bend apart (mild curvature is
/// not held against a plane); 0 where a margin is missing.
double fit_bend(LinearModel& model, const engine::Matrix& far, const engine::Vector& y);
double fit_bend(LinearModel& model, const engine::Matrix& far, const std::vector<Evaluated>& outcomes);

}  // namespace flare::analysis
