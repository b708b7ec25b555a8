#include "tests/analysis/rare_event/rare_event_validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace flare::analysis {

ValidationRow validate(const RareEventProblem& problem, std::size_t repeats, std::uint64_t first_seed,
                       const std::function<void(const RareEventSummary&)>& on_result,
                       RareEventMethod method) {
  ValidationRow row;
  row.name = problem.name;
  row.dimension = problem.dimension;
  row.p = std::exp(problem.log_p);
  row.repeats = repeats;
  const bool bracket = problem.log_p_high > problem.log_p;
  double squares = 0.0;
  for (std::size_t i = 0; i < repeats; ++i) {
    RareEventOptions options;
    options.seed = first_seed + i;
    options.max_runs = problem.budget;
    options.target_half_width = problem.target;
    options.method = method;
    const RareEventSummary summary =
        estimate_failure_probability(problem.dimension, problem.evaluator(options.seed), options);
    if (on_result) on_result(summary);
    const auto runs = static_cast<double>(summary.runs.total());
    row.mean_runs += runs / static_cast<double>(repeats);
    row.max_runs = std::max(row.max_runs, runs);
    if (summary.status == TailStatus::bound) {
      ++row.bounded;
      if (problem.log_p > summary.log_p_high || problem.log_p_high < summary.log_p_low) ++row.wrong_bounds;
      continue;
    }
    if (summary.status == TailStatus::refused) {
      std::string reason = summary.reason;  // without its numbers
      std::erase_if(reason, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
      ++row.reasons[reason];
      continue;
    }
    ++row.answered;
    if (summary.log_p_low <= problem.log_p && problem.log_p_high <= summary.log_p_high) ++row.covered;
    const double ratio = std::exp((bracket ? summary.log_p_unknown_pass : summary.log_p) - problem.log_p);
    row.mean_ratio += ratio;
    squares += (ratio - 1.0) * (ratio - 1.0);
    row.mean_half_width += summary.half_width();
  }
  if (row.answered > 0) {
    const auto n = static_cast<double>(row.answered);
    row.mean_ratio /= n;
    row.relative_rmse = std::sqrt(squares / n);
    row.mean_half_width /= n;
  }
  return row;
}

std::string validation_header(bool markdown) {
  if (!markdown) {
    return "problem,d,p,repeats,estimated,bound,refused,coverage,estimate/"
           "true,relative_rmse,half_width_sigma,runs_mean,"
           "runs_max\n";
  }
  return "| problem | d | P | estimated | bound | refused | coverage | estimate/true | rel. RMSE | "
         "half-width (sigma) | "
         "runs, mean | runs, max |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n";
}

std::string validation_line(const ValidationRow& row, bool markdown) {
  const std::size_t refused = row.repeats - row.answered - row.bounded;
  const bool any = row.answered > 0;
  const auto number = [&](double value, int digits) {
    return any ? fmt::format("{:.{}f}", value, digits) : std::string("-");
  };
  const std::string format =
      markdown ? "| {} | {} | {:.3g} | {} | {} | {} | {} | {} | {} | {} | {:.0f} | {:.0f} |\n"
               : "{},{},{:.8g},{},{},{},{},{},{},{},{:.0f},{:.0f}\n";
  if (markdown) {
    return fmt::format(fmt::runtime(format), row.name, row.dimension, row.p, row.answered, row.bounded,
                       refused, number(row.coverage(), 3), number(row.mean_ratio, 3),
                       number(row.relative_rmse, 3), number(row.mean_half_width, 3), row.mean_runs,
                       row.max_runs);
  }
  std::string text = fmt::format(
      "{},{},{:.8g},{},{},{},{},{},{},{},{},{:.0f},{:.0f}\n", row.name, row.dimension, row.p, row.repeats,
      row.answered, row.bounded, refused, number(row.coverage(), 3), number(row.mean_ratio, 3),
      number(row.relative_rmse, 3), number(row.mean_half_width, 3), row.mean_runs, row.max_runs);
  for (const auto& [reason, count] : row.reasons) text += fmt::format("#   {} x {}\n", count, reason);
  return text;
}

}  // namespace flare::analysis
