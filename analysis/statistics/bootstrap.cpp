#include "analysis/statistics/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "engine/base/random_stream.hpp"

namespace flare::analysis {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// How often each of `n` is drawn in n draws.
void draw_counts(engine::RandomStream& random, std::vector<std::uint32_t>& counts) {
  std::fill(counts.begin(), counts.end(), 0);
  const auto n = static_cast<double>(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double uniform = static_cast<double>(random() >> 11) * 0x1p-53;
    ++counts[static_cast<std::size_t>(uniform * n)];
  }
}

/// Mean over the dies drawn.
double mean_of(const std::vector<std::uint32_t>& dies, const std::vector<std::uint32_t>& examples,
               const DieValue& value) {
  double sum = 0;
  for (std::size_t d = 0; d < dies.size(); ++d)
    if (dies[d] > 0) sum += dies[d] * value(d, examples);
  return sum / static_cast<double>(dies.size());
}

/// Between the neighbours in order.
double percentile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double p_of_zero(const std::vector<double>& sorted) {
  const auto below = std::upper_bound(sorted.begin(), sorted.end(), 0.0) - sorted.begin();
  const auto above = sorted.end() - std::lower_bound(sorted.begin(), sorted.end(), 0.0);
  const auto fewer = static_cast<double>(std::min<std::ptrdiff_t>(below, above));
  return std::min(1.0, 2 * (fewer + 1) / (static_cast<double>(sorted.size()) + 1));
}

void check_shape(const std::vector<std::vector<double>>& sums,
                 const std::vector<std::vector<double>>& weights) {
  bool fits = !sums.empty() && sums.size() == weights.size();
  for (std::size_t d = 0; fits && d < sums.size(); ++d)
    fits = sums[d].size() == sums[0].size() && weights[d].size() == sums[0].size();
  if (!fits) throw std::invalid_argument("bootstrap: as many examples of every die are expected");
}

}  // namespace

ResampledLimits crossed_bootstrap(std::size_t dies, std::size_t examples, const DieValue& value,
                                  const BootstrapOptions& options) {
  if (dies < 1 || examples < 1 || options.resamples < 100)
    throw std::invalid_argument("bootstrap: dies, examples and at least 100 resamples are needed");
  std::vector<std::uint32_t> die_counts(dies, 1), example_counts(examples);
  std::vector<double> values;
  for (int r = 0; r < options.resamples; ++r) {
    engine::RandomStream random(options.seed, "bootstrap", static_cast<std::uint64_t>(r));
    if (dies > 1) draw_counts(random, die_counts);
    draw_counts(random, example_counts);
    const double drawn = mean_of(die_counts, example_counts, value);
    if (!std::isnan(drawn)) values.push_back(drawn);
  }
  if (2 * values.size() < static_cast<std::size_t>(options.resamples)) return {{none, none}, none};
  std::sort(values.begin(), values.end());
  return {{percentile(values, 0.025), percentile(values, 0.975)}, p_of_zero(values)};
}

ResampledLimits crossed_bootstrap(const std::vector<std::vector<double>>& sums,
                                  const std::vector<std::vector<double>>& weights,
                                  const BootstrapOptions& options) {
  check_shape(sums, weights);
  const auto value = [&](std::size_t die, std::span<const std::uint32_t> counts) {
    double sum = 0, weight = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      sum += counts[i] * sums[die][i];
      weight += counts[i] * weights[die][i];
    }
    return weight > 0 ? sum / weight : none;
  };
  return crossed_bootstrap(sums.size(), sums.front().size(), value, options);
}

}  // namespace flare::analysis
