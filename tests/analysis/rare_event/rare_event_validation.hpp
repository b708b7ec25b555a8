// Repeats an estimator on a problem whose answer is known.
#pragma once

#include <map>
#include <optional>

#include "tests/analysis/rare_event/rare_event_problems.hpp"

namespace flare::analysis {

/// How far from the truth an answer may be before it is called wrong, sigma: more than this, and the truth outside the
/// interval.
constexpr double wrong_by_sigma = 0.3;

struct ValidationRow {
  std::string name;
  std::string method;
  std::size_t dimension = 0;
  double p = 0.0;
  std::size_t repeats = 0;
  std::size_t answered = 0;  // estimated, or extrapolated by a method that does
  std::size_t bounded = 0;   // only a limit
  std::size_t covered = 0;   // of the answered: interval (of the bracket, where there is one) holds the truth
  std::size_t wrong = 0;     // of the answered: off by more than wrong_by_sigma with the truth outside
  std::size_t wrong_met =
      0;  // of the wrong: a run had met the hidden failures (any failure, where none are hidden)
  std::size_t wrong_bounds = 0;
  double mean_runs = 0.0;
  double median_runs = 0.0;
  double max_runs = 0.0;
  double mean_ratio = 0.0;  // estimate / truth, answered ones
  double relative_rmse = 0.0;
  double mean_half_width = 0.0;                // sigma
  std::map<std::string, std::size_t> reasons;  // of refusals

  double coverage() const {
    return answered > 0 ? static_cast<double>(covered) / static_cast<double>(answered) : 0.0;
  }
};

struct ValidationOptions {
  std::size_t repeats = 200;
  std::uint64_t first_seed = 1;       // of the first repeat, then one more each
  std::optional<double> target = {};  // half-width in sigma; else the problem's
  std::optional<std::uint64_t> budget = {};
  std::optional<RareEventMethod> method = {};
  bool with_what_is_left = false;  // survey_engines: see there
};

/// One repeat as the table sees it: natural logarithms, of the two ends of the bracket where runs are unknown.
struct ValidationAnswer {
  TailStatus status = TailStatus::refused;
  std::string reason;
  double log_p = 0.0,
         log_p_fail = 0.0;  // "unknown passes", "unknown fails"; the same where nothing is unknown
  double log_p_low = 0.0, log_p_high = 0.0;
  double half_width = 0.0;     // sigma
  double unmet_unknown = 0.0;  // where no run was unknown: the share that may be, as the answer says
  double runs = 0.0;
  std::size_t met = 0;  // runs inside the hidden failures (any failure, where none are hidden)
};

/// Wrong by more than wrong_by_sigma at an end of the bracket that lies outside the interval.
bool is_wrong(const RareEventProblem& problem, const ValidationAnswer& answer);
bool covers(const RareEventProblem& problem, const ValidationAnswer& answer);

/// The problem's evaluator, counting in `met` the runs inside the hidden failures.
BatchEvaluator counting_met(const RareEventProblem& problem, std::uint64_t seed, std::size_t& met);

/// The row of these repeats.
ValidationRow tabulate(const RareEventProblem& problem, const std::string& method,
                       const std::vector<ValidationAnswer>& answers);

ValidationRow validate(
    const RareEventProblem& problem, const ValidationOptions& options,
    const std::function<void(const RareEventSummary&, const ValidationAnswer&)>& on_result = {});

/// The default method beside each engine by itself: where it gives no estimate, does one of them?
struct EngineSurvey {
  ValidationRow automatic;
  struct Engine {
    ValidationRow row;                 // of all repeats that it was asked in
    std::size_t unanswered = 0;        // of them, by the default method
    std::size_t answered_instead = 0;  // of these, by this one
    std::size_t covered_instead = 0;   // of these
    bool is_right = false;             // where the default method should have come to it
  };
  std::vector<Engine> engines;  // none where the default method nearly always estimates
  std::size_t unanswered() const { return automatic.repeats - automatic.answered; }
};

/// Of the repeats: below this share without an estimate the engines are not asked.
constexpr double often_unanswered = 0.1;
/// An engine is right where it estimates at least half of what the default method leaves unanswered, with this coverage.
constexpr double right_coverage = 0.9;

/// The same seeds for all. An engine that needs no search has the problem's budget less what the default method's exploring
/// took in the same repeat; the others search by themselves. With what is left: engines are asked only where the default method
/// gave no estimate and left as many runs unused as they may have at all, and have those.
EngineSurvey survey_engines(const RareEventProblem& problem, const ValidationOptions& options);

std::string survey_header(bool markdown);
std::string survey_line(const EngineSurvey& survey, bool markdown);

std::string validation_header(bool markdown);
std::string validation_line(const ValidationRow& row, bool markdown);

}  // namespace flare::analysis
