#include "analysis/rare_event/search/typical_failures.hpp"

#include <array>
#include <cmath>

namespace flare::analysis {
namespace {

using engine::Vector;

constexpr std::array<double, 3> redrawn_shares = {0.5, 0.25, 0.125};  // of the coordinates
constexpr double step = 0.45;                                         // of the moves of all coordinates

Vector some_redrawn(const Vector& x, double share, NormalStream& random) {
  Vector moved = x;
  for (double& value : moved)
    if (random.uniform() < share) value = random.normal();
  return moved;
}

Vector moved_a_little(const Vector& x, NormalStream& random) {
  return std::sqrt(1.0 - step * step) * x + step * random.normal_vector(x.size());
}

// As far along the axis as before.
Vector along_kept(const Vector& x, Vector moved, const Vector& axis) {
  moved += axis.dot(x - moved) * axis;
  return moved;
}

// Moves take turns: where failing hangs on single coordinates, on all of them across the axis, or on the axis and some.
Vector proposed(const Vector& x, const Vector& axis, int turn, NormalStream& random) {
  const double share = redrawn_shares[random.pick(redrawn_shares.size())];
  if (turn % 3 == 0) return some_redrawn(x, share, random);
  return along_kept(x, turn % 3 == 1 ? some_redrawn(x, share, random) : moved_a_little(x, random), axis);
}

// Beside the way to failing no farther out than a draw of N(0, I) on average.
bool is_typical(const Vector& x, double distance) {
  const auto d = static_cast<double>(x.size());
  return x.squaredNorm() < distance * distance + d;
}

}  // namespace

std::vector<Vector> typical_failures(EvaluationLedger& ledger, std::vector<Vector> failing,
                                     const std::vector<LineRegion>& regions, const ChainRules& rules,
                                     NormalStream& random, Purpose purpose) {
  const double distance = nearest_offset(regions);
  for (int i = 0; i < rules.steps; ++i) {
    std::vector<std::size_t> open;
    for (std::size_t k = 0; k < failing.size(); ++k)
      if (!is_typical(failing[k], distance) && !rules.known(failing[k])) open.push_back(k);
    if (open.empty()) break;
    engine::Matrix points(static_cast<Eigen::Index>(open.size()), ledger.dimension());
    for (std::size_t j = 0; j < open.size(); ++j) {
      const Vector& x = failing[open[j]];
      points.row(static_cast<Eigen::Index>(j)) =
          proposed(x, regions[furthest_along(regions, x)].direction, i, random);
    }
    const std::vector<Evaluated> outcomes = ledger.evaluate(points, purpose);
    for (std::size_t j = 0; j < open.size(); ++j)
      if (outcomes[j].failed) failing[open[j]] = points.row(static_cast<Eigen::Index>(j));
  }
  return failing;
}

}  // namespace flare::analysis
