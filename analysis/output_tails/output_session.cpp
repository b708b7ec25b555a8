#include "analysis/output_tails/output_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace flare::analysis {

using engine::Matrix;

void KnownOutputs::add(const Matrix& more, const std::vector<double>& y) {
  const Eigen::Index before = points.rows();
  Matrix grown(before + more.rows(), more.cols());
  if (before > 0) grown.topRows(before) = points;
  Eigen::Index next = before;
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (!std::isfinite(y[i])) continue;
    grown.row(next++) = more.row(static_cast<Eigen::Index>(i));
    values.push_back(y[i]);
  }
  points = grown.topRows(next);
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
  if (stop_.stop_requested()) throw OutputTailsEnded{"stopped"};
  if (static_cast<std::uint64_t>(points.rows()) > remaining()) throw OutputTailsEnded{"the budget is spent"};
  std::vector<double> values = evaluator_(points);
  if (values.size() != static_cast<std::size_t>(points.rows())) {
    throw std::invalid_argument(
        fmt::format("the evaluator answered {} of {} runs", values.size(), points.rows()));
  }
  summary_.runs.*purpose += values.size();
  for (const double y : values) summary_.runs.unknown += std::isfinite(y) ? 0 : 1;
  return values;
}

OutputDraws OutputSession::draws(double scale, Eigen::Index count) {
  for (const OutputDraws& known : options_.known) {
    if (known.points.rows() < count || std::abs(std::log(known.scale / scale)) > std::log(1.2)) continue;
    note(fmt::format("{} known draws at {:.1f} sigma", known.points.rows(), known.scale));
    return known;
  }
  OutputDraws made{scale, scale * random_.normal_matrix(count, dimension_), {}};
  made.values = evaluate(made.points, &RunCounts::explore);
  summary_.draws.push_back(made);
  note(fmt::format("{} draws at {:.1f} sigma", count, scale));
  return made;
}

void OutputSession::refuse(std::size_t question, const std::string& reason) {
  summary_.tails[question] = OutputTail{};
  summary_.tails[question].reason = reason;
}

void OutputSession::refuse_all(const std::string& reason) {
  for (std::size_t q = 0; q < questions_.size(); ++q) refuse(q, reason);
}

}  // namespace flare::analysis
