// Failure sets of several regions, as the catalogue lists them and as they are drawn at random.
#pragma once

#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis::problems {

/// `sides` coordinates that all exceed `edge`; the margin is slope (edge - min x), or with slope 0 a cliff: -1
/// inside, nothing outside.
struct Corner {
  Eigen::Index sides = 4;
  double edge = 2.3;
  double slope = 1.0;
  double p() const { return std::pow(tail(edge), static_cast<double>(sides)); }
};

/// The corners take the first coordinates, the plane beta - sum/sqrt(n) the other n.
RareEventProblem plane_and_corners(std::string name, Eigen::Index d, double beta,
                                   const std::vector<Corner>& corners);

/// Fails where a_k.x >= beta_k for one of the dense directions; `rho` is what the directions share.
RareEventProblem planes(std::string name, std::size_t d, const std::vector<double>& betas, double rho = 0.0);

/// Three failure mechanisms in disjoint thirds of 30 coordinates: beta - x_0 + curvature |the other nine|^2.
RareEventProblem curved_modes(std::string name, double curvature, const std::vector<double>& betas);
/// The same with corners of so many sides.
RareEventProblem corner_modes(std::string name, Eigen::Index sides, const std::vector<double>& edges);

/// Fails above `above` and below -`below` along one dense direction.
RareEventProblem facing(std::string name, std::size_t d, double above, double below);
/// Fails between two planes on one side.
RareEventProblem slab(std::string name, std::size_t d, double from, double to);

}  // namespace flare::analysis::problems
