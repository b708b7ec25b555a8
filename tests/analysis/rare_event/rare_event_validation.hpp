// Repeats an estimator on a problem whose answer is known.
#pragma once

#include <map>

#include "tests/analysis/rare_event/rare_event_problems.hpp"

namespace flare::analysis {

struct ValidationRow {
  std::string name;
  std::size_t dimension = 0;
  double p = 0.0;
  std::size_t repeats = 0;
  std::size_t answered = 0;  // estimated, or extrapolated by a method that does
  std::size_t bounded = 0;   // only a limit
  std::size_t covered = 0;   // of the answered: interval (of the bracket, where there is one) holds the truth
  std::size_t wrong_bounds = 0;
  double mean_runs = 0.0;
  double max_runs = 0.0;
  double mean_ratio = 0.0;  // estimate / truth, answered ones
  double relative_rmse = 0.0;
  double mean_half_width = 0.0;                // sigma
  std::map<std::string, std::size_t> reasons;  // of refusals

  double coverage() const {
    return answered > 0 ? static_cast<double>(covered) / static_cast<double>(answered) : 0.0;
  }
};

/// Seeds first_seed ... first_seed + repeats - 1.
ValidationRow validate(const RareEventProblem& problem, std::size_t repeats, std::uint64_t first_seed,
                       const std::function<void(const RareEventSummary&)>& on_result = {},
                       RareEventMethod method = RareEventMethod::automatic);

std::string validation_header(bool markdown);
std::string validation_line(const ValidationRow& row, bool markdown);

}  // namespace flare::analysis
