// Several regions: a plane with corners far from it, planes, three modes, planes that face each other.
#include <fmt/format.h>

#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis::problems {
namespace {

using Eigen::Index;

/// `sides` coordinates that all exceed `edge`; the margin is slope (edge - min x), or with slope 0 a cliff: -1
/// inside, nothing outside.
struct Corner {
  Index sides = 4;
  double edge = 2.3;
  double slope = 1.0;
  double p() const { return std::pow(tail(edge), static_cast<double>(sides)); }
};

/// The corners take the first coordinates, the plane beta - sum/sqrt(n) the other n.
RareEventProblem plane_and_corners(std::string name, Index d, double beta, std::vector<Corner> corners) {
  Index used = 0;
  std::vector<double> p = {tail(beta)};
  for (const Corner& corner : corners) {
    used += corner.sides;
    p.push_back(corner.p());
  }
  const auto inside = [corners](const Row& x, auto visit) {
    Index first = 0;
    for (const Corner& corner : corners) {
      visit(corner, corner.edge - x.segment(first, corner.sides).minCoeff());
      first += corner.sides;
    }
  };
  const Margin plane_margin = [=](const Row& x) {
    return beta - x.tail(d - used).sum() / std::sqrt(static_cast<double>(d - used));
  };
  const Margin margin = [=](const Row& x) {
    double least = plane_margin(x);
    inside(x, [&](const Corner& corner, double below) {
      if (corner.slope > 0.0) least = std::min(least, corner.slope * below);
      if (corner.slope <= 0.0 && below <= 0.0) least = -1.0;
    });
    return least;
  };
  RareEventProblem problem = hard("plane and corner", std::move(name), static_cast<std::size_t>(d), any_of(p),
                                  "product", margins(margin));
  // Met where a corner decides the answer: where the plane fails by more, the run is the same as without a corner.
  problem.hidden = [inside, plane_margin](const Row& x) {
    bool met = false;
    const double by_plane = plane_margin(x);
    inside(x, [&](const Corner& corner, double below) {
      const double by_corner = corner.slope > 0.0 ? corner.slope * below : -1.0;
      met = met || (below <= 0.0 && by_corner < by_plane);
    });
    return met;
  };
  Row plane = Row::Zero(d);
  plane.tail(d - used).setConstant(beta / std::sqrt(static_cast<double>(d - used)));
  problem.check.push_back(around(plane));
  Index first = 0;
  for (const Corner& corner : corners) {
    Row mean = Row::Zero(d);
    mean.segment(first, corner.sides).setConstant(corner.edge + 0.25);
    NormalPiece piece = around(mean);
    piece.scale.segment(first, corner.sides).setConstant(0.75);
    problem.check.push_back(piece);
    first += corner.sides;
  }
  return problem;
}

std::vector<RareEventProblem> planes_with_corners() {
  std::vector<RareEventProblem> set;
  for (const double slope : {0.3, 1.0, 3.0, 10.0})
    set.push_back(
        plane_and_corners(fmt::format("plane and corner, slope {}", slope), 20, 6.5, {{4, 2.326, slope}}));
  set.push_back(plane_and_corners("plane and cliff corner d=20", 20, 6.5, {{4, 2.2, 0.0}}));
  set.push_back(plane_and_corners("plane and cliff corner d=12", 12, 6.2, {{4, 2.4, 0.0}}));
  set.push_back(plane_and_corners("plane and cliff corner of 6, d=30", 30, 6.0, {{6, 1.6, 0.0}}));
  set.push_back(plane_and_corners("plane and corner of 2, d=10", 10, 6.3, {{2, 3.7, 1.0}}));
  set.push_back(plane_and_corners("plane and corner of 3, d=12", 12, 6.2, {{3, 2.9, 1.0}}));
  set.push_back(plane_and_corners("plane and corner of 3, d=50", 50, 6.0, {{3, 2.8, 2.0}}));
  set.push_back(plane_and_corners("plane and two corners d=24", 24, 6.5, {{4, 2.3, 1.0}, {4, 2.4, 1.0}}));
  set.push_back(plane_and_corners("plane and three corners d=40", 40, 6.2,
                                  {{4, 2.4, 0.5}, {4, 2.35, 1.0}, {3, 2.9, 0.0}}));
  return set;
}

/// Fails where a_k.x >= beta_k for one of the dense directions; `rho` is what the directions share.
RareEventProblem planes(std::string name, std::size_t d, std::vector<double> betas, double rho = 0.0) {
  const Row common = std::sqrt(rho) * dense_direction(d, 1);
  std::vector<Row> normals;
  for (std::size_t k = 0; k < betas.size(); ++k)
    normals.push_back(common + std::sqrt(1.0 - rho) * dense_direction(d, k + 2));
  const double p = normal_mean([&](double z) {
    std::vector<double> each;
    for (const double beta : betas) each.push_back(tail((beta - std::sqrt(rho) * z) / std::sqrt(1.0 - rho)));
    return any_of(each);
  });
  RareEventProblem problem = hard("planes", std::move(name), d, p, rho > 0.0 ? "quadrature" : "product",
                                  margins([normals, betas](const Row& x) {
                                    double least = 1e9;
                                    for (std::size_t k = 0; k < betas.size(); ++k)
                                      least = std::min(least, betas[k] - normals[k].dot(x));
                                    return least;
                                  }));
  problem.budget = 3000;
  for (std::size_t k = 0; k < betas.size(); ++k) problem.check.push_back(around(betas[k] * normals[k]));
  return problem;
}

std::vector<RareEventProblem> several_planes() {
  return {planes("three planes d=20", 20, {5.8, 5.9, 6.0}),
          planes("three planes d=20, unequal", 20, {5.8, 6.2, 6.6}),
          planes("three planes d=10", 10, {5.0, 5.1, 5.3}),
          planes("three planes d=100", 100, {5.8, 5.85, 5.9}),
          planes("five planes d=40", 40, {5.5, 5.6, 5.7, 5.8, 5.9}),
          planes("three planes d=20, correlated", 20, {5.8, 5.9, 6.0}, 0.5)};
}

/// Three failure mechanisms in disjoint thirds of 30 coordinates; `margin` of one third and its P.
RareEventProblem modes(std::string name, std::function<double(int mode, const Row& third)> margin,
                       std::vector<double> p, const std::function<NormalPiece(int mode)>& piece) {
  RareEventProblem problem = hard("three modes", std::move(name), 30, any_of(p), "quadrature and product",
                                  margins([margin](const Row& x) {
                                    double least = 1e9;
                                    for (int m = 0; m < 3; ++m)
                                      least = std::min(least, margin(m, x.segment(10 * m, 10)));
                                    return least;
                                  }));
  for (int m = 0; m < 3; ++m) {
    NormalPiece whole = around(Row::Zero(30));
    const NormalPiece third = piece(m);
    whole.mean.segment(10 * m, 10) = third.mean;
    whole.scale.segment(10 * m, 10) = third.scale;
    problem.check.push_back(whole);
  }
  return problem;
}

RareEventProblem curved_modes(std::string name, double curvature, std::vector<double> betas) {
  std::vector<double> p;
  for (const double beta : betas)
    p.push_back(chi2_mean(
        9.0, [&](double r2) { return tail(beta + curvature * r2); }, 150.0));
  return modes(
      std::move(name),
      [=](int m, const Row& x) {
        return betas[static_cast<std::size_t>(m)] - x(0) + curvature * x.tail(9).squaredNorm();
      },
      p,
      [=](int m) {
        const double beta = betas[static_cast<std::size_t>(m)];
        NormalPiece piece = around(Row::Zero(10));
        // Curvature along the boundary narrows (or widens) the failures: 1/(1 + 2 kappa beta) of the variance.
        piece.scale.tail(9).setConstant(
            std::max(0.8, 1.0 / std::sqrt(std::max(0.3, 1.0 + 2.0 * curvature * beta))));
        piece.mean(0) = beta + 9.0 * curvature / std::max(0.5, 1.0 + 2.0 * curvature * beta);
        return piece;
      });
}

RareEventProblem corner_modes(std::string name, Index sides, std::vector<double> edges) {
  std::vector<double> p;
  for (const double edge : edges) p.push_back(std::pow(tail(edge), static_cast<double>(sides)));
  return modes(
      std::move(name),
      [=](int m, const Row& x) { return edges[static_cast<std::size_t>(m)] - x.head(sides).minCoeff(); }, p,
      [=](int m) {
        NormalPiece piece = around(Row::Zero(10));
        piece.mean.head(sides).setConstant(edges[static_cast<std::size_t>(m)] + 0.2);
        piece.scale.head(sides).setConstant(0.75);
        return piece;
      });
}

std::vector<RareEventProblem> three_modes() {
  return {curved_modes("three curved modes d=30", 0.05, {5.0, 5.1, 5.2}),
          curved_modes("three modes bent outward d=30", -0.02, {5.6, 5.8, 6.0}),
          corner_modes("three wedges d=30", 2, {3.9, 4.0, 4.1}),
          corner_modes("three corners d=30", 3, {2.9, 3.0, 3.1})};
}

/// Fails above `above` and below -`below` along one dense direction.
RareEventProblem facing(std::string name, std::size_t d, double above, double below) {
  const Row a = dense_direction(d, 1);
  RareEventProblem problem = hard("parallel planes", std::move(name), d, tail(above) + tail(below),
                                  "closed form", margins([=](const Row& x) {
                                    const double u = a.dot(x);
                                    return std::min(above - u, below + u);
                                  }));
  problem.hidden = [=](const Row& x) { return above <= below ? a.dot(x) <= -below : a.dot(x) >= above; };
  problem.check = {around(above * a), around(-below * a)};
  return problem;
}

/// Fails between two planes on one side.
RareEventProblem slab(std::string name, std::size_t d, double from, double to) {
  const Row a = dense_direction(d, 1);
  RareEventProblem problem = hard("parallel planes", std::move(name), d, tail(from) - tail(to), "closed form",
                                  margins([=](const Row& x) {
                                    const double u = a.dot(x);
                                    return std::max(from - u, u - to);
                                  }));
  problem.check = {around(0.5 * (from + to) * a)};
  return problem;
}

}  // namespace

std::vector<RareEventProblem> region_problems() {
  std::vector<RareEventProblem> set = planes_with_corners();
  append(set, several_planes());
  append(set, three_modes());
  append(set, {facing("two parallel planes d=2", 2, 5.0, 5.0),
               facing("two parallel planes d=10, unequal", 10, 5.0, 5.3),
               facing("two parallel planes d=60", 60, 5.5, 5.6), slab("slab d=5", 5, 5.0, 5.5),
               slab("slab d=20", 20, 4.5, 4.8)});
  return set;
}

}  // namespace flare::analysis::problems
