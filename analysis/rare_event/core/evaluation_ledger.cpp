#include "analysis/rare_event/core/evaluation_ledger.hpp"

#include <fmt/format.h>

#include <cmath>

namespace flare::analysis {
namespace {

std::uint64_t& counter(RunCounts& counts, Purpose purpose) {
  switch (purpose) {
    case Purpose::explore:
      return counts.explore;
    case Purpose::pilot:
      return counts.pilot;
    case Purpose::estimate:
      return counts.estimate;
    case Purpose::audit:
      break;
  }
  return counts.audit;
}

}  // namespace

Evaluated read_response(const Response& response, UnknownAs reading) {
  Evaluated outcome;
  outcome.infinite = std::isinf(response.value);
  switch (response.kind) {
    case ResponseKind::margin:
      outcome.has_margin = true;
      outcome.margin = response.value;
      outcome.failed = response.value <= 0.0;
      break;
    case ResponseKind::pass:
      break;
    case ResponseKind::fail:
      outcome.failed = true;
      break;
    case ResponseKind::unknown:
      outcome.unknown = true;
      outcome.failed = reading == UnknownAs::fail;
      break;
  }
  return outcome;
}

EvaluationLedger::EvaluationLedger(std::size_t dimension, const BatchEvaluator& evaluator,
                                   std::uint64_t budget, std::stop_token stop)
    : dimension_(static_cast<Eigen::Index>(dimension)),
      evaluator_(&evaluator),
      budget_(budget),
      stop_(std::move(stop)),
      met_(points_worth_keeping(dimension_)) {}

std::vector<Evaluated> EvaluationLedger::evaluate(const engine::Matrix& points, Purpose purpose) {
  const auto rows = static_cast<std::uint64_t>(points.rows());
  if (rows == 0) return {};
  if (stop_.stop_requested()) throw StopRequested("stopped on request");
  if (rows > remaining()) {
    throw BudgetSpent(fmt::format("the budget of {} runs is spent", budget_));
  }
  const std::vector<Response> responses = (*evaluator_)(points);
  if (stop_.stop_requested() && responses.size() != rows) throw StopRequested("stopped on request");
  if (responses.size() != rows) {
    throw std::invalid_argument(
        fmt::format("rare event: the evaluator answered {} runs of a batch of {}", responses.size(), rows));
  }
  counter(counts_, purpose) += rows;
  std::vector<Evaluated> outcomes = take_in(points, responses);
  for (const Evaluated& outcome : outcomes) counts_.unknown += outcome.unknown ? 1 : 0;
  if (purpose != Purpose::estimate) remember(points, outcomes);
  return outcomes;
}

void EvaluationLedger::remember(const engine::Matrix& points, const std::vector<Evaluated>& outcomes) {
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    if (outcomes[i].failed)
      met_.add([&] { return engine::Vector(points.row(static_cast<Eigen::Index>(i))); });
}

std::vector<Evaluated> EvaluationLedger::take_in(const engine::Matrix& points,
                                                 const std::vector<Response>& responses) {
  std::vector<Evaluated> outcomes;
  outcomes.reserve(responses.size());
  for (std::size_t i = 0; i < responses.size(); ++i) {
    Response response = responses[i];
    if (response.kind == ResponseKind::margin) response = Response::margin(response.value);
    outcomes.push_back(read_response(response, reading_));
    if (outcomes.back().unknown) {
      if (unknown_points_.size() < 40) unknown_points_.push_back(points.row(static_cast<Eigen::Index>(i)));
      continue;
    }
    saw_failure_ = saw_failure_ || outcomes.back().failed;
    if (outcomes.back().has_margin) {
      saw_margin_ = true;
    } else {
      saw_bare_ = saw_bare_ || !outcomes.back().infinite;
    }
  }
  return outcomes;
}

void EvaluationLedger::count_draws(double scale, const std::vector<Evaluated>& outcomes) {
  if (looks_.empty() || looks_.back().scale != scale) looks_.push_back({scale, 0});
  looks_.back().draws += outcomes.size();
  if (scale != 1.0) return;
  plain_runs_ += outcomes.size();
  for (const Evaluated& outcome : outcomes) plain_unknown_ += outcome.unknown ? 1 : 0;
}

Evaluated EvaluationLedger::evaluate_one(const engine::Vector& point, Purpose purpose) {
  engine::Matrix row(1, dimension_);
  row.row(0) = point.transpose();
  return evaluate(row, purpose).front();
}

}  // namespace flare::analysis
