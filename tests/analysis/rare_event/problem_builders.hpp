// What the files of the catalogue share: evaluators made of a formula, and the integrals that give the truth.
#pragma once

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>

#include "tests/analysis/rare_event/rare_event_problems.hpp"

namespace flare::analysis::problems {

using Margin = std::function<double(const Row&)>;
using Evaluators = std::function<BatchEvaluator(std::uint64_t seed)>;

Evaluators responses(std::function<Response(const Row&)> response);
Evaluators margins(Margin margin);
/// Pass or fail, by how much is not told.
Evaluators pass_fail(Margin margin);

/// A problem of a family; runs 5,000, half-width 0.1 sigma.
RareEventProblem hard(std::string family, std::string name, std::size_t d, double p, std::string answer,
                      Evaluators evaluator);

/// P(Z > x).
double tail(double x);
double density(double x);
/// P(chi-squared of `freedom` > x).
double chi2_tail(double freedom, double x);
/// Probability that at least one of independent events of these probabilities happens.
double any_of(const std::vector<double>& probabilities);

/// Integral of f over [a, b] in 40 pieces of 31 Gauss-Kronrod points, each refined to 1e-10.
template <class F>
double integral(F f, double a, double b) {
  using boost::math::quadrature::gauss_kronrod;
  double sum = 0.0;
  const int pieces = 40;
  for (int i = 0; i < pieces; ++i) {
    const double left = a + (b - a) * i / pieces, right = a + (b - a) * (i + 1) / pieces;
    sum += gauss_kronrod<double, 31>::integrate(f, left, right, 5, 1e-10);
  }
  return sum;
}

/// E[f(Z)], Z standard normal, restricted to [a, b].
template <class F>
double normal_mean(F f, double a = -12.0, double b = 12.0) {
  return integral([&](double z) { return density(z) * f(z); }, a, b);
}

/// E[f(X)], X chi-squared of `freedom` degrees of freedom: f smooth, decided below `top`.
template <class F>
double chi2_mean(double freedom, F f, double top) {
  const boost::math::chi_squared law(freedom);
  return integral([&](double x) { return boost::math::pdf(law, x) * f(x); }, 1e-12, top);
}

/// Direction k = 1 ... d - 1 of an orthonormal set in which every coordinate takes part (cosines).
Row dense_direction(std::size_t d, std::size_t k);

/// Normal pieces of unit scale (or `scale`) around a point.
NormalPiece around(Row mean, double scale = 1.0);

/// A number of [0, 1) that looks random and is the same whenever the same point is asked.
double hashed_uniform(const Row& x, std::uint64_t salt);
/// The same as a standard normal.
double hashed_normal(const Row& x, std::uint64_t salt);

void append(std::vector<RareEventProblem>& set, std::vector<RareEventProblem> more);

// One file each.
std::vector<RareEventProblem> published_problems();
std::vector<RareEventProblem> shaped_problems();
std::vector<RareEventProblem> region_problems();
std::vector<RareEventProblem> jump_problems();
std::vector<RareEventProblem> noise_problems();
std::vector<RareEventProblem> unknown_problems();
std::vector<RareEventProblem> high_dimension_problems();
std::vector<RareEventProblem> cell_problems();

}  // namespace flare::analysis::problems
