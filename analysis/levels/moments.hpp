// Moments of a measure with 95 % intervals, and the covariance of the estimates, without assuming normality.
//
// With y = (x - mean)/sigma, g the skewness and K the kurtosis (3 for a normal law), the influence functions are
//   IF(mean) = sigma y                      IF(skewness) = y^3 - g - 3 y - (3/2) g (y^2 - 1)
//   IF(sigma) = sigma (y^2 - 1)/2           IF(kurtosis) = y^4 - K - 4 g y - 2 K (y^2 - 1)
// and the covariance of the four estimates is that of the influence functions divided by n (the delta method;
// e.g. Serfling, Approximation Theorems of Mathematical Statistics, 1980, chapters 2 and 3). Empirical high
// moments are too small in small samples, so a variance never falls below its value for a normal law.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <vector>

namespace flare::analysis {

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

/// Mean, sigma (both in the unit of the samples), skewness and kurtosis (plain: 3 for a normal law).
struct Moments {
  double mean = 0.0;
  double sigma = 0.0;
  double skewness = 0.0;
  double kurtosis = 3.0;
  /// Covariance of the estimates, in the order mean, sigma, skewness, kurtosis.
  Eigen::Matrix4d covariance = Eigen::Matrix4d::Zero();
  std::size_t runs = 0;
  std::size_t unknown = 0;  // runs without an answer: carried along, never dropped silently
  bool regression = false;  // estimated with control variates (regression_moments.hpp)

  // 95 % intervals, Student t on runs - 1. The one of sigma is formed for ln(sigma), so it stays positive.
  Interval mean_interval() const;
  Interval sigma_interval() const;
  Interval skewness_interval() const;
  Interval kurtosis_interval() const;
  /// The half-width factor of those intervals: the 0.975 quantile of Student's t on runs - 1.
  double t_factor() const;
};

/// The fewest samples moments are taken from.
inline constexpr std::size_t min_moment_runs = 8;

/// Moments of independent samples; sigma with n - 1, skewness and kurtosis with the usual small-sample
/// corrections (Joanes and Gill, The Statistician 47, 1998: G1 and G2). All-equal samples give sigma 0,
/// skewness 0, kurtosis 3. Throws std::invalid_argument below min_moment_runs or for a value that is not
/// finite (a run without a number is counted in `unknown`, not passed as NaN).
Moments estimate_moments(const std::vector<double>& samples, std::size_t unknown = 0);

/// Moments of a + b x from those of x.
Moments affine(const Moments& moments, double a, double b);

}  // namespace flare::analysis
