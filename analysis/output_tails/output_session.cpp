#include "analysis/output_tails/output_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "analysis/rare_event/core/point_rows.hpp"

namespace flare::analysis {

using engine::Matrix;

namespace {

void join(const OutputDraws& more, OutputDraws& draws) {
  Matrix points(draws.points.rows() + more.points.rows(), more.points.cols());
  points << draws.points, more.points;
  draws.points = std::move(points);
  draws.values.insert(draws.values.end(), more.values.begin(), more.values.end());
}

}  // namespace

void KnownOutputs::add(const Matrix& more, const std::vector<double>& y) {
  const Eigen::Index before = points.rows();
  Matrix grown(before + more.rows(), more.cols());
  if (before > 0) grown.topRows(before) = points;
  Eigen::Index next = before;
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (std::isnan(y[i])) continue;
    grown.row(next++) = more.row(static_cast<Eigen::Index>(i));
    values.push_back(y[i]);
  }
  points = grown.topRows(next);
}

KnownOutputs KnownOutputs::finite() const {
  std::vector<double> y = values;
  for (double& value : y) {
    if (!std::isfinite(value)) value = std::numeric_limits<double>::quiet_NaN();
  }
  KnownOutputs kept;
  kept.add(points, y);
  return kept;
}

OutputSession::OutputSession(std::size_t dimension, const OutputEvaluator& evaluator,
                             const std::vector<TailQuestion>& questions, const OutputTailsOptions& options,
                             std::stop_token stop)
    : dimension_(static_cast<Eigen::Index>(dimension)),
      evaluator_(evaluator),
      questions_(questions),
      options_(options),
      stop_(std::move(stop)),
      random_(options.seed, "output tails", 0) {
  summary_.tails.resize(questions.size());
}

std::uint64_t OutputSession::remaining() const {
  return options_.max_runs - std::min(options_.max_runs, summary_.runs.total());
}

std::vector<double> OutputSession::evaluate(const Matrix& points, std::uint64_t RunCounts::*purpose) {
  std::vector<double> values = run(points, purpose);
  DirectedOutputs& kept = summary_.directed;
  append_rows(points, kept.points);
  kept.values.insert(kept.values.end(), values.begin(), values.end());
  return values;
}

std::vector<double> OutputSession::run(const Matrix& points, std::uint64_t RunCounts::*purpose) {
  if (stop_.stop_requested()) throw OutputTailsEnded{"stopped"};
  if (static_cast<std::uint64_t>(points.rows()) > remaining()) throw OutputTailsEnded{"the budget is spent"};
  std::vector<double> values = evaluator_(points);
  if (values.size() != static_cast<std::size_t>(points.rows())) {
    throw std::invalid_argument(
        fmt::format("the evaluator answered {} of {} runs", values.size(), points.rows()));
  }
  summary_.runs.*purpose += values.size();
  for (const double y : values) summary_.runs.unknown += std::isnan(y) ? 1 : 0;
  return values;
}

OutputDraws OutputSession::draws(double scale, Eigen::Index count) {
  OutputDraws found = known_draws(scale);
  if (found.points.rows() > 0)
    note(fmt::format("{} known draws at {:.1f} sigma", found.points.rows(), found.scale));
  const Eigen::Index missing = count - found.points.rows();
  if (missing > 0) {
    join(made_draws(found.scale, missing, &RunCounts::explore), found);
    note(fmt::format("{} draws at {:.1f} sigma", missing, found.scale));
  }
  return found;
}

OutputDraws OutputSession::made_draws(double scale, Eigen::Index count, std::uint64_t RunCounts::*purpose) {
  OutputDraws made{scale, scale * random_.normal_matrix(count, dimension_), {}};
  made.values = run(made.points, purpose);
  summary_.draws.push_back(made);
  return made;
}

// All of one scale: that of the first which is near enough.
OutputDraws OutputSession::known_draws(double scale) const {
  OutputDraws found{scale, Matrix(0, dimension_), {}};
  for (const OutputDraws& known : options_.known) {
    const bool joins = found.values.empty() ? std::abs(std::log(known.scale / scale)) <= std::log(1.2)
                                            : known.scale == found.scale;
    if (!joins) continue;
    found.scale = known.scale;
    join(known, found);
  }
  return found;
}

void OutputSession::count_estimate_as_pilot() {
  summary_.runs.pilot += summary_.runs.estimate;
  summary_.runs.estimate = 0;
  summary_.estimate = {};
}

void OutputSession::refuse(std::size_t question, const std::string& reason) {
  summary_.tails[question] = OutputTail{};
  summary_.tails[question].reason = reason;
}

void OutputSession::refuse_all(const std::string& reason) {
  for (std::size_t q = 0; q < questions_.size(); ++q) refuse(q, reason);
}

}  // namespace flare::analysis
