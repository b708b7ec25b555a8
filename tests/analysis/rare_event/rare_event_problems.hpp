// Failure problems with known answers, for tests and the validation tables.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "analysis/rare_event/rare_event.hpp"

namespace flare::analysis {

using Row = Eigen::RowVectorXd;  // one point in standard-normal space

/// One normal of a proposal mixture: x_i ~ N(mean_i, scale_i^2); or, where `axes` (orthonormal rows) are given, all scales
/// 1 and the deviation along axis k stretched by stretch_k.
struct NormalPiece {
  Row mean;
  Row scale;
  std::vector<Row> axes;
  std::vector<double> stretch;
};

struct RareEventProblem {
  std::string name;
  std::string family;
  std::size_t dimension = 0;
  double log_p = 0.0;       // the truth; with unknown runs that of "unknown passes"
  double log_p_high = 0.0;  // of "unknown fails"; log_p where nothing is unknown
  double target = 0.03;     // half-width asked for, sigma
  std::uint64_t budget = 3000;
  double wanted_rmse = 0.0;  // relative, where it is promised; 0: honesty only
  RareEventMethod method = RareEventMethod::automatic;
  std::string answer;  // where the truth comes from
  /// A new evaluator; `seed` matters to the noisy ones only.
  std::function<BatchEvaluator(std::uint64_t seed)> evaluator;
  /// Where set: the part of the failures that is easily overlooked. A search that ran one of its points has met it.
  std::function<bool(const Row& x)> hidden;
  /// Equal parts of a proposal under which plain importance sampling of the evaluator reproduces the truth: the
  /// second route to it, made by hand from the geometry. Empty: the answer is checked elsewhere.
  std::vector<NormalPiece> check;
};

/// By its name, in messages of tests.
// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest calls it by this name
void PrintTo(const RareEventProblem& problem, std::ostream* out);

/// The published problems, then those of many shapes that the present table was built on.
std::vector<RareEventProblem> rare_event_problems();

/// Families of hard problems, each with several relatives: every class in which an estimator was once wrong with
/// a small error bar, covered too rarely, or gave no answer.
std::vector<RareEventProblem> hard_problems();

/// Problems that nobody has looked at: of every eight of them four planes with corners or cliffs, and one each of several
/// planes, of three curved modes, of three corners and of planes that face each other. Problem i of a seed is always the same.
std::vector<RareEventProblem> drawn_problems(std::uint64_t seed, std::size_t count);

/// The first two.
std::vector<RareEventProblem> all_rare_event_problems();

const RareEventProblem& find_problem(const std::vector<RareEventProblem>& problems, const std::string& name);

}  // namespace flare::analysis
