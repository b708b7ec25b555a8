#include "tests/analysis/rare_event/rare_event_validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/rare_event/estimators/estimator_list.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

double sigmas_apart(double log_p, double log_q) {
  return std::abs(upper_tail_quantile(log_p) - upper_tail_quantile(log_q));
}

bool fails(const Response& r) {
  return r.kind == ResponseKind::fail || (r.kind == ResponseKind::margin && r.value <= 0.0);
}

ValidationAnswer answer_of(const RareEventSummary& summary) {
  ValidationAnswer answer;
  answer.status = summary.status;
  answer.reason = summary.reason;
  answer.log_p = summary.bracketed ? summary.log_p_unknown_pass : summary.log_p;
  answer.log_p_fail = summary.bracketed ? summary.log_p_unknown_fail : summary.log_p;
  answer.log_p_low = summary.log_p_low;
  answer.log_p_high = summary.log_p_high;
  if (summary.runs.unknown == 0) answer.unmet_unknown = summary.unknown_share_high;
  answer.half_width = summary.half_width();
  answer.runs = static_cast<double>(summary.runs.total());
  return answer;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n == 0 ? 0.0 : 0.5 * (values[(n - 1) / 2] + values[n / 2]);
}

std::string without_numbers(std::string text) {
  std::erase_if(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  return text;
}

// Adds one repeat; sums in the places of the means.
void add(const RareEventProblem& problem, const ValidationAnswer& answer, ValidationRow& row) {
  if (answer.status == TailStatus::bound) {
    ++row.bounded;
    if (problem.log_p > answer.log_p_high || problem.log_p_high < answer.log_p_low) ++row.wrong_bounds;
    return;
  }
  if (answer.status == TailStatus::refused) {
    ++row.reasons[without_numbers(answer.reason)];
    return;
  }
  ++row.answered;
  if (covers(problem, answer)) ++row.covered;
  if (is_wrong(problem, answer)) {
    ++row.wrong;
    if (answer.met > 0) ++row.wrong_met;
  }
  const double ratio = std::exp(answer.log_p - problem.log_p);
  row.mean_ratio += ratio;
  row.relative_rmse += (ratio - 1.0) * (ratio - 1.0);
  row.mean_half_width += answer.half_width;
}

// The upper end where runs may be unknown: the interval's and, where none was met, what the answer says of those not met.
double high_end(const RareEventProblem& problem, const ValidationAnswer& answer) {
  if (problem.log_p_high == problem.log_p || answer.unmet_unknown == 0.0) return answer.log_p_high;
  return std::log(std::exp(answer.log_p_high) + answer.unmet_unknown);
}

RareEventOptions asked_of(const RareEventProblem& problem, const ValidationOptions& options) {
  RareEventOptions asked;
  asked.max_runs =
      std::max(options.budget.value_or(problem.budget), RareEventOptions::min_runs(problem.dimension));
  asked.target_half_width = options.target.value_or(problem.target);
  asked.method = options.method.value_or(problem.method);
  return asked;
}

struct Repeat {
  RareEventSummary summary;
  ValidationAnswer answer;
};

Repeat run_once(const RareEventProblem& problem, const RareEventOptions& asked) {
  Repeat repeat;
  std::size_t met = 0;
  repeat.summary =
      estimate_failure_probability(problem.dimension, counting_met(problem, asked.seed, met), asked);
  repeat.answer = answer_of(repeat.summary);
  repeat.answer.met = met;
  return repeat;
}

std::vector<Repeat> repeats_of(const RareEventProblem& problem, const ValidationOptions& options,
                               RareEventOptions asked) {
  std::vector<Repeat> repeats;
  for (std::size_t i = 0; i < options.repeats; ++i) {
    asked.seed = options.first_seed + i;
    repeats.push_back(run_once(problem, asked));
  }
  return repeats;
}

// Scaled sigma never estimates, it extrapolates.
std::vector<NamedEstimator> surveyed_engines() {
  std::vector<NamedEstimator> engines = named_estimators();
  std::erase_if(engines, [](const NamedEstimator& e) { return e.method == RareEventMethod::scaled_sigma; });
  return engines;
}

EngineSurvey::Engine survey_engine(const RareEventProblem& problem, const ValidationOptions& options,
                                   const NamedEstimator& engine, const std::vector<Repeat>& automatic) {
  EngineSurvey::Engine result;
  RareEventOptions asked = asked_of(problem, options);
  asked.method = engine.method;
  const std::uint64_t budget = asked.max_runs;
  std::vector<ValidationAnswer> answers;
  for (std::size_t i = 0; i < automatic.size(); ++i) {
    asked.seed = options.first_seed + i;
    const bool open = automatic[i].answer.status != TailStatus::estimated;
    const RunCounts& spent = automatic[i].summary.runs;
    if (options.with_what_is_left) {
      if (!open || budget < spent.total() + RareEventOptions::min_runs(problem.dimension)) continue;
      asked.max_runs = budget - spent.total();
    } else if (!engine.searches) {
      asked.max_runs = std::max(budget - spent.explore, RareEventOptions::min_runs(problem.dimension));
    }
    answers.push_back(run_once(problem, asked).answer);
    if (!open) continue;
    ++result.unanswered;
    if (answers.back().status != TailStatus::estimated) continue;
    ++result.answered_instead;
    result.covered_instead += covers(problem, answers.back()) ? 1 : 0;
  }
  result.row = tabulate(problem, std::string(to_string(engine.method)), answers);
  result.is_right =
      2 * result.answered_instead >= result.unanswered && result.row.coverage() >= right_coverage;
  return result;
}

}  // namespace

bool covers(const RareEventProblem& problem, const ValidationAnswer& answer) {
  return answer.log_p_low <= problem.log_p && problem.log_p_high <= high_end(problem, answer);
}

bool is_wrong(const RareEventProblem& problem, const ValidationAnswer& answer) {
  const bool above = problem.log_p_high > high_end(problem, answer), below = problem.log_p < answer.log_p_low;
  return (above && sigmas_apart(answer.log_p_fail, problem.log_p_high) > wrong_by_sigma) ||
         (below && sigmas_apart(answer.log_p, problem.log_p) > wrong_by_sigma);
}

BatchEvaluator counting_met(const RareEventProblem& problem, std::uint64_t seed, std::size_t& met) {
  return [inner = problem.evaluator(seed), hidden = problem.hidden, &met](const engine::Matrix& points) {
    std::vector<Response> responses = inner(points);
    for (Eigen::Index i = 0; i < points.rows(); ++i)
      if (hidden ? hidden(points.row(i)) : fails(responses[static_cast<std::size_t>(i)])) ++met;
    return responses;
  };
}

ValidationRow tabulate(const RareEventProblem& problem, const std::string& method,
                       const std::vector<ValidationAnswer>& answers) {
  ValidationRow row;
  row.name = problem.name;
  row.method = method;
  row.dimension = problem.dimension;
  row.p = std::exp(problem.log_p);
  row.repeats = answers.size();
  std::vector<double> runs;
  for (const ValidationAnswer& answer : answers) {
    add(problem, answer, row);
    runs.push_back(answer.runs);
    row.mean_runs += answer.runs / static_cast<double>(answers.size());
    row.max_runs = std::max(row.max_runs, answer.runs);
  }
  row.median_runs = median(std::move(runs));
  if (row.answered > 0) {
    const auto n = static_cast<double>(row.answered);
    row.mean_ratio /= n;
    row.relative_rmse = std::sqrt(row.relative_rmse / n);
    row.mean_half_width /= n;
  }
  return row;
}

ValidationRow validate(
    const RareEventProblem& problem, const ValidationOptions& options,
    const std::function<void(const RareEventSummary&, const ValidationAnswer&)>& on_result) {
  const RareEventOptions asked = asked_of(problem, options);
  std::vector<ValidationAnswer> answers;
  for (const Repeat& repeat : repeats_of(problem, options, asked)) {
    answers.push_back(repeat.answer);
    if (on_result) on_result(repeat.summary, repeat.answer);
  }
  return tabulate(problem, std::string(to_string(asked.method)), answers);
}

EngineSurvey survey_engines(const RareEventProblem& problem, const ValidationOptions& options) {
  RareEventOptions asked = asked_of(problem, options);
  asked.method = RareEventMethod::automatic;
  const std::vector<Repeat> automatic = repeats_of(problem, options, asked);
  std::vector<ValidationAnswer> answers;
  answers.reserve(automatic.size());
  for (const Repeat& repeat : automatic) answers.push_back(repeat.answer);
  EngineSurvey survey;
  survey.automatic = tabulate(problem, std::string(to_string(asked.method)), answers);
  if (static_cast<double>(survey.unanswered()) < often_unanswered * static_cast<double>(options.repeats))
    return survey;
  for (const NamedEstimator& engine : surveyed_engines())
    survey.engines.push_back(survey_engine(problem, options, engine, automatic));
  return survey;
}

namespace {

std::string joined(const std::vector<std::string>& cells, bool markdown) {
  std::string line = markdown ? "| " : "";
  for (std::size_t i = 0; i < cells.size(); ++i) line += (i == 0 ? "" : markdown ? " | " : ",") + cells[i];
  return line + (markdown ? " |\n" : "\n");
}

std::string answered_and_covered(const ValidationRow& row) {
  return row.answered > 0 ? fmt::format("{} ({:.2f})", row.answered, row.coverage()) : "0";
}

}  // namespace

std::string survey_header(bool markdown) {
  std::vector<std::string> cells = {"problem", "d", "repeats", "automatic"};
  for (const NamedEstimator& engine : surveyed_engines()) cells.emplace_back(to_string(engine.method));
  cells.emplace_back("right where automatic gives no estimate");
  std::string header = joined(cells, markdown);
  if (markdown) header += joined(std::vector<std::string>(cells.size(), "---"), markdown);
  return header;
}

std::string survey_line(const EngineSurvey& survey, bool markdown) {
  const ValidationRow& row = survey.automatic;
  std::vector<std::string> cells = {markdown ? row.name : '"' + row.name + '"', std::to_string(row.dimension),
                                    std::to_string(row.repeats), answered_and_covered(row)};
  std::string right;
  for (const EngineSurvey::Engine& engine : survey.engines) {
    cells.push_back(answered_and_covered(engine.row));
    if (!engine.is_right) continue;
    right += fmt::format("{}{}: {} of {}, {} covered", right.empty() ? "" : "; ", engine.row.method,
                         engine.answered_instead, engine.unanswered, engine.covered_instead);
  }
  if (survey.engines.empty()) cells.resize(cells.size() + surveyed_engines().size(), "");
  cells.push_back(markdown ? right : '"' + right + '"');
  std::string text = joined(cells, markdown);
  if (!markdown)
    for (const auto& [reason, count] : row.reasons) text += fmt::format("#   {} x {}\n", count, reason);
  return text;
}

std::string validation_header(bool markdown) {
  if (!markdown) {
    return "problem,method,d,p,repeats,estimated,bound,refused,coverage,wrong,wrong_met,wrong_bounds,"
           "estimate/"
           "true,relative_rmse,half_width_sigma,runs_mean,runs_median,runs_max\n";
  }
  return "| problem | d | P | estimated | bound | refused | coverage | wrong (met) | estimate/true | rel. "
         "RMSE | "
         "half-width (sigma) | runs, median | runs, max "
         "|\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
}

std::string validation_line(const ValidationRow& row, bool markdown) {
  const std::size_t refused = row.repeats - row.answered - row.bounded;
  const auto number = [&](double value) {
    return row.answered > 0 ? fmt::format("{:.3f}", value) : std::string("-");
  };
  const std::string coverage = number(row.coverage()), ratio = number(row.mean_ratio);
  const std::string rmse = number(row.relative_rmse), width = number(row.mean_half_width);
  if (markdown) {
    const std::string name =
        row.method == to_string(RareEventMethod::automatic) ? row.name : row.name + ", " + row.method;
    return fmt::format(
        "| {} | {} | {:.3g} | {} | {} | {} | {} | {} ({}) | {} | {} | {} | {:.0f} | {:.0f} |\n", name,
        row.dimension, row.p, row.answered, row.bounded, refused, coverage, row.wrong, row.wrong_met, ratio,
        rmse, width, row.median_runs, row.max_runs);
  }
  std::string text = fmt::format(
      "\"{}\",{},{},{:.8g},{},{},{},{},{},{},{},{},{},{},{},{:.0f},{:.0f},{:.0f}\n", row.name, row.method,
      row.dimension, row.p, row.repeats, row.answered, row.bounded, refused, coverage, row.wrong,
      row.wrong_met, row.wrong_bounds, ratio, rmse, width, row.mean_runs, row.median_runs, row.max_runs);
  for (const auto& [reason, count] : row.reasons) text += fmt::format("#   {} x {}\n", count, reason);
  return text;
}

}  // namespace flare::analysis
