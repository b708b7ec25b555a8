#include "analysis/tails/interval.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace flare::analysis {
namespace {

// Relative error of one root-finding search at its tolerance: identical values are not infinitely precise.
constexpr double smallest_error = 0.003;

}  // namespace

BinomialInterval clopper_pearson(std::uint64_t hits, std::uint64_t runs) {
  if (runs == 0) return {};
  using boost::math::quantile;
  const auto k = static_cast<double>(hits);
  const auto n = static_cast<double>(runs);
  BinomialInterval interval;
  if (hits > 0) {
    const double tail = hits == runs ? 0.05 : 0.025;
    interval.low = quantile(boost::math::beta_distribution<>(k, n - k + 1.0), tail);
  }
  if (hits < runs) {
    const double tail = hits == 0 ? 0.05 : 0.025;
    interval.high = quantile(complement(boost::math::beta_distribution<>(k + 1.0, n - k), tail));
  }
  return interval;
}

double pareto_tail_index(std::vector<double> values) {
  std::erase_if(values, [](double v) { return !(v > 0.0); });
  const auto n = static_cast<double>(values.size());
  const auto tail = static_cast<std::size_t>(std::floor(std::min(0.2 * n, 3.0 * std::sqrt(n))));
  if (tail < 20) return 0.0;  // too few to tell; the largest share still speaks
  std::sort(values.begin(), values.end());
  const double cut = values[values.size() - tail - 1];
  std::vector<double> x(values.end() - static_cast<std::ptrdiff_t>(tail), values.end());
  for (double& v : x) v -= cut;
  const double largest = x.back();
  // Values that tie with the cut are no tail (a control variate leaves many alike).
  std::erase_if(x, [&](double v) { return v <= 1e-9 * largest; });
  if (x.size() < 20) return 0.0;
  // Values that are nearly alike have no tail that matters, whatever the shape of the last tenth.
  const double total_sum = std::accumulate(values.begin(), values.end(), 0.0);
  if (std::accumulate(x.begin(), x.end(), 0.0) < 0.15 * total_sum) return 0.0;
  const double quarter =
      std::max(x[static_cast<std::size_t>(std::floor(static_cast<double>(x.size()) / 4.0 + 0.5)) - 1],
               1e-12 * largest);
  const auto grid = static_cast<std::size_t>(20.0 + std::floor(std::sqrt(static_cast<double>(x.size()))));
  const auto shape = [&](double theta) {
    double k = 0.0;
    for (const double v : x) k += std::log1p(-theta * v);
    return k / static_cast<double>(x.size());
  };
  std::vector<double> theta(grid), likelihood(grid);
  for (std::size_t j = 0; j < grid; ++j) {
    theta[j] = 1.0 / largest + (1.0 - std::sqrt(static_cast<double>(grid) / (static_cast<double>(j) + 0.5))) /
                                   (3.0 * quarter);
    const double k = shape(theta[j]);
    likelihood[j] = static_cast<double>(x.size()) * (std::log(-theta[j] / k) - k - 1.0);
  }
  double mean_theta = 0.0, total = 0.0;
  const double best = *std::max_element(likelihood.begin(), likelihood.end());
  for (std::size_t j = 0; j < grid; ++j) {
    const double weight = std::exp(likelihood[j] - best);
    if (!std::isfinite(weight)) continue;
    mean_theta += weight * theta[j];
    total += weight;
  }
  const double k = shape(mean_theta / total);
  const auto m = static_cast<double>(x.size());
  return (k * m + 0.5 * 10.0) / (m + 10.0);
}

WeightedEstimate summarize(const std::vector<Stratum>& strata, double log_scale) {
  WeightedEstimate result;
  double sum = 0.0, variance = 0.0, squares = 0.0, largest = 0.0, welch = 0.0, negative = 0.0;
  std::vector<double> contributions;
  for (const Stratum& stratum : strata) {
    const auto n = static_cast<double>(stratum.values.size());
    if (stratum.values.empty()) {
      result.shares.push_back(0.0);
      continue;
    }
    const double mean = std::accumulate(stratum.values.begin(), stratum.values.end(), 0.0) / n;
    double spread = 0.0;
    for (const double v : stratum.values) {
      spread += (v - mean) * (v - mean);
      squares += (v / n) * (v / n);
      largest = std::max(largest, std::abs(v) / n);
      negative -= std::min(0.0, v) / n;
    }
    // Relative to the stratum: strata of different size are not a tail.
    if (mean > 0.0)
      for (const double v : stratum.values) contributions.push_back(v / mean);
    sum += mean;
    variance +=
        n > 1.0 ? spread / (n - 1.0) / n * (1.0 + 2.0 / (n - 1.0)) : std::numeric_limits<double>::quiet_NaN();
    if (n > 1.0) welch += std::pow(spread / (n - 1.0) / n, 2) / (n - 1.0);
    result.shares.push_back(mean);
  }
  for (double& share : result.shares) share = sum > 0.0 ? share / sum : 0.0;
  result.log_p = sum > 0.0 ? std::log(sum) + log_scale : -std::numeric_limits<double>::infinity();
  // The spread of a few skewed values is more often too small than too large: the two factors (here and on
  // each stratum above) restore the coverage; tests/analysis measures it.
  variance *= 1.0 + 4.0 * squares / std::max(1e-300, sum * sum);
  result.coefficient_of_variation = std::hypot(std::sqrt(variance) / sum, smallest_error);
  result.effective_samples = squares > 0.0 ? sum * sum / squares : 0.0;
  result.max_weight_share = sum > 0.0 ? largest / sum : 1.0;
  result.negative_share = sum > 0.0 ? negative / sum : 0.0;
  result.pareto_k = pareto_tail_index(contributions);
  // Welch-Satterthwaite over the strata, and never more than the effective sample says.
  double freedom = std::max(1.0, result.effective_samples - 1.0);
  // A stratum of one value has no variance: then the estimate has none, and is objected to.
  if (welch > 0.0 && std::isfinite(variance)) freedom = std::clamp(variance * variance / welch, 1.0, freedom);
  if (!std::isfinite(freedom)) freedom = 1.0;
  const double t = quantile(boost::math::students_t_distribution<>(freedom), 0.975);
  // A tail that is heavy, though not yet too heavy, has more to come than the sample shows.
  const double heavy = 1.0 + std::max(0.0, std::min(result.pareto_k, 0.7) - 0.2);
  const double spread_log = std::sqrt(std::log1p(std::pow(result.coefficient_of_variation, 2)));
  const double width = heavy * t * spread_log;
  result.log_low = result.log_p - width;
  result.log_high = std::min(0.0, result.log_p + width);
  return result;
}

std::string WeightedEstimate::objection() const {
  if (!std::isfinite(log_p)) return "no failure was seen by the fresh runs";
  if (!std::isfinite(coefficient_of_variation)) return "the variance of the estimate is not known";
  if (effective_samples < least_effective) {
    return fmt::format("effective sample size {:.1f} is below {:.0f}", effective_samples, least_effective);
  }
  // Control variates that take a good part away again: a lucky draw without them looks better than it is.
  if (negative_share > 0.2 && effective_samples < 200.0) {
    return fmt::format("corrections take {:.0f} % away at only {:.0f} effective samples",
                       100.0 * negative_share, effective_samples);
  }
  if (max_weight_share > 0.1) {
    return fmt::format("one run carries {:.0f} % of the estimate", 100.0 * max_weight_share);
  }
  if (pareto_k > 0.7)
    return fmt::format("the weights have a heavy tail (Pareto k {:.2f} above 0.7)", pareto_k);
  return {};
}

}  // namespace flare::analysis
