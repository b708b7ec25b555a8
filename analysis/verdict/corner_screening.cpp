#include "analysis/verdict/corner_screening.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>

#include "engine/base/averages.hpp"

namespace flare::analysis {
namespace {

constexpr double floor_corners = 4.0;
constexpr double floor_scatter = 0.01;

bool has_ratio(const ScreenedCorner& corner) {
  return corner.state == CornerState::estimated && std::isfinite(corner.screened) && corner.screened > 0.0 &&
         corner.estimated > 0.0;
}

/// ln(estimated / screened) of the corners that have both.
std::vector<double> log_ratios(const ScreenedCorners& corners) {
  std::vector<double> ratios;
  for (const ScreenedCorner& corner : corners) {
    if (has_ratio(corner)) ratios.push_back(std::log(corner.estimated / corner.screened));
  }
  return ratios;
}

/// The scatter a prediction reckons with.
double cautious_scatter(const ScreeningError& error) {
  const double seen = error.scatter * error.scatter;
  const double with_floor = (error.freedom * seen + floor_corners * floor_scatter * floor_scatter) /
                            (error.freedom + floor_corners);
  return std::sqrt(std::max(seen, with_floor));
}

/// The worst sigma of the corners run in full; minus infinity where one of them is refused.
double worst_run(const ScreenedCorners& corners) {
  double worst = std::numeric_limits<double>::infinity();
  for (const ScreenedCorner& corner : corners) {
    if (corner.state == CornerState::refused) return -std::numeric_limits<double>::infinity();
    if (corner.full()) worst = std::min(worst, corner.estimated);
  }
  return worst;
}

}  // namespace

ScreeningError screening_error(const std::vector<ScreenedCorners>& by_sawl) {
  ScreeningError error;
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  double squares = 0.0;
  for (const ScreenedCorners& corners : by_sawl) {
    const std::vector<double> ratios = log_ratios(corners);
    if (ratios.empty()) continue;
    const double centre = engine::mean(ratios);
    for (const double ratio : ratios) {
      squares += (ratio - centre) * (ratio - centre);
      least = std::min(least, ratio);
      most = std::max(most, ratio);
    }
    error.corners += ratios.size();
    error.freedom += static_cast<double>(ratios.size()) - 1.0;
  }
  const bool none = error.corners == 0;
  error.least = none ? std::numeric_limits<double>::quiet_NaN() : std::exp(least);
  error.most = none ? std::numeric_limits<double>::quiet_NaN() : std::exp(most);
  error.scatter =
      error.freedom > 0.0 ? std::sqrt(squares / error.freedom) : std::numeric_limits<double>::quiet_NaN();
  return error;
}

CornerCoverage corner_coverage(const ScreenedCorners& corners, const ScreeningError& error) {
  CornerCoverage coverage;
  coverage.corners = corners.size();
  for (const ScreenedCorner& corner : corners) coverage.full += corner.full() ? 1 : 0;
  if (coverage.full == coverage.corners) return coverage;
  const double worst = worst_run(corners);
  if (worst == -std::numeric_limits<double>::infinity()) return coverage;
  const std::vector<double> ratios = log_ratios(corners);
  coverage.chance_worse = 1.0;
  if (ratios.empty() || !(error.freedom > 0.0)) return coverage;
  const double spread = cautious_scatter(error) * std::sqrt(1.0 + 1.0 / static_cast<double>(ratios.size()));
  const boost::math::students_t_distribution<> law(error.freedom);
  double chance = 0.0;
  for (const ScreenedCorner& corner : corners) {
    if (corner.full()) continue;
    if (!(corner.screened > 0.0)) return coverage;
    if (worst <= 0.0) continue;  // every corner that has a margin is better
    const double predicted = std::log(corner.screened) + engine::mean(ratios);
    chance += boost::math::cdf(law, (std::log(worst) - predicted) / spread);
  }
  coverage.chance_worse = std::min(chance, 1.0);
  return coverage;
}

}  // namespace flare::analysis
