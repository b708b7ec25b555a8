#include "analysis/rare_event/search/region_builder.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>

namespace flare::analysis {

using engine::Matrix;
using engine::Vector;

namespace {

constexpr Eigen::Index most_coordinates = 4'000'000;  // of one batch of differences

}  // namespace

double step_in_noise(double step, double noise) { return std::clamp(20.0 * noise, step, 1.0); }

Gradient finite_difference(EvaluationLedger& ledger, const Vector& point, double step, Purpose purpose) {
  const Eigen::Index d = point.size();
  // One batch, or several where its matrix would be large.
  const Eigen::Index batch = std::min(d + 1, std::max<Eigen::Index>(64, most_coordinates / d));
  Gradient gradient;
  Vector slope(d);
  for (Eigen::Index first = 0; first <= d; first += batch) {
    const Eigen::Index rows = std::min(batch, d + 1 - first);
    Matrix points = point.transpose().replicate(rows, 1);
    for (Eigen::Index i = 0; i < rows; ++i)
      if (first + i > 0) points(i, first + i - 1) += step;
    const std::vector<Evaluated> outcomes = ledger.evaluate(points, purpose);
    if (first == 0) gradient.margin = outcomes.front().margin;
    for (Eigen::Index i = 0; i < rows; ++i) {
      const Evaluated& moved = outcomes[static_cast<std::size_t>(i)];
      if (!moved.has_margin) return gradient;
      if (first + i > 0) slope(first + i - 1) = (moved.margin - gradient.margin) / step;
    }
  }
  if (slope.norm() > 0.0 && std::isfinite(slope.norm())) gradient.slope = slope;
  return gradient;
}

std::optional<double> RegionBuilder::root_along(const Vector& direction, double start, double steepness) {
  double t = start;
  for (int i = 0; i < 6; ++i) {
    const Evaluated outcome = ledger_->evaluate_one(t * direction, purpose_);
    if (!outcome.has_margin) return std::nullopt;
    const double step = outcome.margin / steepness;
    if (std::abs(step) < std::max(0.02, 3.0 * noise_)) return t + step;
    t += std::clamp(step, -1.5, 1.5);
  }
  return std::nullopt;
}

// Does the margin change across the boundary as its gradient says? A difference taken across a jump does not.
bool RegionBuilder::smooth_across(const LineRegion& region) {
  const double step = std::max(0.3, 5.0 * noise_);
  Matrix points(2, ledger_->dimension());
  points.row(0) = (region.root.offset - step) * region.direction;
  points.row(1) = (region.root.offset + step) * region.direction;
  const std::vector<Evaluated> sides = ledger_->evaluate(points, purpose_);
  if (!sides[0].has_margin || !sides[1].has_margin) return false;
  const double expected = step * region.steepness;
  return sides[0].margin > 0.3 * expected && sides[0].margin < 3.0 * expected;
}

std::optional<LineRegion> RegionBuilder::build_with_gradient(Vector boundary) {
  const Eigen::Index d = boundary.size();
  const int rounds = d > 200 ? 1 : (d > 60 ? 2 : 3);
  const double nearest = boundary.norm();
  std::optional<LineRegion> region;
  for (int i = 0; i < rounds; ++i) {
    const Gradient gradient = finite_difference(*ledger_, boundary, step_in_noise(0.05, noise_), purpose_);
    if (gradient.slope.size() == 0) break;
    const double steepness = gradient.slope.norm();
    const Vector a = -gradient.slope / steepness;
    const double start = a.dot(boundary) + gradient.margin / steepness;
    const std::optional<double> root = root_along(a, start, steepness);
    if (!root || (origin_passes_ && (*root <= 0.0 || *root > nearest + 0.5))) break;
    const double turned = region ? a.dot(region->direction) : a.dot(boundary) / boundary.norm();
    region.emplace(a, *root);
    region->steepness = steepness;
    region->direction_known = true;
    boundary = a * *root;
    if (turned > 0.999) break;
  }
  if (region && !smooth_across(*region)) region->steepness = std::numeric_limits<double>::infinity();
  return region;
}

// Pass or fail only: the boundary's normal from bisected roots of lines around the ray.
std::optional<LineRegion> RegionBuilder::build_with_lines(const Vector& boundary) {
  const Eigen::Index d = boundary.size();
  LineRegion region(boundary, boundary.norm());
  region.steepness = std::numeric_limits<double>::infinity();
  if (d == 1) return region;
  for (int i = 0; i < 3; ++i) {
    region.root.spread = i == 0 ? 0.5 : 0.25;
    region.law = ShapedNormal(d, region.direction, 1.0);
    std::vector<LineRegion> one{region};
    LineOptions options;
    options.reach = 8.0;
    const auto count = static_cast<std::size_t>(d + 8);
    const std::vector<LineResult> lines = sample_lines(*ledger_, one, {count}, options, *random_, purpose_);
    std::vector<const LineResult*> used;
    for (const LineResult& line : lines)
      if (std::isfinite(line.root)) used.push_back(&line);
    if (used.size() < count / 2) return i > 0 ? std::optional<LineRegion>(region) : std::nullopt;
    Matrix x(static_cast<Eigen::Index>(used.size()), d + 1);
    Vector c(static_cast<Eigen::Index>(used.size()));
    for (std::size_t j = 0; j < used.size(); ++j) {
      x.row(static_cast<Eigen::Index>(j)).head(d) = used[j]->x;
      x(static_cast<Eigen::Index>(j), d) = 1.0;
      c(static_cast<Eigen::Index>(j)) = used[j]->root;
    }
    const Eigen::MatrixXd gram = x.transpose() * x + 1e-3 * Eigen::MatrixXd::Identity(d + 1, d + 1);
    const Vector fit = gram.ldlt().solve(x.transpose() * c);
    Vector slope = fit.head(d);
    slope -= region.direction * region.direction.dot(slope);
    const double steep = slope.norm();
    const Vector turned = region.direction - slope;
    const double beta = fit(d) / std::sqrt(1.0 + steep * steep);
    region = LineRegion(turned, beta);
    region.steepness = std::numeric_limits<double>::infinity();
    region.root.spread = 0.2;
    if (steep < 0.3) break;
  }
  return region;
}

std::optional<LineRegion> RegionBuilder::build_from_population(const Vector& failing) {
  Vector mean = failing / failing.norm();
  for (Eigen::Index i = 0; i < population_.rows(); ++i) {
    const Vector x = population_.row(i);
    if (x.dot(failing) > 0.5 * x.norm() * failing.norm()) mean += x / failing.norm();
  }
  if (!(mean.norm() > 0.0)) return std::nullopt;
  LineRegion region(mean, failing.norm());
  region.root.offset = failing.dot(region.direction);
  region.steepness = ledger_->margins() ? 1.0 : std::numeric_limits<double>::infinity();
  region.root.spread = 0.5;
  return region;
}

Vector brought_closer(const Vector& direction, const Vector& x) {
  const double along = direction.dot(x);
  const Vector across = x - direction * along;
  const double typical = 0.8 * std::sqrt(static_cast<double>(std::max<Eigen::Index>(1, x.size() - 1)));
  const double shrink = std::min(0.5, typical / std::max(1e-9, across.norm()));
  return direction * (along + 0.15) + shrink * across;
}

bool RegionBuilder::beyond_a_jump(const LineRegion& region, const Vector& boundary) {
  constexpr int halvings = 6;
  constexpr double jump = 0.3;  // sigma along the region's direction, and three times what the slope allows
  if (!std::isfinite(region.steepness) || noisy()) return false;
  Vector passes = brought_closer(region.direction, boundary), fails = boundary;
  Evaluated outcome = ledger_->evaluate_one(passes, purpose_);
  if (outcome.failed || !outcome.has_margin) return false;
  double left = outcome.margin;
  for (int i = 0; i < halvings; ++i) {
    const Vector middle = 0.5 * (passes + fails);
    outcome = ledger_->evaluate_one(middle, purpose_);
    if (!outcome.failed && !outcome.has_margin) return false;
    (outcome.failed ? fails : passes) = middle;
    if (!outcome.failed) left = outcome.margin;
  }
  return left > region.steepness * (jump + 3.0 * (fails - passes).norm());
}

// Neither gradients nor a population on this side of the jump show the way.
std::optional<LineRegion> RegionBuilder::build_behind_a_jump(const Vector& boundary) {
  const auto d = static_cast<std::uint64_t>(boundary.size());
  const std::uint64_t cost = 20 * (d + 8);
  std::optional<LineRegion> region;
  if (d <= 60 && cost < ledger_->remaining() / 8) region = build_with_lines(boundary);
  if (!region) region.emplace(boundary, boundary.norm());
  region->steepness = std::numeric_limits<double>::infinity();
  return region;
}

std::optional<LineRegion> RegionBuilder::build(const Vector& boundary) {
  std::optional<LineRegion> region;
  if (ledger_->margins() && trust_margins_) region = build_with_gradient(boundary);
  if (region && beyond_a_jump(*region, boundary)) return build_behind_a_jump(boundary);
  // A population shows the way where gradients do not (corners, wedges); lines where there is none (cliffs).
  const bool populated = population_.rows() >= 40;
  if (!region && !populated && origin_passes_ && boundary.size() <= 60) region = build_with_lines(boundary);
  if (!region) region = build_from_population(boundary);
  return region;
}

// Where no gradient led to it the foot of the region's plane may pass, far from any failure.
void RegionBuilder::keep_what_fails(LineRegion& region, const Vector& boundary) {
  if (region.direction_known) return;
  const Vector foot = (region.root.offset + region.root.spread) * region.direction;
  const bool nearer = foot.norm() < boundary.norm() && ledger_->evaluate_one(foot, purpose_).failed;
  region.most_probable_point = nearer ? foot : boundary;
}

}  // namespace flare::analysis
