// The published problems of the field with their published or closed-form answers.
#include <memory>

#include "analysis/rare_event/core/normal_stream.hpp"
#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis::problems {
namespace {

double linear(const Row& x) { return 6.0 - x.sum() / std::sqrt(static_cast<double>(x.size())); }

RareEventProblem listed(std::string name, std::size_t d, double p, Evaluators f,
                        std::uint64_t budget = 3000) {
  RareEventProblem problem = hard("published", std::move(name), d, p, "published", std::move(f));
  problem.target = 0.03;
  problem.budget = budget;
  return problem;
}

}  // namespace

std::vector<RareEventProblem> published_problems() {
  std::vector<RareEventProblem> set;
  for (const std::size_t d : {10u, 100u, 1000u})
    set.push_back(listed("linear d=" + std::to_string(d), d, tail(6.0), margins(linear)));
  set.push_back(listed("indicator", 10, tail(6.0), pass_fail(linear), 5000));
  set.push_back(listed("four branches", 2, 2.1159112e-9, margins([](const Row& x) {
                         const double u = (x(0) + x(1)) / std::sqrt(2.0), v = (x(0) - x(1)) / std::sqrt(2.0);
                         return std::min(6.0 + 0.2 * v * v - std::abs(u),
                                         12.2 / std::sqrt(2.0) - std::sqrt(2.0) * std::abs(v));
                       })));
  set.push_back(listed("parabola +", 10, 1.0880761e-10,
                       margins([](const Row& x) { return 6.0 - x(0) + 0.05 * x.tail(9).squaredNorm(); })));
  set.push_back(listed("parabola -", 10, 7.0867612e-9,
                       margins([](const Row& x) { return 6.0 - x(0) - 0.03 * x.tail(9).squaredNorm(); })));
  set.push_back(listed("two-sided", 10, 1.9731753e-9,
                       margins([](const Row& x) { return 6.0 - std::abs(x.sum()) / std::sqrt(10.0); })));
  set.push_back(listed("cross", 10, 8.0320012e-10,
                       margins([](const Row& x) { return 6.5 - x.cwiseAbs().maxCoeff(); }), 5000));
  set.push_back(
      listed("corner", 6, 2.1516243e-9, margins([](const Row& x) { return 1.8 - x.minCoeff(); }), 5000));
  set.push_back(listed("RP63", 100, 3.7694361e-4,
                       margins([](const Row& x) { return 0.1 * x.tail(99).squaredNorm() - x(0) - 4.5; })));
  RareEventProblem noisy = listed("noisy linear", 10, tail(6.0 / std::sqrt(1.25)), {}, 5000);
  noisy.evaluator = [](std::uint64_t seed) -> BatchEvaluator {
    auto random = std::make_shared<NormalStream>(seed, "noise of the noisy problem");
    return [random](const engine::Matrix& points) {
      std::vector<Response> responses;
      for (Eigen::Index i = 0; i < points.rows(); ++i)
        responses.push_back(Response::margin(linear(points.row(i)) + 0.5 * random->normal()));
      return responses;
    };
  };
  set.push_back(std::move(noisy));
  RareEventProblem silent = listed("unconverged linear", 10, 1.0, {}, 5000);
  // Given x1 the rest of the sum is N(0, 9): P(fail, x1 <= 2.5) and P(fail or x1 > 2.5) by quadrature.
  const auto fails_given = [](double x1) { return tail((6.0 * std::sqrt(10.0) - x1) / 3.0); };
  silent.log_p = std::log(integral([&](double x) { return density(x) * fails_given(x); }, -12.0, 2.5));
  silent.log_p_high = std::log(tail(2.5) + std::exp(silent.log_p));
  silent.evaluator = [](std::uint64_t) -> BatchEvaluator {
    return [](const engine::Matrix& points) {
      std::vector<Response> responses;
      for (Eigen::Index i = 0; i < points.rows(); ++i)
        responses.push_back(points(i, 0) > 2.5 ? Response::unknown()
                                               : Response::margin(linear(points.row(i))));
      return responses;
    };
  };
  set.push_back(std::move(silent));
  for (RareEventProblem& problem : set)
    if (problem.name != "noisy linear" && problem.name != "unconverged linear") problem.wanted_rmse = 0.15;
  return set;
}

}  // namespace flare::analysis::problems
