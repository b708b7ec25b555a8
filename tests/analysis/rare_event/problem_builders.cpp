#include "tests/analysis/rare_event/problem_builders.hpp"

#include <bit>
#include <numbers>
#include <stdexcept>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis::problems {

Evaluators responses(std::function<Response(const Row&)> response) {
  return [response](std::uint64_t) -> BatchEvaluator {
    return [response](const engine::Matrix& points) {
      std::vector<Response> answers;
      answers.reserve(static_cast<std::size_t>(points.rows()));
      for (Eigen::Index i = 0; i < points.rows(); ++i) answers.push_back(response(points.row(i)));
      return answers;
    };
  };
}

Evaluators margins(Margin margin) {
  return responses([margin](const Row& x) { return Response::margin(margin(x)); });
}

Evaluators pass_fail(Margin margin) {
  return responses([margin](const Row& x) { return margin(x) <= 0.0 ? Response::fail() : Response::pass(); });
}

RareEventProblem hard(std::string family, std::string name, std::size_t d, double p, std::string answer,
                      Evaluators evaluator) {
  RareEventProblem problem;
  problem.name = std::move(name);
  problem.family = std::move(family);
  problem.dimension = d;
  problem.log_p = problem.log_p_high = std::log(p);
  problem.target = 0.1;
  problem.budget = 5000;
  problem.answer = std::move(answer);
  problem.evaluator = std::move(evaluator);
  return problem;
}

double tail(double x) { return std::exp(log_upper_tail(x)); }
double density(double x) { return std::exp(-0.5 * x * x) * 0.3989422804014327; }

double chi2_tail(double freedom, double x) {
  return boost::math::cdf(boost::math::complement(boost::math::chi_squared(freedom), x));
}

double any_of(const std::vector<double>& probabilities) {
  double log_none = 0.0;
  for (const double p : probabilities) log_none += std::log1p(-p);
  return -std::expm1(log_none);
}

Row dense_direction(std::size_t d, std::size_t k) {
  if (k == 0 || k >= d) throw std::invalid_argument("there are d - 1 dense directions");
  Row a(static_cast<Eigen::Index>(d));
  const auto n = static_cast<double>(d);
  for (Eigen::Index i = 0; i < a.size(); ++i)
    a(i) = std::sqrt(2.0 / n) *
           std::cos(std::numbers::pi * static_cast<double>(k) * (static_cast<double>(i) + 0.5) / n);
  return a;
}

NormalPiece around(Row mean, double scale) {
  Row scales = Row::Constant(mean.size(), scale);
  return {std::move(mean), std::move(scales), {}, {}};
}

double hashed_uniform(const Row& x, std::uint64_t salt) {
  std::uint64_t h = salt;
  for (const double v : x) {  // the mixing step of splitmix64 over the bits of every coordinate
    h = (h ^ std::bit_cast<std::uint64_t>(v)) + 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    h ^= h >> 31;
  }
  return static_cast<double>(h >> 11) * 0x1.0p-53;
}

double hashed_normal(const Row& x, std::uint64_t salt) {
  return -sigma_of_probability(std::max(hashed_uniform(x, salt), 0x1.0p-53));
}

void append(std::vector<RareEventProblem>& set, std::vector<RareEventProblem> more) {
  for (RareEventProblem& problem : more) set.push_back(std::move(problem));
}

}  // namespace flare::analysis::problems
