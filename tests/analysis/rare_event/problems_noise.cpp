// Margins with noise: a solver's (the same whenever the same point is asked) and fresh noise of every run.
#include <fmt/format.h>

#include <memory>

#include "analysis/rare_event/core/normal_stream.hpp"
#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis::problems {
namespace {

struct Planes {
  std::vector<double> betas;
  std::vector<Row> normals;  // orthonormal

  Planes(std::size_t d, std::vector<double> distances) : betas(std::move(distances)) {
    for (std::size_t k = 0; k < betas.size(); ++k) normals.push_back(dense_direction(d, k + 1));
  }
  double margin(const Row& x) const {
    double least = 1e9;
    for (std::size_t k = 0; k < betas.size(); ++k) least = std::min(least, betas[k] - normals[k].dot(x));
    return least;
  }
  /// P(margin + e <= 0) for a given e.
  double p(double e) const {
    std::vector<double> each;
    for (const double beta : betas) each.push_back(tail(beta + e));
    return any_of(each);
  }
  std::vector<NormalPiece> check(double noise) const {
    std::vector<NormalPiece> pieces;
    for (std::size_t k = 0; k < betas.size(); ++k)
      pieces.push_back(around(betas[k] / (1.0 + noise * noise) * normals[k]));
    return pieces;
  }
};

/// Normal noise of `spread` that is a function of the point: numerical noise of a deterministic solver.
RareEventProblem solver_noise(std::string name, std::size_t d, std::vector<double> betas, double spread) {
  const Planes planes(d, std::move(betas));
  const double p = normal_mean([&](double e) { return planes.p(spread * e); });
  RareEventProblem problem =
      hard("solver noise", std::move(name), d, p, "quadrature",
           margins([=](const Row& x) { return planes.margin(x) + spread * hashed_normal(x, 0x5017e5); }));
  problem.check = planes.check(spread);
  return problem;
}

/// A solver that stops at a grid of its time steps: the margin is read with an error uniform in +-step/2.
RareEventProblem step_noise(std::string name, std::size_t d, std::vector<double> betas, double step) {
  const Planes planes(d, std::move(betas));
  const double p = integral([&](double e) { return planes.p(step * e); }, -0.5, 0.5);
  RareEventProblem problem = hard(
      "solver noise", std::move(name), d, p, "quadrature",
      margins([=](const Row& x) { return planes.margin(x) + step * (hashed_uniform(x, 0x57e9) - 0.5); }));
  problem.check = planes.check(0.3 * step);
  return problem;
}

/// A ripple of the margin, height sin(2 pi w / wave): w across the plane's normal u (its phase is as good as uniform),
/// or along it.
RareEventProblem ripple(std::string name, std::size_t d, double beta, double height, double wave,
                        bool along) {
  constexpr double two_pi = 6.283185307179586;
  const Row u = dense_direction(d, 1), w = dense_direction(d, along ? 1 : 2);
  const auto margin_at = [=](double t) { return beta - t + height * std::sin(two_pi * t / wave); };
  double p = 0.0;
  if (along) {  // crossings are summed between midpoints of a grid that resolves the wave
    const double step = wave / 4000.0;
    for (double t = beta - 2.0 * height - wave; t < beta + 2.0 * height + wave; t += step)
      if (margin_at(t + 0.5 * step) <= 0.0) p += tail(t) - tail(t + step);
    p += tail(beta + 2.0 * height + wave);
  } else {
    p = integral([&](double phase) { return tail(beta + height * std::sin(phase)); }, 0.0, two_pi) / two_pi;
  }
  RareEventProblem problem = hard(
      "solver noise", std::move(name), d, p, along ? "sum" : "quadrature",
      margins([=](const Row& x) { return beta - u.dot(x) + height * std::sin(two_pi * w.dot(x) / wave); }));
  problem.check = {around(beta * u)};
  return problem;
}

/// Normal noise that every run draws anew.
RareEventProblem fresh_noise(std::string name, std::size_t d, std::vector<double> betas, double spread) {
  const Planes planes(d, std::move(betas));
  const double p = normal_mean([&](double e) { return planes.p(spread * e); });
  RareEventProblem problem = hard("fresh noise", std::move(name), d, p, "quadrature", {});
  problem.evaluator = [=](std::uint64_t seed) -> BatchEvaluator {
    auto random = std::make_shared<NormalStream>(seed, "fresh noise of a margin");
    return [=](const engine::Matrix& points) {
      std::vector<Response> answers;
      for (Eigen::Index i = 0; i < points.rows(); ++i)
        answers.push_back(Response::margin(planes.margin(points.row(i)) + spread * random->normal()));
      return answers;
    };
  };
  problem.check = planes.check(spread);
  return problem;
}

}  // namespace

std::vector<RareEventProblem> noise_problems() {
  return {solver_noise("solver noise 0.05, d=10", 10, {6.0}, 0.05),
          solver_noise("solver noise 0.05, d=100", 100, {6.0}, 0.05),
          solver_noise("solver noise 0.05, two planes d=10", 10, {5.8, 6.0}, 0.05),
          solver_noise("solver noise 0.05, two planes d=40", 40, {5.5, 5.5}, 0.05),
          solver_noise("solver noise 0.02, d=30", 30, {5.5}, 0.02),
          solver_noise("solver noise 0.15, d=20", 20, {5.0}, 0.15),
          step_noise("solver steps of 0.2, d=10", 10, {5.5}, 0.2),
          ripple("solver ripple 0.05 of 0.01 sigma, d=10", 10, 6.0, 0.05, 0.01, false),
          ripple("solver ripple 0.1 of 0.05 sigma, d=30", 30, 5.5, 0.1, 0.05, false),
          ripple("solver ripple 0.1 of 0.3 sigma, d=20", 20, 5.5, 0.1, 0.3, false),
          ripple("solver ripple 0.05 of 0.02 sigma along, d=20", 20, 5.5, 0.05, 0.02, true),
          ripple("solver ripple 0.05 of 1 sigma along, d=10", 10, 6.0, 0.05, 1.0, true),
          fresh_noise("fresh noise 0.5, two planes d=10", 10, {5.0, 5.2}, 0.5),
          fresh_noise("fresh noise 0.2, two planes d=10", 10, {5.5, 5.7}, 0.2),
          fresh_noise("fresh noise 0.3, two planes d=40", 40, {5.0, 5.0}, 0.3),
          fresh_noise("fresh noise 0.3, three planes d=20", 20, {4.8, 5.0, 5.2}, 0.3)};
}

}  // namespace flare::analysis::problems
