#include "analysis/rare_event/estimators/active_subspace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/rare_event/core/point_rows.hpp"
#include "analysis/rare_event/search/failure_regions.hpp"
#include "analysis/rare_event/search/roughness.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr Eigen::Index most_directions = 9;
constexpr double new_direction = 0.05;  // of a unit gradient, outside of the span
constexpr int enough_inside = 2;        // gradients
constexpr double difference = 0.05;     // sigma
constexpr std::size_t most_starts = 12;
constexpr std::size_t most_needed = 3, most_tried = 8;  // coordinates without a gradient
constexpr double share_of_runs = 0.6;                   // of what is left, on gradients
constexpr std::size_t second_population = 60;
constexpr double usual_gradients = 7.0, cost_of_lines = 1200.0, most_of_rest = 0.7;
constexpr double least_pilot = 10.0;  // effective lines of the last round
constexpr double most_apart = 0.1;    // of the second population

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

Matrix failing_population(const Findings& findings) {
  if (findings.search.subset) return findings.search.subset->failing;
  const EvaluationLedger& ledger = findings.session.ledger();
  return as_rows(ledger.met_failures(), ledger.dimension());
}

namespace {

// The ends of a second, small subset simulation: what the first one missed it most likely meets.
std::vector<Vector> ends_of_second(EstimatorSession& session) {
  SubsetOptions options;
  options.population = second_population;
  options.max_runs = session.ledger().remaining() / 2;
  options.last_round = false;
  const SubsetResult second =
      subset_simulation(session.ledger(), options, {}, {}, session.random(), Purpose::pilot);
  return second.reached ? most_different(second.failing, most_starts) : std::vector<Vector>{};
}

// Share of the points that no arc of failures joins to the nearest boundary point.
double apart(EstimatorSession& session, const std::vector<Vector>& points, const Vector& nearest) {
  RegionFinder finder(session.ledger(), session.random(), true, 1, Purpose::pilot);
  std::size_t count = 0;
  for (const Vector& x : points) count += finder.connected(x, nearest) ? 0 : 1;
  return static_cast<double>(count) / static_cast<double>(points.size());
}

// Share of the points that do not fail any more once what lies outside of the subspace is taken from them.
double outside_share(EstimatorSession& session, const std::vector<Vector>& points, const Matrix& basis) {
  Matrix inside(static_cast<Eigen::Index>(points.size()), basis.rows());
  for (std::size_t i = 0; i < points.size(); ++i)
    inside.row(static_cast<Eigen::Index>(i)) = points[i] - outside(basis, points[i]);
  const std::vector<Evaluated> outcomes = session.ledger().evaluate(inside, Purpose::pilot);
  const auto passed =
      std::count_if(outcomes.begin(), outcomes.end(), [](const Evaluated& o) { return !o.failed; });
  return static_cast<double>(passed) / static_cast<double>(points.size());
}

const Vector& nearest_of(const std::vector<Vector>& boundary) {
  return *std::min_element(boundary.begin(), boundary.end(),
                           [](const Vector& a, const Vector& b) { return a.norm() < b.norm(); });
}

// The mean direction of the population in the subspace is that of the lines; the rest of the subspace is the frame.
LineRegion region_in(const Matrix& basis, const Matrix& population, const Vector& nearest) {
  const Vector middle = basis * (basis.transpose() * population.colwise().mean().transpose());
  LineRegion region(middle, middle.norm());
  region.root.spread = 0.5;
  region.most_probable_point = nearest;
  Matrix frame(basis.rows(), 0);
  for (Eigen::Index j = 0; j < basis.cols(); ++j) {
    Vector rest = basis.col(j) - region.direction * region.direction.dot(basis.col(j));
    rest = outside(frame, rest);
    if (rest.norm() > 1e-6 && frame.cols() + 1 < basis.cols()) add_direction(rest, frame);
  }
  if (frame.cols() == 0) return region;
  region.law.set_frame(frame);
  const std::vector<double> weights(static_cast<std::size_t>(population.rows()), 1.0);
  region.law.fit(population, weights, 0.05, 4.0);
  return region;
}

// Solver noise at the boundary that hides gradients: beside what the margin changes by, outwards, in a sigma.
bool rough(EstimatorSession& session, const Vector& boundary) {
  constexpr double outward = 1.05, rough_share = 0.006;  // differences are taken over 0.05 sigma and more
  Matrix points = boundary.transpose().replicate(2, 1);
  points.row(1) *= outward;
  const std::vector<Evaluated> at = session.ledger().evaluate(points, Purpose::pilot);
  if (!at[0].has_margin || !at[1].has_margin) return true;
  const double steepness = std::abs(at[1].margin - at[0].margin) / ((outward - 1.0) * boundary.norm());
  return roughness_at(session.ledger(), boundary, at[0].margin, steepness) > rough_share * steepness;
}

// Of all failures met so far, most of them at inflated sigma.
std::vector<Vector> met_apart(const EvaluationLedger& ledger) {
  return most_different(as_rows(ledger.met_failures(), ledger.dimension()), 2 * most_starts);
}

std::vector<Vector> in_turn(const std::vector<Vector>& a, const std::vector<Vector>& b) {
  std::vector<Vector> both;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (i < a.size()) both.push_back(a[i]);
    if (i < b.size()) both.push_back(b[i]);
  }
  return both;
}

// Second population, gradients and lines against what is left: where it is not enough, chains had better have it.
bool affordable(const Findings& findings) {
  const auto levels = static_cast<double>(findings.search.subset ? findings.search.subset->levels : 10);
  const auto d = static_cast<double>(findings.session.ledger().dimension());
  const double cost = static_cast<double>(second_population) * (1.0 + 0.85 * levels) +
                      usual_gradients * (d + 1.0) + cost_of_lines;
  return cost < most_of_rest * static_cast<double>(findings.session.ledger().remaining());
}

}  // namespace

void ActiveSubspaceEstimator::pilot(Findings& findings) {
  EstimatorSession& session = findings.session;
  const Matrix population = failing_population(findings);
  if (population.rows() < 4 || !affordable(findings)) return;
  RegionFinder finder(session.ledger(), session.random(), true, 1, Purpose::pilot);
  const std::vector<Vector> failing = most_different(population, most_starts);
  const std::vector<Vector> second = ends_of_second(session);
  if (second.empty()) return;
  const std::vector<Vector> boundary = finder.to_boundary(failing);
  const std::vector<Vector> others = finder.to_boundary(second);
  const Vector& nearest = nearest_of(boundary);
  const double share = apart(session, others, nearest);
  session.note(
      fmt::format("active subspace: {:.0f} % of {} failures met elsewhere are apart from the nearest",
                  100.0 * share, others.size()));
  if (share > most_apart || rough(session, nearest)) return;
  findings.search.unseen_share = share;
  findings.search.starts = others.size();
  const auto left = static_cast<double>(session.ledger().remaining());
  ActiveSubspace active = find_active_subspace(session, in_turn(boundary, others),
                                               static_cast<std::uint64_t>(share_of_runs * left));
  if (active.basis.cols() == 0) return;
  add_needed_coordinates(session, failing, active.basis);
  session.note(fmt::format("active subspace: {} directions{}", active.basis.cols(),
                           active.closed ? "" : ", not all that the boundary bends in"));
  if (active.closed && (outside_share(session, second, active.basis) > most_apart ||
                        outside_share(session, met_apart(session.ledger()), active.basis) > most_apart)) {
    session.note("active subspace: failures were met that need other directions");
    return;
  }
  regions_ = {region_in(active.basis, population, nearest)};
  LineEstimator::pilot(findings);
  // Laws shaped by a few lines flatter themselves, and chains would have done with the runs.
  if (forecast_.effective < least_pilot) forecast_.usable = false;
}

}  // namespace flare::analysis
