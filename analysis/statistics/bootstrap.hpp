// Intervals of anything that is measured on examples, or on dies and examples.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "analysis/statistics/proportions.hpp"

namespace flare::analysis {

struct ResampledLimits : Limits {
  /// Two-sided p of the value being 0: twice the smaller share of resamples on either side of it, itself counted to both;
  /// at least 2 / (resamples + 1).
  double p_zero = 1;
};

struct BootstrapOptions {
  int resamples = 10'000;
  std::uint64_t seed = 1;
};

/// The value that die `die` has where example i counts counts[i] times (they add up to the number of examples). NaN where
/// it has none on such examples.
using DieValue = std::function<double(std::size_t die, std::span<const std::uint32_t> counts)>;

/// 95 % limits of the mean over dies of `value`, by resampling dies and examples apart, each with replacement (the
/// pigeonhole bootstrap: Owen, Ann. Appl. Stat. 1, 386, 2007; on the safe side), percentiles. One die: over the
/// examples alone. The same numbers for the same seed. Resamples without a value do not count; NaN where more than half
/// have none. Throws std::invalid_argument for no dies, no examples or fewer than 100 resamples.
ResampledLimits crossed_bootstrap(std::size_t dies, std::size_t examples, const DieValue& value,
                                  const BootstrapOptions& options = {});

/// Sum of `sums` over sum of `weights`, [die][example]: shares (weights of one), or losses per token.
ResampledLimits crossed_bootstrap(const std::vector<std::vector<double>>& sums,
                                  const std::vector<std::vector<double>>& weights,
                                  const BootstrapOptions& options = {});

}  // namespace flare::analysis
