// Runs of a frozen proposal q as a figure shows them. With w = phi/q the mean of w over all of them where A holds estimates
// P(A) for any A (importance sampling; Owen, Monte Carlo theory, methods and examples, chapter 9). It is shown only where
// enough of them stand behind it: (sum w)^2 / sum w^2, Kish's effective number, is at least `min_effective`.
#pragma once

#include <cstddef>
#include <vector>

#include "analysis/tails/tail.hpp"

namespace flare::analysis {

inline constexpr double min_effective = 10.0;

/// Values with weights phi/q, one a run, in the order they were made. A value that is not a number is a run without an
/// answer: it counts as one where A does not hold.
struct TailRuns {
  std::vector<double> values;
  std::vector<double> weights;
};

/// P(value <= x) of Side::below, P(value >= x) of Side::above.
struct TailPoint {
  double x = 0.0;
  double p = 0.0;
};
/// From the outermost with enough runs behind it inwards to p = 0.1, at most `most` of them, evenly in ln p.
std::vector<TailPoint> weighted_tail(const TailRuns& runs, Side side, std::size_t most = 40);

/// Density by bins of `width` from `origin` on, where `effective` runs stand behind it; x is the bin's middle.
struct DensityPoint {
  double x = 0.0;
  double density = 0.0;  // per unit of x
};
std::vector<DensityPoint> weighted_density(const TailRuns& runs, double origin, double width,
                                           double effective = min_effective);

/// The estimate of P(value beyond `limit`) after each of about `most` numbers of runs, evenly in their logarithm. A limit that
/// scatters by `noise` (a comparator's) counts a run with the probability that it lies beyond.
struct RunningPoint {
  std::size_t runs = 0;
  double p = 0.0;
  double low = 0.0, high = 0.0;  // 95 %, of a normal mean; low may be 0
};
std::vector<RunningPoint> running_estimate(const TailRuns& runs, double limit, Side side, double noise,
                                           std::size_t most = 60);

}  // namespace flare::analysis
