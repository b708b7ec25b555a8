#include "tests/analysis/rare_event/region_builders.hpp"

#include <algorithm>

namespace flare::analysis::problems {
namespace {

using Eigen::Index;

/// Three failure mechanisms in disjoint thirds of 30 coordinates; `margin` of one third and its P.
RareEventProblem modes(std::string name, const std::function<double(Index mode, const Row& third)>& margin,
                       const std::vector<double>& p, const std::function<NormalPiece(Index mode)>& piece) {
  RareEventProblem problem = hard("three modes", std::move(name), 30, any_of(p), "quadrature and product",
                                  margins([margin](const Row& x) {
                                    double least = 1e9;
                                    for (Index m = 0; m < 3; ++m)
                                      least = std::min(least, margin(m, x.segment(10 * m, 10)));
                                    return least;
                                  }));
  for (Index m = 0; m < 3; ++m) {
    NormalPiece whole = around(Row::Zero(30));
    const NormalPiece third = piece(m);
    whole.mean.segment(10 * m, 10) = third.mean;
    whole.scale.segment(10 * m, 10) = third.scale;
    problem.check.push_back(whole);
  }
  return problem;
}

}  // namespace

RareEventProblem plane_and_corners(std::string name, Index d, double beta,
                                   const std::vector<Corner>& corners) {
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
  // Met where the likeliest corner decides the answer: where the plane fails by more, the run is the same as without a
  // corner, and an answer can be far off only where that corner is not in it.
  const auto likeliest = static_cast<std::size_t>(std::max_element(p.begin() + 1, p.end()) - p.begin() - 1);
  problem.hidden = [inside, plane_margin, likeliest](const Row& x) {
    bool met = false;
    std::size_t k = 0;
    const double by_plane = plane_margin(x);
    inside(x, [&](const Corner& corner, double below) {
      const double by_corner = corner.slope > 0.0 ? corner.slope * below : -1.0;
      met = met || (k++ == likeliest && below <= 0.0 && by_corner < by_plane);
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

RareEventProblem planes(std::string name, std::size_t d, const std::vector<double>& betas, double rho) {
  const Row common = std::sqrt(rho) * dense_direction(d, 1);
  std::vector<Row> normals;
  normals.reserve(betas.size());
  for (std::size_t k = 0; k < betas.size(); ++k)
    normals.push_back(common + std::sqrt(1.0 - rho) * dense_direction(d, k + 2));
  const double p = normal_mean([&](double z) {
    std::vector<double> each;
    each.reserve(betas.size());
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

RareEventProblem curved_modes(std::string name, double curvature, const std::vector<double>& betas) {
  std::vector<double> p;
  p.reserve(betas.size());
  for (const double beta : betas)
    p.push_back(chi2_mean(
        9.0, [&](double r2) { return tail(beta + curvature * r2); }, 150.0));
  return modes(
      std::move(name),
      [=](Index m, const Row& x) {
        return betas[static_cast<std::size_t>(m)] - x(0) + curvature * x.tail(9).squaredNorm();
      },
      p,
      [=](Index m) {
        const double beta = betas[static_cast<std::size_t>(m)];
        NormalPiece piece = around(Row::Zero(10));
        // Curvature along the boundary narrows (or widens) the failures: 1/(1 + 2 kappa beta) of the variance.
        piece.scale.tail(9).setConstant(
            std::max(0.8, 1.0 / std::sqrt(std::max(0.3, 1.0 + 2.0 * curvature * beta))));
        piece.mean(0) = beta + 9.0 * curvature / std::max(0.5, 1.0 + 2.0 * curvature * beta);
        return piece;
      });
}

RareEventProblem corner_modes(std::string name, Index sides, const std::vector<double>& edges) {
  std::vector<double> p;
  p.reserve(edges.size());
  for (const double edge : edges) p.push_back(std::pow(tail(edge), static_cast<double>(sides)));
  return modes(
      std::move(name),
      [=](Index m, const Row& x) { return edges[static_cast<std::size_t>(m)] - x.head(sides).minCoeff(); }, p,
      [=](Index m) {
        NormalPiece piece = around(Row::Zero(10));
        piece.mean.head(sides).setConstant(edges[static_cast<std::size_t>(m)] + 0.2);
        piece.scale.head(sides).setConstant(0.75);
        return piece;
      });
}

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

}  // namespace flare::analysis::problems
