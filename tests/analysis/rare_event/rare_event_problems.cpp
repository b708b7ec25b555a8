#include "tests/analysis/rare_event/rare_event_problems.hpp"

#include <ostream>
#include <stdexcept>

#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis {

void PrintTo(const RareEventProblem& problem, std::ostream* out) { *out << problem.name; }

std::vector<RareEventProblem> rare_event_problems() {
  std::vector<RareEventProblem> set = problems::published_problems();
  problems::append(set, problems::shaped_problems());
  return set;
}

std::vector<RareEventProblem> hard_problems() {
  std::vector<RareEventProblem> set = problems::region_problems();
  problems::append(set, problems::jump_problems());
  problems::append(set, problems::noise_problems());
  problems::append(set, problems::unknown_problems());
  problems::append(set, problems::high_dimension_problems());
  problems::append(set, problems::cell_problems());
  return set;
}

std::vector<RareEventProblem> all_rare_event_problems() {
  std::vector<RareEventProblem> set = rare_event_problems();
  problems::append(set, hard_problems());
  return set;
}

const RareEventProblem& find_problem(const std::vector<RareEventProblem>& problems, const std::string& name) {
  for (const RareEventProblem& problem : problems)
    if (problem.name == name) return problem;
  throw std::invalid_argument("no problem is called " + name);
}

}  // namespace flare::analysis
