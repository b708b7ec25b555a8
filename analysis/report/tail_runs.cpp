#include "analysis/report/tail_runs.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace flare::analysis {
namespace {

struct WeightSum {
  double sum = 0.0;
  double squares = 0.0;

  void add(double w) {
    sum += w;
    squares += w * w;
  }
  double effective() const { return squares > 0.0 ? sum * sum / squares : 0.0; }
};

/// Runs with an answer, outermost first.
std::vector<std::size_t> from_outside(const TailRuns& runs, Side side) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < runs.values.size(); ++i) {
    if (std::isfinite(runs.values[i])) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return side == Side::below ? runs.values[a] < runs.values[b] : runs.values[a] > runs.values[b];
  });
  return order;
}

std::vector<TailPoint> thinned(const std::vector<TailPoint>& points, std::size_t most) {
  if (points.size() <= most) return points;
  std::vector<TailPoint> kept;
  const double first = std::log(points.front().p);
  const double step = (std::log(points.back().p) - first) / static_cast<double>(most - 1);
  for (const TailPoint& point : points) {
    if (std::log(point.p) >= first + step * static_cast<double>(kept.size()) - 1e-12) kept.push_back(point);
  }
  return kept;
}

/// How much of a run counts.
double beyond(double value, double limit, Side side, double noise) {
  const double inside = side == Side::below ? value - limit : limit - value;
  if (noise > 0.0) return normal_tail(inside / noise);
  return inside <= 0.0 ? 1.0 : 0.0;
}

}  // namespace

std::vector<TailPoint> weighted_tail(const TailRuns& runs, Side side, std::size_t most) {
  constexpr double inner = 0.1;
  const auto n = static_cast<double>(runs.values.size());
  std::vector<TailPoint> points;
  WeightSum so_far;
  for (const std::size_t i : from_outside(runs, side)) {
    so_far.add(runs.weights[i]);
    const double p = so_far.sum / n;
    if (p > inner) break;
    if (p > 0.0 && so_far.effective() >= min_effective) points.push_back({runs.values[i], p});
  }
  return thinned(points, most);
}

std::vector<DensityPoint> weighted_density(const TailRuns& runs, double origin, double width,
                                           double effective) {
  std::map<long, WeightSum> bins;
  for (std::size_t i = 0; i < runs.values.size(); ++i) {
    const double bin = std::floor((runs.values[i] - origin) / width);
    if (std::fabs(bin) < 1e6) bins[static_cast<long>(bin)].add(runs.weights[i]);
  }
  std::vector<DensityPoint> points;
  for (const auto& [bin, sum] : bins) {
    if (sum.effective() < effective) continue;
    points.push_back({origin + (static_cast<double>(bin) + 0.5) * width,
                      sum.sum / (static_cast<double>(runs.values.size()) * width)});
  }
  return points;
}

std::vector<RunningPoint> running_estimate(const TailRuns& runs, double limit, Side side, double noise,
                                           std::size_t most) {
  std::vector<RunningPoint> points;
  const std::size_t all = runs.values.size();
  WeightSum so_far;
  double next = min_effective;
  const double factor = std::pow(static_cast<double>(all) / min_effective, 1.0 / static_cast<double>(most));
  for (std::size_t i = 0; i < all; ++i) {
    if (std::isfinite(runs.values[i]))
      so_far.add(runs.weights[i] * beyond(runs.values[i], limit, side, noise));
    const auto n = static_cast<double>(i + 1);
    if (n < next && i + 1 < all) continue;
    next = std::max(n + 1.0, next * factor);
    const double p = so_far.sum / n;
    const double error = std::sqrt(std::max(0.0, so_far.squares / n - p * p) / n);
    if (p > 0.0) points.push_back({i + 1, p, std::max(0.0, p - 1.96 * error), p + 1.96 * error});
  }
  return points;
}

}  // namespace flare::analysis
