// Intervals and the diagnostics that decide whether one may be given at all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace flare::analysis {

/// 95 % Clopper-Pearson limits of a probability after `hits` of `runs`; one-sided 95 % where hits is 0 or runs.
struct BinomialInterval {
  double low = 0.0;
  double high = 1.0;
};
BinomialInterval clopper_pearson(std::uint64_t hits, std::uint64_t runs);

/// Independent unbiased values of one stratum, scaled by exp(-log_scale) of the whole estimate.
struct Stratum {
  std::vector<double> values;  // may hold zeros, and negative ones (control variates)
};

/// Fewer show nothing of how they scatter.
constexpr double least_effective = 25.0;

/// Sum over strata of the stratum means, with what is needed to judge it.
struct WeightedEstimate {
  double log_p = 0.0;
  double log_low = 0.0;  // 95 %, lognormal with t on effective_samples - 1
  double log_high = 0.0;
  double coefficient_of_variation = 0.0;
  double effective_samples = 0.0;
  double max_weight_share = 0.0;
  double pareto_k = 0.0;
  double negative_share = 0.0;  // what negative values take away, relative to the sum
  std::vector<double> shares;   // of each stratum

  /// Why the interval may not be given; empty where it may.
  std::string objection() const;
};

/// log_scale: logarithm of the unit the values are in.
WeightedEstimate summarize(const std::vector<Stratum>& strata, double log_scale);

/// Tail index of positive values by the generalised Pareto fit of Zhang & Stephens (2009) with the weak prior
/// of Vehtari et al. (Pareto smoothed importance sampling); the largest min(n/5, 3 sqrt n) values are the tail.
double pareto_tail_index(std::vector<double> values);

}  // namespace flare::analysis
