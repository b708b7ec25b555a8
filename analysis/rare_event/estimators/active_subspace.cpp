#include "analysis/rare_event/estimators/active_subspace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/rare_event/estimators/subspace_estimator.hpp"
#include "analysis/rare_event/search/failure_regions.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr Eigen::Index most_directions = 9;
constexpr double new_direction = 0.1;      // of a unit gradient, outside of the span
constexpr int enough_inside = 2;           // gradients
constexpr double difference = 0.05;        // sigma
constexpr std::size_t most_starts = 12;
constexpr std::size_t most_needed = 3, most_tried = 8;  // coordinates without a gradient
constexpr double share_of_runs = 0.6;      // of what is left, on gradients

Vector outside(const Matrix& basis, const Vector& x) { return x - basis * (basis.transpose() * x); }

void add_direction(const Vector& direction, Matrix& basis) {
  basis.conservativeResize(direction.size(), basis.cols() + 1);
  basis.col(basis.cols() - 1) = direction / direction.norm();
}

// The largest coordinates of `rest`, in falling order.
std::vector<Eigen::Index> largest(const Vector& rest, std::size_t count) {
  std::vector<Eigen::Index> order(static_cast<std::size_t>(rest.size()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](Eigen::Index a, Eigen::Index b) { return std::abs(rest(a)) > std::abs(rest(b)); });
  order.resize(count);
  return order;
}

Vector only(const Vector& rest, const std::vector<Eigen::Index>& kept) {
  Vector x = Vector::Zero(rest.size());
  for (const Eigen::Index i : kept) x(i) = rest(i);
  return x;
}

// Coordinates of the rest without which the point stops failing; none where even all that are tried do not bring the
// failure back.
std::vector<Eigen::Index> needed(EvaluationLedger& ledger, const Vector& along, const Vector& rest) {
  std::vector<Eigen::Index> kept = largest(rest, most_tried);
  const auto fails = [&](const std::vector<Eigen::Index>& which) {
    return ledger.evaluate_one(along + only(rest, which), Purpose::pilot).failed;
  };
  if (!fails(kept)) return {};
  for (std::size_t j = kept.size(); j-- > 0;) {
    std::vector<Eigen::Index> fewer = kept;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(j));
    if (fails(fewer)) kept = std::move(fewer);
  }
  return kept;
}

}  // namespace

std::vector<Vector> most_different(const Matrix& points, std::size_t most) {
  std::vector<Vector> chosen;
  std::vector<double> nearest(static_cast<std::size_t>(points.rows()), -2.0);
  while (chosen.size() < std::min(most, nearest.size())) {
    const auto next = std::min_element(nearest.begin(), nearest.end()) - nearest.begin();
    chosen.push_back(points.row(next));
    for (Eigen::Index i = 0; i < points.rows(); ++i) {
      const double cosine = points.row(i).dot(chosen.back()) / (points.row(i).norm() * chosen.back().norm());
      double& near = nearest[static_cast<std::size_t>(i)];
      near = std::max(near, cosine);
    }
    nearest[static_cast<std::size_t>(next)] = 2.0;
  }
  return chosen;
}

ActiveSubspace find_active_subspace(EstimatorSession& session, const std::vector<Vector>& boundary,
                                    std::uint64_t most_runs) {
  EvaluationLedger& ledger = session.ledger();
  const Eigen::Index d = ledger.dimension();
  ActiveSubspace found{Matrix(d, 0)};
  Vector mean = Vector::Zero(d);
  int inside = 0;
  const std::uint64_t until = ledger.counts().total() + most_runs;
  for (const Vector& x : boundary) {
    if (ledger.counts().total() + static_cast<std::uint64_t>(d) + 1 > until) break;
    const Gradient gradient = finite_difference(ledger, x, difference, Purpose::pilot);
    if (gradient.slope.size() == 0) continue;
    const Vector direction = -gradient.slope / gradient.slope.norm();
    mean += direction;
    const Vector rest = outside(found.basis, direction);
    if (rest.norm() > new_direction) {
      if (found.basis.cols() == most_directions) break;
      add_direction(rest, found.basis);
      inside = 0;
    } else if (++inside >= enough_inside) {
      found.closed = true;
      break;
    }
  }
  if (!found.closed && mean.norm() > 0.0) {
    found.basis.resize(d, 0);
    add_direction(mean, found.basis);
  }
  return found;
}

void add_needed_coordinates(EstimatorSession& session, const std::vector<Vector>& failing, Matrix& basis) {
  std::size_t added = 0;
  for (const Vector& x : failing) {
    if (added == most_needed) return;
    const Vector rest = outside(basis, x);
    const Vector along = x - rest;
    if (session.ledger().evaluate_one(along, Purpose::pilot).failed) continue;
    for (const Eigen::Index i : needed(session.ledger(), along, rest)) {
      const Vector direction = outside(basis, Vector::Unit(x.size(), i));
      if (added == most_needed || direction.norm() < new_direction) continue;
      add_direction(direction, basis);
      ++added;
    }
  }
}

void ActiveSubspaceEstimator::pilot(Findings& findings) {
  EstimatorSession& session = findings.session;
  EvaluationLedger& ledger = session.ledger();
  const Matrix none(0, ledger.dimension());
  Matrix population = findings.search.subset ? findings.search.subset->failing : none;
  if (population.rows() == 0) {
    const std::vector<Vector>& met = ledger.met_failures();
    population.resize(static_cast<Eigen::Index>(met.size()), ledger.dimension());
    for (std::size_t i = 0; i < met.size(); ++i) population.row(static_cast<Eigen::Index>(i)) = met[i];
  }
  const std::vector<Vector> failing = most_different(population, most_starts);
  RegionFinder finder(ledger, session.random(), !findings.look.origin.failed,
                      session.options().max_regions, Purpose::pilot);
  const std::vector<Vector> boundary = finder.to_boundary(failing);
  const auto runs = static_cast<std::uint64_t>(share_of_runs * static_cast<double>(ledger.remaining()));
  ActiveSubspace active = find_active_subspace(session, boundary, runs);
  if (active.basis.cols() == 0) return;
  add_needed_coordinates(session, failing, active.basis);
  session.note(fmt::format("active subspace: {} directions{}", active.basis.cols(),
                           active.closed ? "" : ", not all that the boundary bends in"));
  Vector middle = Vector::Zero(ledger.dimension());
  for (const Vector& x : boundary) middle += x / static_cast<double>(boundary.size());
  begin({{active.basis, active.basis * (active.basis.transpose() * middle), 0}});
  fit_to_population(findings.search.subset ? population : none);
  learn_in_rounds(session, findings.search.subset ? population : none);
}

}  // namespace flare::analysis
