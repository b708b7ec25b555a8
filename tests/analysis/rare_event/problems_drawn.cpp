// Problems drawn at random, to ask what no one has looked at.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <random>

#include "analysis/tails/normal_tail.hpp"
#include "tests/analysis/rare_event/region_builders.hpp"

namespace flare::analysis {
namespace problems {
namespace {

using Eigen::Index;

constexpr double nearest_plane = 5.2, farthest_plane = 6.8;   // sigma
constexpr double least_of_plane = -1.0, most_of_plane = 5.0;  // ln of a corner's P, beside the plane's
constexpr double gentlest = 0.2, steepest = 15.0;             // slope
constexpr double cliffs = 0.25;                               // of the corners

/// Draws that are the same with every standard library: its laws are not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  double uniform(double from, double to) {
    return from + (to - from) * (static_cast<double>(engine_() >> 11) * 0x1.0p-53);
  }
  double log_uniform(double from, double to) { return std::exp(uniform(std::log(from), std::log(to))); }
  int whole(int from, int to) {
    return std::min(to, static_cast<int>(std::floor(uniform(from, static_cast<double>(to) + 1.0))));
  }
  /// As many as `count`, each of [from, to], in order.
  std::vector<double> increasing(int count, double from, double to) {
    std::vector<double> values;
    values.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) values.push_back(uniform(from, to));
    std::sort(values.begin(), values.end());
    return values;
  }

 private:
  std::mt19937_64 engine_;
};

RareEventProblem drawn_plane_and_corners(Dice& dice, const std::string& name) {
  const double beta = dice.uniform(nearest_plane, farthest_plane);
  std::vector<Corner> corners(static_cast<std::size_t>(dice.uniform(0.0, 1.0) < 0.7 ? 1 : dice.whole(2, 3)));
  Index used = 0;
  std::string of;
  for (Corner& corner : corners) {
    corner.sides = dice.whole(2, 6);
    const double log_p = log_upper_tail(beta) + dice.uniform(least_of_plane, most_of_plane);
    corner.edge = upper_tail_quantile(log_p / static_cast<double>(corner.sides));
    corner.slope = dice.uniform(0.0, 1.0) < cliffs ? 0.0 : dice.log_uniform(gentlest, steepest);
    used += corner.sides;
    of += fmt::format(", {} beyond {:.3f} at {:.2f}", corner.sides, corner.edge, corner.slope);
  }
  const Index d = used + dice.whole(4, 48);
  return plane_and_corners(fmt::format("{}: plane {:.2f} d={}{}", name, beta, d, of), d, beta, corners);
}

RareEventProblem drawn_planes(Dice& dice, const std::string& name) {
  const int d = dice.whole(8, 100);
  const std::vector<double> betas = dice.increasing(dice.whole(2, 6), 5.0, 6.4);
  const double rho = dice.uniform(0.0, 1.0) < 0.5 ? 0.0 : dice.uniform(0.1, 0.7);
  return planes(fmt::format("{}: planes {:.2f} d={}, share {:.2f}", name, fmt::join(betas, " "), d, rho),
                static_cast<std::size_t>(d), betas, rho);
}

RareEventProblem drawn_curved_modes(Dice& dice, const std::string& name) {
  const double curvature = dice.uniform(-0.03, 0.06);
  const std::vector<double> betas = dice.increasing(3, 5.0, 5.8);
  return curved_modes(fmt::format("{}: modes {:.2f} bent {:.3f}", name, fmt::join(betas, " "), curvature),
                      curvature, betas);
}

RareEventProblem drawn_corner_modes(Dice& dice, const std::string& name) {
  const int sides = dice.whole(2, 4);
  std::vector<double> edges;
  for (const double beta : dice.increasing(3, 5.0, 5.8))
    edges.push_back(upper_tail_quantile(log_upper_tail(beta) / sides));
  return corner_modes(fmt::format("{}: corners of {} {:.3f}", name, sides, fmt::join(edges, " ")), sides,
                      edges);
}

RareEventProblem drawn_facing(Dice& dice, const std::string& name) {
  const int d = dice.whole(3, 60);
  const std::vector<double> at = dice.increasing(2, 5.0, 5.8);
  return facing(fmt::format("{}: facing {:.2f} d={}", name, fmt::join(at, " "), d),
                static_cast<std::size_t>(d), at[0], at[1]);
}

using Draw = RareEventProblem (*)(Dice& dice, const std::string& name);
constexpr std::array<Draw, 8> kinds = {
    drawn_plane_and_corners, drawn_planes,       drawn_plane_and_corners, drawn_curved_modes,
    drawn_plane_and_corners, drawn_corner_modes, drawn_plane_and_corners, drawn_facing};

}  // namespace
}  // namespace problems

std::vector<RareEventProblem> drawn_problems(std::uint64_t seed, std::size_t count) {
  using namespace problems;
  std::vector<RareEventProblem> set;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = fmt::format("drawn {}.{}", seed, i);
    Dice dice(seed * 1'000'003 + i);  // a problem does not depend on how many there are
    set.push_back(kinds[i % kinds.size()](dice, name));
  }
  return set;
}

}  // namespace flare::analysis
