// Averages of lists.
#pragma once

#include <cmath>
#include <vector>

namespace flare::engine {

/// NaN of no values.
inline double mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

/// 0 of no values: nothing deviates.
inline double root_mean_square(const std::vector<double>& values) {
  double square = 0.0;
  for (const double v : values) square += v * v;
  return values.empty() ? 0.0 : std::sqrt(square / static_cast<double>(values.size()));
}

}  // namespace flare::engine
