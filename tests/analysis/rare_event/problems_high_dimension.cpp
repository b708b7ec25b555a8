// Many dimensions with a boundary that is not one plane: shells, parabolas, a few active directions with curvature, saddles.
#include <fmt/format.h>

#include <boost/math/quadrature/gauss.hpp>

#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis::problems {
namespace {

using Eigen::Index;

Row origin(std::size_t d) { return Row::Zero(static_cast<Index>(d)); }

/// Fails outside the radius (times sqrt(d)), in a shell up to `outer`, or (inner) inside the radius.
RareEventProblem outside(std::size_t d, double radius) {
  const auto n = static_cast<double>(d);
  RareEventProblem problem =
      hard("shells", fmt::format("outside a sphere d={}", d), d, chi2_tail(n, radius * radius), "chi-squared",
           margins([=](const Row& x) { return radius - x.norm(); }));
  problem.check = {around(origin(d), radius / std::sqrt(n))};
  return problem;
}

RareEventProblem shell(std::size_t d, double radius, double thickness) {
  const auto n = static_cast<double>(d);
  const double outer = radius + thickness;
  const double p = chi2_tail(n, radius * radius) - chi2_tail(n, outer * outer);
  RareEventProblem problem = hard("shells", fmt::format("shell of {} d={}", thickness, d), d, p,
                                  "chi-squared", margins([=](const Row& x) {
                                    const double r = x.norm();
                                    return std::max(radius - r, r - outer);
                                  }));
  problem.check = {around(origin(d), (radius + 0.5 * thickness) / std::sqrt(n))};
  return problem;
}

RareEventProblem inside(std::size_t d, double radius) {
  const auto n = static_cast<double>(d);
  const double p = boost::math::cdf(boost::math::chi_squared(n), radius * radius);
  RareEventProblem problem = hard("shells", fmt::format("inside a sphere d={}", d), d, p, "chi-squared",
                                  margins([=](const Row& x) { return x.norm() - radius; }));
  problem.check = {around(origin(d), radius / std::sqrt(n))};
  return problem;
}

/// Failures u >= beta + sum kappa_i v_i^2: where the normal that fits them stands (distance along u) and its scale along
/// each v_i.
struct BentFit {
  double distance = 0.0;
  Row scale;
};

// A fixed point: at distance t the density falls by the factor exp(-t) a unit, so that scale_i^2 = 1/(1 + 2 kappa_i t) and
// t = beta + sum kappa_i scale_i^2. Where the boundary bends outward faster than the sphere, the nearest failures are a ring
// with u = 1/(2 |kappa|).
BentFit fit(double beta, const Row& kappa) {
  BentFit fit;
  const double strongest = -kappa.minCoeff();
  if (strongest > 0.0 && 0.5 / strongest < 0.9 * beta) {
    const auto outward = static_cast<double>((kappa.array() <= -strongest).count());
    fit.distance = 0.5 / strongest;
    const double radius = std::sqrt((beta - fit.distance) / strongest / outward);
    fit.scale =
        (kappa.array() <= -strongest).select(Row::Constant(kappa.size(), radius), Row::Ones(kappa.size()));
    return fit;
  }
  fit.distance = beta;
  for (int i = 0; i < 100; ++i) {
    fit.scale = (1.0 + 2.0 * fit.distance * kappa.array()).max(0.2).rsqrt();
    const double bend = (kappa.array() * fit.scale.array().square()).sum();
    fit.distance = 0.5 * (fit.distance + beta + bend);
  }
  return fit;
}

/// Fails where u >= beta + sum kappa_i v_i^2, u and v_i dense directions; P given.
RareEventProblem bent(std::string family, std::string name, std::size_t d, double beta, const Row& kappa,
                      double p) {
  const Row u = dense_direction(d, 1);
  std::vector<Row> v;
  for (Index k = 0; k < kappa.size(); ++k) v.push_back(dense_direction(d, static_cast<std::size_t>(k) + 2));
  RareEventProblem problem =
      hard(std::move(family), std::move(name), d, p, "quadrature", margins([=](const Row& x) {
             double margin = beta - u.dot(x);
             for (std::size_t k = 0; k < v.size(); ++k) {
               const double along = v[k].dot(x);
               margin += kappa(static_cast<Index>(k)) * along * along;
             }
             return margin;
           }));
  const BentFit found = fit(beta, kappa);
  NormalPiece piece = around(found.distance * u);
  piece.axes = v;
  piece.stretch.assign(found.scale.begin(), found.scale.end());
  problem.check = {piece};
  return problem;
}

/// Fails where x1 >= beta + curvature (sum of all other x_i^2).
RareEventProblem parabola(std::size_t d, double beta, double curvature) {
  const auto n = static_cast<double>(d - 1);
  const double p = chi2_mean(
      n, [&](double r2) { return tail(beta + curvature * r2); }, n + 30.0 * std::sqrt(2.0 * n));
  RareEventProblem problem = hard(
      "parabolas", fmt::format("parabola {} at {} d={}", curvature, beta, d), d, p, "quadrature",
      margins([=](const Row& x) { return beta - x(0) + curvature * x.tail(x.size() - 1).squaredNorm(); }));
  const BentFit found = fit(beta, Row::Constant(static_cast<Index>(d) - 1, curvature));
  NormalPiece piece = around(origin(d));
  piece.mean(0) = found.distance;
  piece.scale.tail(found.scale.size()) = found.scale;
  problem.check = {piece};
  return problem;
}

/// E[f(X)], X chi-squared: 12 pieces of 20 Gauss points over the root of X, below 15 (of at most 24 degrees of freedom).
/// Smooth f only.
template <class F>
double chi_mean(std::size_t freedom, F f) {
  const boost::math::chi_squared law(static_cast<double>(freedom));
  double sum = 0.0;
  for (int i = 0; i < 12; ++i) {
    sum += boost::math::quadrature::gauss<double, 20>::integrate(
        [&](double r) { return 2.0 * r * boost::math::pdf(law, r * r) * f(r * r); }, 1.25 * i,
        1.25 * (i + 1));
  }
  return sum;
}

/// `up` directions curve away from the origin, `down` towards it; chi-squared of both, integrated twice.
RareEventProblem saddle(std::string family, std::string name, std::size_t d, double beta, std::size_t up,
                        std::size_t down, double curvature) {
  const auto given_up = [&](double a) {
    if (down == 0) return tail(beta + curvature * a);
    return chi_mean(down, [&](double b) { return tail(beta + curvature * (a - b)); });
  };
  const double p = up == 0 ? given_up(0.0) : chi_mean(up, given_up);
  Row kappa = Row::Constant(static_cast<Index>(up + down), -curvature);
  kappa.head(static_cast<Index>(up)).setConstant(curvature);
  return bent(std::move(family), std::move(name), d, beta, kappa, p);
}

}  // namespace

std::vector<RareEventProblem> high_dimension_problems() {
  std::vector<RareEventProblem> set = {outside(100, 14.3),    outside(200, 18.2),    outside(400, 24.0),
                                       shell(100, 14.0, 0.2), shell(150, 16.2, 0.5), inside(100, 6.2),
                                       outside(300, 21.65)};
  append(set, {parabola(100, 4.0, 0.01), parabola(100, 6.0, -0.01), parabola(200, 3.5, 0.01),
               parabola(300, 6.5, -0.005), parabola(120, 3.0, 0.02), parabola(100, 5.0, 0.01),
               parabola(150, 7.0, -0.005)});
  append(set,
         {saddle("active directions", "five active, bent inward d=200", 200, 5.0, 4, 0, 0.08),
          saddle("active directions", "five active, bent outward d=200", 200, 5.5, 0, 4, 0.06),
          saddle("active directions", "five active, saddle d=200", 200, 5.0, 2, 2, 0.05),
          saddle("active directions", "five active, bent outward strongly d=200", 200, 6.0, 0, 4, 0.12),
          saddle("active directions", "eight active, bent outward d=100", 100, 5.5, 0, 7, 0.05),
          saddle("active directions", "five active, bent inward at 6 sigma d=200", 200, 5.7, 4, 0, 0.05),
          saddle("active directions", "five active, bent outward at 6 sigma d=200", 200, 6.2, 0, 4, 0.04)});
  append(set, {saddle("saddles", "saddle d=16", 16, 5.0, 7, 7, 0.05),
               saddle("saddles", "saddle d=16, steep", 16, 5.0, 8, 6, 0.09),
               saddle("saddles", "saddle d=8", 8, 5.0, 3, 3, 0.06),
               saddle("saddles", "saddle d=40", 40, 5.0, 19, 19, 0.03)});
  return set;
}

}  // namespace flare::analysis::problems
