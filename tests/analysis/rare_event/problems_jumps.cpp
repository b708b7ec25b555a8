// Jumps: half-spaces cut by a cliff, delays with several modes, outputs that jump, margins with few values.
#include <algorithm>

#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis::problems {
namespace {

/// RP77 of the black-box reliability challenge (Rozsas and Slomski 2019): x1 ~ N(10, 1/2), x2 ~ N(0, 1), x3 ~ N(4, 1);
/// g = x1 - x2 - x3 where x3 <= cut, else x3 - x2. The published cut is 5. `rotated`: the three inputs are dense
/// directions of d.
RareEventProblem rp77(std::string name, std::size_t d, double cut, bool rotated) {
  const auto input = [=](const Row& x, Eigen::Index i) {
    return rotated ? dense_direction(d, static_cast<std::size_t>(i) + 1).dot(x) : x(i);
  };
  const double spread = std::sqrt(1.25), edge = cut - 4.0;
  const double p = normal_mean([&](double z) { return tail((6.0 - z) / spread); }, -12.0, edge) +
                   normal_mean([&](double z) { return tail(4.0 + z); }, edge, 12.0);
  RareEventProblem problem =
      hard("cut half-space", std::move(name), d, p, "quadrature", margins([=](const Row& x) {
             const double x1 = 10.0 + 0.5 * input(x, 0), x2 = input(x, 1), x3 = 4.0 + input(x, 2);
             return x3 <= cut ? x1 - x2 - x3 : x3 - x2;
           }));
  const auto at = [=](double z0, double z1, double z2) {
    if (rotated)
      return Row(z0 * dense_direction(d, 1) + z1 * dense_direction(d, 2) + z2 * dense_direction(d, 3));
    Row mean = Row::Zero(static_cast<Eigen::Index>(d));
    mean.head(3) << z0, z1, z2;
    return mean;
  };
  const double z2 = edge - 0.15, rest = (6.0 - z2) / 1.25;
  problem.check = {around(at(-0.5 * rest, rest, z2)), around(at(0.0, 4.3 + edge, edge + 0.15))};
  return problem;
}

/// u >= beta fails only where v <= cut; beyond the cliff the margin is large.
RareEventProblem half_space_cut(std::string name, std::size_t d, double beta, double cut) {
  const Row u = dense_direction(d, 1), v = dense_direction(d, 2);
  RareEventProblem problem =
      hard("cut half-space", std::move(name), d, tail(beta) * tail(-cut), "product",
           margins([=](const Row& x) { return v.dot(x) <= cut ? beta - u.dot(x) : 3.0 + 0.2 * u.dot(x); }));
  problem.check = {around(beta * u + std::min(cut - 0.5, 0.0) * v)};
  return problem;
}

/// Delay = mean + spread u, each of three ranges of v with its own; `own_inputs` gives each its own direction u.
RareEventProblem modal_delay(std::string name, std::size_t d, std::vector<double> edges,
                             std::vector<double> means, std::vector<double> spreads, double limit,
                             bool own_inputs) {
  const Row v = dense_direction(d, 1);
  const auto mode_of = [=](double at) { return std::size_t(at >= edges[0]) + std::size_t(at >= edges[1]); };
  std::vector<Row> u;
  for (std::size_t m = 0; m < 3; ++m) u.push_back(dense_direction(d, own_inputs ? m + 2 : 2));
  const std::vector<double> share = {tail(-edges[0]), tail(edges[0]) - tail(edges[1]), tail(edges[1])};
  const std::vector<double> place = {0.0, edges[0] + 0.3, edges[1] + 0.3};
  double p = 0.0;
  for (std::size_t m = 0; m < 3; ++m) p += share[m] * tail((limit - means[m]) / spreads[m]);
  RareEventProblem problem =
      hard("modal delay", std::move(name), d, p, "sum of products", margins([=](const Row& x) {
             const std::size_t m = mode_of(v.dot(x));
             return limit - means[m] - spreads[m] * u[m].dot(x);
           }));
  problem.hidden = [=](const Row& x) {
    const std::size_t m = mode_of(v.dot(x));
    return m > 0 && means[m] + spreads[m] * u[m].dot(x) >= limit;
  };
  for (std::size_t m = 0; m < 3; ++m)
    problem.check.push_back(around((limit - means[m]) / spreads[m] * u[m] + place[m] * v));
  return problem;
}

/// y = u + height [v > at], fails above `limit`.
RareEventProblem output_jump(std::string name, std::size_t d, double height, double at, double limit) {
  const Row u = dense_direction(d, 1), v = dense_direction(d, 2);
  const double p = tail(-at) * tail(limit) + tail(at) * tail(limit - height);
  RareEventProblem problem =
      hard("output jump", std::move(name), d, p, "sum of products",
           margins([=](const Row& x) { return limit - u.dot(x) - (v.dot(x) > at ? height : 0.0); }));
  problem.hidden = [=](const Row& x) { return v.dot(x) > at && u.dot(x) + height >= limit; };
  problem.check = {around(limit * u), around((limit - height) * u + (at + 0.3) * v)};
  return problem;
}

/// y = u exp(growth v): the spread of the output depends on the point.
RareEventProblem output_spread(std::string name, std::size_t d, double growth, double limit) {
  const Row u = dense_direction(d, 1), v = dense_direction(d, 2);
  const double p = normal_mean([&](double z) { return tail(limit * std::exp(-growth * z)); });
  RareEventProblem problem =
      hard("output jump", std::move(name), d, p, "quadrature",
           margins([=](const Row& x) { return limit - u.dot(x) * std::exp(growth * v.dot(x)); }));
  // The nearest failing point by a scan over v.
  double nearest = 1e9, at = 0.0;
  for (double z = 0.0; z < 6.0; z += 0.01) {
    const double r = std::hypot(z, limit * std::exp(-growth * z));
    if (r < nearest) nearest = r, at = z;
  }
  problem.check = {around(limit * std::exp(-growth * at) * u + at * v)};
  return problem;
}

/// A margin that takes few values: `steps` of the distance to the plane beta, cut off above `plateau`.
RareEventProblem tied(std::string name, std::size_t d, double beta, double step, double plateau) {
  const Row u = dense_direction(d, 1);
  RareEventProblem problem = hard(
      "ties", std::move(name), d, tail(beta), "closed form",
      margins([=](const Row& x) { return std::min(plateau, step * std::ceil((beta - u.dot(x)) / step)); }));
  problem.method = RareEventMethod::subset_simulation;
  problem.check = {around(beta * u)};
  return problem;
}

/// Fails where at least `many` of d cells are beyond `limit`: the margin is a count.
RareEventProblem counted(std::string name, std::size_t d, double limit, int many) {
  // Binomial tail of positive terms.
  const double q = tail(limit);
  double p = 0.0;
  for (int k = many; k <= static_cast<int>(d); ++k) {
    const double n = static_cast<double>(d);
    p += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0) + k * std::log(q) +
                  (n - k) * std::log1p(-q));
  }
  RareEventProblem problem = hard("ties", std::move(name), d, p, "binomial", margins([=](const Row& x) {
                                    return many - 0.5 - static_cast<double>((x.array() > limit).count());
                                  }));
  problem.method = RareEventMethod::subset_simulation;
  // Every choice of `many` cells.
  std::vector<bool> chosen(d, false);
  std::fill_n(chosen.begin(), many, true);
  do {
    NormalPiece piece = around(Row::Zero(static_cast<Eigen::Index>(d)));
    for (std::size_t i = 0; i < d; ++i)
      if (chosen[i]) piece.mean(static_cast<Eigen::Index>(i)) = limit + 0.2;
    problem.check.push_back(piece);
  } while (std::prev_permutation(chosen.begin(), chosen.end()));
  return problem;
}

}  // namespace

std::vector<RareEventProblem> jump_problems() {
  std::vector<RareEventProblem> set = {
      rp77("RP77", 3, 5.0, false),
      rp77("RP77 d=20, rotated", 20, 5.0, true),
      rp77("RP77, cut at 4.5", 3, 4.5, false),
      half_space_cut("cut half-space d=10", 10, 5.0, 1.0),
      half_space_cut("cut half-space d=50, half", 50, 5.2, 0.0),
      half_space_cut("cut half-space d=4, a tenth", 4, 4.7, -1.28),
      modal_delay("three-modal delay d=10", 10, {1.0, 2.5}, {0.0, 1.2, 2.8}, {1.0, 0.8, 0.6}, 6.0, true),
      modal_delay("three-modal delay d=10, one input", 10, {1.0, 2.5}, {0.0, 1.2, 2.8}, {1.0, 0.8, 0.6}, 6.0,
                  false),
      modal_delay("three-modal delay d=30", 30, {1.5, 3.0}, {0.0, 1.5, 3.0}, {1.0, 0.9, 0.7}, 6.0, true),
      modal_delay("three-modal delay d=60, narrow", 60, {0.5, 2.0}, {0.0, 0.8, 2.4}, {1.0, 0.9, 0.6}, 5.8,
                  true)};
  append(set, {output_jump("output jump of 3, d=16", 16, 3.0, 2.5, 8.113),
               output_jump("output jump of 0.7, d=16", 16, 0.7, 1.5, 6.2),
               output_jump("output jump of 1.5, d=40", 40, 1.5, 2.0, 7.0),
               output_jump("output jump of 4, d=8", 8, 4.0, 3.5, 8.0),
               output_jump("output jump of 3.5, d=12", 12, 3.5, 3.0, 7.6),
               output_jump("output jump of 5, d=5", 5, 5.0, 3.8, 8.6),
               output_jump("output jump of 4, d=20", 20, 4.0, 3.2, 7.7),
               output_spread("output spread grows, d=16", 16, 0.1, 6.5),
               output_spread("output spread grows fast, d=8", 8, 0.2, 7.0)});
  append(set, {tied("ties, steps of 1, d=10", 10, 5.5, 1.0, 1e9),
               tied("ties, steps of 2.5, d=10", 10, 5.0, 2.5, 1e9),
               tied("ties, steps of 0.25, d=100", 100, 5.5, 0.25, 1e9),
               tied("ties, plateau above 1.5 sigma, d=20", 20, 5.0, 1e-9, 3.5),
               counted("ties, 3 of 10 cells", 10, 2.6, 3), counted("ties, 2 of 24 cells", 24, 4.0, 2)});
  return set;
}

}  // namespace flare::analysis::problems
