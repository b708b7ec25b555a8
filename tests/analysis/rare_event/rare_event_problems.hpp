// Failure problems with known answers, for tests and the validation table.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "analysis/rare_event/rare_event.hpp"

namespace flare::analysis {

struct RareEventProblem {
  std::string name;
  std::size_t dimension = 0;
  double log_p = 0.0;       // the truth; with unknown runs that of "unknown passes"
  double log_p_high = 0.0;  // of "unknown fails"; log_p where nothing is unknown
  double target = 0.03;     // half-width asked for, sigma
  std::uint64_t budget = 3000;
  double wanted_rmse = 0.0;  // relative, where it is promised; 0: honesty only
  bool published = true;     // one of the published set; else ours, of the same classes
  std::string answer;        // where the truth comes from
  /// A new evaluator; `seed` matters to the noisy one only.
  std::function<BatchEvaluator(std::uint64_t seed)> evaluator;
};

std::vector<RareEventProblem> rare_event_problems();
const RareEventProblem& find_problem(const std::vector<RareEventProblem>& problems, const std::string& name);

}  // namespace flare::analysis
