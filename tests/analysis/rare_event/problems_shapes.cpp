// Problems of many shapes: balls, slabs, shells, wedges, pass or fail only, discontinuous, inputs that are not normal.
#include <fmt/format.h>

#include <boost/math/distributions/non_central_chi_squared.hpp>

#include "analysis/tails/normal_tail.hpp"
#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis::problems {
namespace {

double linear(const Row& x) { return 6.0 - x.sum() / std::sqrt(static_cast<double>(x.size())); }

RareEventProblem own(std::string name, std::size_t d, double p, std::string answer, Evaluators f,
                     std::uint64_t budget = 5000) {
  RareEventProblem problem = hard("shapes", std::move(name), d, p, std::move(answer), std::move(f));
  problem.target = 0.06;
  problem.budget = budget;
  return problem;
}

/// Inside a ball around a point of one axis.
RareEventProblem ball(std::string name, std::size_t d, double distance, double radius, Eigen::Index axis) {
  const boost::math::non_central_chi_squared law(static_cast<double>(d), distance * distance);
  return own(std::move(name), d, boost::math::cdf(law, radius * radius), "non-central chi-squared",
             margins([=](const Row& x) {
               Row y = x;
               y(axis) -= distance;
               return y.norm() - radius;
             }));
}

RareEventProblem sphere(std::size_t d, double radius) {
  return own(fmt::format("sphere d={}", d), d, chi2_tail(static_cast<double>(d), radius * radius),
             "chi-squared", margins([=](const Row& x) { return radius - x.norm(); }));
}

std::vector<RareEventProblem> bounded_and_curved() {
  const double bowl = integral(
      [](double r2) { return boost::math::pdf(boost::math::chi_squared(4.0), r2) * tail(4.5 - 0.15 * r2); },
      1e-9, 120.0);
  return {ball("ball", 3, 5.5, 0.8, 0), ball("ball d=8", 8, 5.0, 1.5, 2),
          // Half as thick as a sigma is wide, far out.
          own("narrow slab", 5, tail(5.0) * (1.0 - 2.0 * tail(0.1)), "product",
              margins([](const Row& x) { return std::max(5.0 - x(0), std::abs(x(1)) - 0.1); })),
          // Orthogonal regions.
          own("unequal", 8, 1.0 - (1.0 - tail(5.0)) * (1.0 - tail(5.4)) * (1.0 - tail(5.8)), "product",
              margins([](const Row& x) {
                return std::min({5.0 - x(0), 5.4 + x(1), 5.8 - x(2)});
              })),
          own("bowl", 5, bowl, "quadrature",
              margins([](const Row& x) { return 4.5 - x(0) - 0.15 * x.tail(4).squaredNorm(); })),
          sphere(3, 6.5), sphere(6, 7.0),
          // Thin.
          own("shell d=3", 3, chi2_tail(3.0, 36.0) - chi2_tail(3.0, 6.1 * 6.1), "chi-squared",
              margins([](const Row& x) { return std::abs(x.norm() - 6.05) - 0.05; })),
          // Intersections of half-spaces at right angles.
          own("wedge", 10, tail(4.0) * tail(4.0), "product",
              margins([](const Row& x) { return std::max(4.0 - x(0), 4.0 - x(1)); })),
          own("orthant d=4", 4, std::pow(tail(2.5), 4), "product",
              margins([](const Row& x) { return 2.5 - x.minCoeff(); }))};
}

std::vector<RareEventProblem> pass_or_fail_only() {
  const double parabola = integral(
      [](double r2) { return boost::math::pdf(boost::math::chi_squared(29.0), r2) * tail(5.0 + 0.05 * r2); },
      1e-9, 150.0);
  return {own("pass/fail d=30", 30, tail(6.0), "closed form", pass_fail(linear)),
          own("pass/fail two-sided d=6", 6, 2.0 * tail(5.0), "closed form",
              pass_fail([](const Row& x) { return 5.0 - std::abs(x(0)); })),
          own("pass/fail parabola d=30", 30, parabola, "quadrature",
              pass_fail([](const Row& x) { return 5.0 - x(0) + 0.05 * x.tail(29).squaredNorm(); }))};
}

std::vector<RareEventProblem> discontinuous() {
  return {own("staircase", 10, tail(5.5), "closed form",
              margins([](const Row& x) { return std::ceil(2.0 * (5.5 - x.sum() / std::sqrt(10.0))); })),
          own("jump", 6, tail(5.0), "closed form",
              margins([](const Row& x) { return x(0) >= 5.0 ? -1.0 - x(1) * x(1) : 3.0 + 0.1 * x(1); })),
          // A cliff hidden behind a plateau on the other side of a plane.
          own("plane and cliff", 4, tail(5.5) + tail(5.2), "closed form",
              margins([](const Row& x) { return x(0) < -5.2 ? -1.0 : 5.5 - x(0); }))};
}

// Standard normal to the value of the law, by quantiles.
double lognormal(double x, double s) { return std::exp(s * x); }
double gumbel(double x) { return -std::log(-std::log1p(-std::exp(log_upper_tail(x)))); }

RareEventProblem lognormal_product() {
  // Lognormal again: the sum of s x_i.
  return own("lognormal product", 8, tail(6.0), "closed form", margins([](const Row& x) {
               double product = 1.0;
               for (const double v : x) product *= lognormal(v, 0.3);
               return std::exp(0.3 * std::sqrt(8.0) * 6.0) - product;
             }));
}

RareEventProblem lognormal_sum() {
  const double limit = 9.0, s = 0.35, edge = std::log(limit) / s;
  const double p =
      tail(edge) +
      integral([&](double x) { return density(x) * tail(std::log(limit - std::exp(s * x)) / s); }, -10.0,
               edge - 1e-12);
  return own("lognormal sum", 2, p, "quadrature",
             margins([=](const Row& x) { return limit - lognormal(x(0), s) - lognormal(x(1), s); }));
}

RareEventProblem gumbel_maximum() {
  const double limit = 20.0;
  return own("gumbel maximum", 5, -std::expm1(-5.0 * std::exp(-limit)), "closed form",
             margins([=](const Row& x) {
               double largest = -1e9;
               for (const double v : x) largest = std::max(largest, gumbel(v));
               return limit - largest;
             }));
}

/// Few of 300 dimensions matter.
std::vector<RareEventProblem> few_that_matter() {
  const double curved = integral(
      [](double r2) { return boost::math::pdf(boost::math::chi_squared(2.0), r2) * tail(5.0 - 0.1 * r2); },
      1e-9, 120.0);
  return {own("d=300, 3 active", 300, tail(5.5), "closed form",
              margins([](const Row& x) { return 5.5 - (x(7) + x(101) - x(250)) / std::sqrt(3.0); })),
          own("d=300, 3 active, curved", 300, curved, "quadrature",
              margins([](const Row& x) { return 5.0 - x(7) - 0.1 * (x(101) * x(101) + x(250) * x(250)); })),
          own("d=300, two-sided", 300, 2.0 * tail(5.5), "closed form",
              margins([](const Row& x) { return 5.5 - std::abs(x(7) + x(101)) / std::sqrt(2.0); }))};
}

/// Two hundred cells that all matter and none stands out: a sum of lognormals, the mean at 4.5 of its sigma. The law of one
/// on 2^20 steps of 2^-10, convolved 200 times by FFT (numpy), Richardson over the step; 5 million plain samples agree.
RareEventProblem many_cells(std::uint64_t budget) {
  return own(fmt::format("lognormal sum d=200, {} runs", budget), 200, 2.67501e-5, "FFT convolution",
             margins([](const Row& x) { return 264.0 - (0.5 * x).array().exp().sum(); }), budget);
}

/// Six orthogonal or opposite half-spaces.
RareEventProblem six_regions() {
  return own("six regions", 12, -std::expm1(6.0 * std::log1p(-tail(5.3))), "product",
             margins([](const Row& x) {
               double largest = x(0);
               for (int i = 0; i < 6; ++i) largest = std::max(largest, i % 2 == 0 ? x(i) : -x(i));
               return 5.3 - largest;
             }));
}

/// What a bitline gives: nearly linear, mild curvature, 40 cells.
RareEventProblem bitline_like() {
  const boost::math::chi_squared law(39.0);
  const double p = integral(
      [&](double r2) { return boost::math::pdf(law, r2) * tail(5.0 + 0.004 * (r2 - 39.0)); }, 1e-9, 160.0);
  RareEventProblem problem = own("bitline-like d=40", 40, p, "quadrature", margins([](const Row& x) {
                                   const double u = x.sum() / std::sqrt(40.0);
                                   const double r2 = x.squaredNorm() - u * u;
                                   return 0.02 * (5.0 - u + 0.004 * (r2 - 39.0));
                                 }),
                                 1000);
  problem.target = 0.1;
  return problem;
}

std::vector<RareEventProblem> large_probabilities() {
  return {own("two sigma", 10, tail(2.0), "closed form",
              margins([](const Row& x) { return 2.0 - x.sum() / std::sqrt(10.0); })),
          own("nearly always", 4, 1.0 - tail(2.0), "closed form",
              margins([](const Row& x) { return -2.0 + x.sum() / 2.0; }))};
}

}  // namespace

std::vector<RareEventProblem> shaped_problems() {
  std::vector<RareEventProblem> set = bounded_and_curved();
  append(set, pass_or_fail_only());
  append(set, discontinuous());
  append(set, {lognormal_product(), lognormal_sum(), gumbel_maximum()});
  append(set, few_that_matter());
  append(set, {many_cells(5000), many_cells(10000), six_regions(), bitline_like()});
  append(set, large_probabilities());
  return set;
}

}  // namespace flare::analysis::problems
