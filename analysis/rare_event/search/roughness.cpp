#include "analysis/rare_event/search/roughness.hpp"

#include <cmath>

namespace flare::analysis {
namespace {

constexpr double notable = 1e-3;  // of the spread; a gradient changes the margin by 1e-4 of it
constexpr Eigen::Index repeats = 8;

// Row i of n: a nudge of that size in a direction of its own, the same in every call.
engine::Vector nudge(Eigen::Index d, Eigen::Index i, double size) {
  engine::Vector direction(d);
  for (Eigen::Index j = 0; j < d; ++j)
    direction(j) = std::cos(1.0 + 2.4 * static_cast<double>(j) + 1.7 * static_cast<double>(i * (j + 1)));
  return size / direction.norm() * direction;
}

std::vector<Evaluated> nudged(EvaluationLedger& ledger, const engine::Vector& point,
                              const std::vector<double>& sizes) {
  engine::Matrix points(static_cast<Eigen::Index>(sizes.size()), point.size());
  for (Eigen::Index i = 0; i < points.rows(); ++i)
    points.row(i) = point + nudge(point.size(), i, sizes[static_cast<std::size_t>(i)]);
  return ledger.evaluate(points, Purpose::explore);
}

}  // namespace

double roughness_at(EvaluationLedger& ledger, const engine::Vector& point, double at_point, double spread) {
  bool rough = false;
  for (const Evaluated& outcome : nudged(ledger, point, {1e-6, 1e-4})) {
    if (!outcome.has_margin) return 0.0;
    rough = rough || std::abs(outcome.margin - at_point) > notable * spread;
  }
  if (!rough) return 0.0;
  double sum = at_point, squares = at_point * at_point;
  for (const Evaluated& outcome :
       nudged(ledger, point, std::vector<double>(static_cast<std::size_t>(repeats), 3e-5))) {
    if (!outcome.has_margin) return 0.0;
    sum += outcome.margin;
    squares += outcome.margin * outcome.margin;
  }
  const double n = static_cast<double>(repeats) + 1.0;
  return std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1.0)));
}

}  // namespace flare::analysis
