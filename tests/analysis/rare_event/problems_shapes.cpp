// Problems of many shapes: balls, slabs, shells, wedges, pass or fail only, discontinuous, inputs that are not normal.
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

// Standard normal to the value of the law, by quantiles.
double lognormal(double x, double s) { return std::exp(s * x); }
double gumbel(double x) { return -std::log(-std::log1p(-std::exp(log_upper_tail(x)))); }

}  // namespace

std::vector<RareEventProblem> shaped_problems() {
  std::vector<RareEventProblem> set;
  // A ball: |x - c e1| <= r, non-central chi-squared.
  {
    const double c = 5.5, r = 0.8;
    const double p = boost::math::cdf(boost::math::non_central_chi_squared(3.0, c * c), r * r);
    set.push_back(own("ball", 3, p, "non-central chi-squared", margins([=](const Row& x) {
                        Row y = x;
                        y(0) -= c;
                        return y.norm() - r;
                      })));
  }
  {
    const double c = 5.0, r = 1.5;
    const double p = boost::math::cdf(boost::math::non_central_chi_squared(8.0, c * c), r * r);
    set.push_back(own("ball d=8", 8, p, "non-central chi-squared", margins([=](const Row& x) {
                        Row y = x;
                        y(2) -= c;
                        return y.norm() - r;
                      })));
  }
  // Narrow: a slab, half as thick as a sigma is wide, far out.
  set.push_back(own("narrow slab", 5, tail(5.0) * (1.0 - 2.0 * tail(0.1)), "product",
                    margins([](const Row& x) { return std::max(5.0 - x(0), std::abs(x(1)) - 0.1); })));
  // Unequal regions: 5.0, 5.4 and 5.8 sigma, orthogonal.
  {
    const double p = 1.0 - (1.0 - tail(5.0)) * (1.0 - tail(5.4)) * (1.0 - tail(5.8));
    set.push_back(own("unequal", 8, p, "product", margins([](const Row& x) {
                        return std::min({5.0 - x(0), 5.4 + x(1), 5.8 - x(2)});
                      })));
  }
  // Curved strongly: a bowl around x1, given r^2 of the rest.
  {
    const auto given = [](double r2) { return tail(4.5 - 0.15 * r2); };
    const boost::math::chi_squared law(4.0);
    const double p = integral([&](double r2) { return boost::math::pdf(law, r2) * given(r2); }, 1e-9, 120.0);
    set.push_back(own("bowl", 5, p, "quadrature",
                      margins([](const Row& x) { return 4.5 - x(0) - 0.15 * x.tail(4).squaredNorm(); })));
  }
  // Outside a sphere.
  set.push_back(own("sphere d=3", 3, chi2_tail(3.0, 6.5 * 6.5), "chi-squared",
                    margins([](const Row& x) { return 6.5 - x.norm(); })));
  set.push_back(own("sphere d=6", 6, chi2_tail(6.0, 7.0 * 7.0), "chi-squared",
                    margins([](const Row& x) { return 7.0 - x.norm(); })));
  // A thin shell.
  set.push_back(own("shell d=3", 3, chi2_tail(3.0, 36.0) - chi2_tail(3.0, 6.1 * 6.1), "chi-squared",
                    margins([](const Row& x) { return std::abs(x.norm() - 6.05) - 0.05; })));
  // Intersection of two half-spaces at right angles.
  set.push_back(own("wedge", 10, tail(4.0) * tail(4.0), "product",
                    margins([](const Row& x) { return std::max(4.0 - x(0), 4.0 - x(1)); })));
  set.push_back(own("orthant d=4", 4, std::pow(tail(2.5), 4), "product",
                    margins([](const Row& x) { return 2.5 - x.minCoeff(); })));
  // Pass/fail only.
  set.push_back(own("pass/fail d=30", 30, tail(6.0), "closed form", pass_fail(linear)));
  set.push_back(own("pass/fail two-sided d=6", 6, 2.0 * tail(5.0), "closed form",
                    pass_fail([](const Row& x) { return 5.0 - std::abs(x(0)); })));
  {
    const auto given = [](double r2) { return tail(5.0 + 0.05 * r2); };
    const boost::math::chi_squared law(29.0);
    const double p = integral([&](double r2) { return boost::math::pdf(law, r2) * given(r2); }, 1e-9, 150.0);
    set.push_back(own("pass/fail parabola d=30", 30, p, "quadrature",
                      pass_fail([](const Row& x) { return 5.0 - x(0) + 0.05 * x.tail(29).squaredNorm(); })));
  }
  // Discontinuous margins.
  set.push_back(own("staircase", 10, tail(5.5), "closed form", margins([](const Row& x) {
                      return std::ceil(2.0 * (5.5 - x.sum() / std::sqrt(10.0)));
                    })));
  set.push_back(own("jump", 6, tail(5.0), "closed form", margins([](const Row& x) {
                      return x(0) >= 5.0 ? -1.0 - x(1) * x(1) : 3.0 + 0.1 * x(1);
                    })));
  {
    // A plane, and a cliff hidden behind a plateau on the other side.
    const double p = tail(5.5) + tail(5.2);
    set.push_back(own("plane and cliff", 4, p, "closed form",
                      margins([](const Row& x) { return x(0) < -5.2 ? -1.0 : 5.5 - x(0); })));
  }
  // Non-normal inputs.
  {
    // Product of lognormals is lognormal: sum of s x_i.
    const double p = tail(6.0);
    set.push_back(own("lognormal product", 8, p, "closed form", margins([](const Row& x) {
                        double product = 1.0;
                        for (const double v : x) product *= lognormal(v, 0.3);
                        return std::exp(0.3 * std::sqrt(8.0) * 6.0) - product;
                      })));
  }
  {
    // Sum of two lognormals, quadrature.
    const double limit = 9.0, s = 0.35;
    const double edge = std::log(limit) / s;
    const double p =
        tail(edge) +
        integral([&](double x) { return density(x) * tail(std::log(limit - std::exp(s * x)) / s); }, -10.0,
                 edge - 1e-12);
    set.push_back(own("lognormal sum", 2, p, "quadrature", margins([=](const Row& x) {
                        return limit - lognormal(x(0), s) - lognormal(x(1), s);
                      })));
  }
  {
    // Largest of five Gumbel variables.
    const double limit = 20.0;
    const double p = -std::expm1(-5.0 * std::exp(-limit));
    set.push_back(own("gumbel maximum", 5, p, "closed form", margins([=](const Row& x) {
                        double largest = -1e9;
                        for (const double v : x) largest = std::max(largest, gumbel(v));
                        return limit - largest;
                      })));
  }
  // Many dimensions, few that matter.
  {
    const double p = tail(5.5);
    set.push_back(own("d=300, 3 active", 300, p, "closed form",
                      margins([](const Row& x) { return 5.5 - (x(7) + x(101) - x(250)) / std::sqrt(3.0); })));
  }
  {
    const auto given = [](double r2) { return tail(5.0 - 0.1 * r2); };
    const boost::math::chi_squared law(2.0);
    const double p = integral([&](double r2) { return boost::math::pdf(law, r2) * given(r2); }, 1e-9, 120.0);
    set.push_back(own("d=300, 3 active, curved", 300, p, "quadrature", margins([](const Row& x) {
                        return 5.0 - x(7) - 0.1 * (x(101) * x(101) + x(250) * x(250));
                      })));
  }
  set.push_back(own("d=300, two-sided", 300, 2.0 * tail(5.5), "closed form",
                    margins([](const Row& x) { return 5.5 - std::abs(x(7) + x(101)) / std::sqrt(2.0); })));
  // Two hundred cells that all matter and none stands out: a sum of lognormals, the mean at 4.5 of its sigma.
  // The law of one on 2^20 steps of 2^-10, convolved 200 times by FFT (numpy), Richardson over the step.
  // 5 million plain samples agree.
  for (const std::uint64_t budget : {5000u, 10000u}) {
    const std::string name = "lognormal sum d=200, " + std::to_string(budget) + " runs";
    set.push_back(own(name, 200, 2.67501e-5, "FFT convolution",
                      margins([](const Row& x) { return 264.0 - (0.5 * x).array().exp().sum(); }), budget));
  }
  // Six regions at corners of a simplex-like arrangement, d = 12.
  {
    const double p = -std::expm1(6.0 * std::log1p(-tail(5.3)));
    set.push_back(own("six regions", 12, p, "product", margins([](const Row& x) {
                        double largest = x(0);
                        for (int i = 0; i < 6; ++i) largest = std::max(largest, i % 2 == 0 ? x(i) : -x(i));
                        return 5.3 - largest;
                      })));
  }
  // What a bitline gives: nearly linear, mild curvature, 40 cells.
  {
    const auto given = [](double r2) { return tail(5.0 + 0.004 * (r2 - 39.0)); };
    const boost::math::chi_squared law(39.0);
    const double p = integral([&](double r2) { return boost::math::pdf(law, r2) * given(r2); }, 1e-9, 160.0);
    RareEventProblem bitline = own("bitline-like d=40", 40, p, "quadrature", margins([](const Row& x) {
                                     const double u = x.sum() / std::sqrt(40.0);
                                     const double r2 = x.squaredNorm() - u * u;
                                     return 0.02 * (5.0 - u + 0.004 * (r2 - 39.0));
                                   }),
                                   1000);
    bitline.target = 0.1;
    set.push_back(std::move(bitline));
  }
  // Large and near-certain probabilities.
  set.push_back(own("two sigma", 10, tail(2.0), "closed form",
                    margins([](const Row& x) { return 2.0 - x.sum() / std::sqrt(10.0); })));
  set.push_back(own("nearly always", 4, 1.0 - tail(2.0), "closed form",
                    margins([](const Row& x) { return -2.0 + x.sum() / 2.0; })));
  return set;
}

}  // namespace flare::analysis::problems
