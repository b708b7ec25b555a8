#include "analysis/rare_event/estimators/sample_checks.hpp"

#include <cmath>
#include <numeric>

namespace flare::analysis {

double halves_apart(const std::vector<Stratum>& strata) {
  double difference = 0.0, variance = 0.0;
  for (const Stratum& stratum : strata) {
    const std::vector<double>& v = stratum.values;
    const std::size_t half = v.size() / 2;
    if (half < 5) continue;
    const auto middle = v.begin() + static_cast<std::ptrdiff_t>(half),
               end = middle + static_cast<std::ptrdiff_t>(half);
    const auto n = static_cast<double>(half);
    const double mean = std::accumulate(v.begin(), end, 0.0) / (2.0 * n);
    difference += std::accumulate(v.begin(), middle, 0.0) / n - std::accumulate(middle, end, 0.0) / n;
    for (auto it = v.begin(); it != end; ++it)
      variance += (*it - mean) * (*it - mean) * 2.0 / (n * (2.0 * n - 1.0));
  }
  return variance > 0.0 ? std::abs(difference) / std::sqrt(variance) : 0.0;
}

double log_value_that_decides(double log_p, double values) {
  constexpr double largest_share = 0.1;
  return log_p + std::log(largest_share * values);
}

}  // namespace flare::analysis
