// Outputs that one plane does not explain, or that are asked far out, with exact tails: jumps, kinks, one dominant
// variable, a spread that depends on the point, columns beyond 7 sigma.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "analysis/output_tails/output_tails.hpp"

namespace flare::analysis::testing {

struct OutputProblem {
  std::string name;
  std::size_t dimension = 0;
  std::function<double(const engine::Vector&)> output;
  std::vector<TailQuestion> questions;
  std::vector<double> log_p;  // exact, by question
  /// Where most failures lie, seen from the plane at the origin; empty: anywhere.
  std::function<bool(const engine::Vector&)> hidden;
};

std::vector<OutputProblem> jump_problems();
std::vector<OutputProblem> kink_problems();
std::vector<OutputProblem> dominance_problems();
std::vector<OutputProblem> spread_problems();
std::vector<OutputProblem> far_column_problems();
/// All of the above.
std::vector<OutputProblem> output_problems();

}  // namespace flare::analysis::testing
