#include "analysis/rare_event/estimators/moved_failures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "analysis/rare_event/core/point_rows.hpp"

namespace flare::analysis {

using engine::Matrix;
using engine::Vector;

namespace {

constexpr std::size_t moved = 12;
// Of all coordinates together, x' = sqrt(1 - s^2) x + s z: nobody knows which directions the proposal has wrong.
constexpr std::array sizes = {0.5, 0.3, 0.2, 0.5, 0.3};
constexpr double most_moved_out = 0.1;
static_assert(moved * sizes.size() == runs_to_move_failures);

void move(EvaluationLedger& ledger, double size, NormalStream& random, std::vector<Vector>& failing) {
  Matrix points = as_rows(failing, ledger.dimension()) * std::sqrt(1.0 - size * size);
  points += size * random.normal_matrix(points.rows(), points.cols());
  const std::vector<Evaluated> outcomes = ledger.evaluate(points, Purpose::audit);
  for (std::size_t k = 0; k < failing.size(); ++k)
    if (outcomes[k].failed) failing[k] = points.row(static_cast<Eigen::Index>(k));
}

}  // namespace

void FailuresDrawn::add(engine::Vector point, double log_weight) {
  if (!kept_) kept_.emplace(points_worth_keeping(point.size()));
  kept_->add([&] { return Failure{std::move(point), log_weight}; });
}

void FailuresDrawn::add(const WeightedSample& sample) {
  for (std::size_t i = 0; i < sample.outcomes.size(); ++i)
    if (sample.outcomes[i].failed)
      add(sample.points.row(static_cast<Eigen::Index>(i)), sample.log_weights[i]);
}

std::vector<Vector> FailuresDrawn::resampled(std::size_t count, NormalStream& random) const {
  std::vector<Vector> chosen;
  if (!kept_) return chosen;
  double best = -std::numeric_limits<double>::infinity(), total = 0.0, sum = 0.0;
  for (const Failure& failure : kept_->items()) best = std::max(best, failure.log_weight);
  for (const Failure& failure : kept_->items()) total += std::exp(failure.log_weight - best);
  const double step = total / static_cast<double>(count);
  double next = step * random.uniform();
  for (const Failure& failure : kept_->items()) {
    sum += std::exp(failure.log_weight - best);
    for (; next < sum && chosen.size() < count; next += step) chosen.push_back(failure.point);
  }
  return chosen;
}

std::string moved_out_objection(EstimatorSession& session, const FailuresDrawn& drawn,
                                const std::function<bool(const Vector&)>& heavy) {
  EvaluationLedger& ledger = session.ledger();
  std::vector<Vector> failing = drawn.resampled(moved, session.random());
  if (failing.empty() || ledger.remaining() < runs_to_move_failures) return {};
  for (const double size : sizes) move(ledger, size, session.random(), failing);
  const auto out = static_cast<double>(std::count_if(failing.begin(), failing.end(), heavy));
  const double share = out / static_cast<double>(failing.size());
  if (share <= most_moved_out) return {};
  return fmt::format("{:.0f} % of the estimate's failures, moved on, lie where hardly a run is drawn",
                     100.0 * share);
}

}  // namespace flare::analysis
