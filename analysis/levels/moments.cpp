#include "analysis/levels/moments.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <stdexcept>
#include <string>

namespace flare::analysis {
namespace {

struct CentralMoments {
  double mean, m2, m3, m4;
};

CentralMoments central_moments(const std::vector<double>& samples) {
  const double n = static_cast<double>(samples.size());
  double mean = 0.0;
  for (const double x : samples) mean += x;
  mean /= n;
  double correction = 0.0;  // second pass: removes the rounding of the first
  for (const double x : samples) correction += x - mean;
  mean += correction / n;
  CentralMoments c{mean, 0.0, 0.0, 0.0};
  for (const double x : samples) {
    const double d = x - mean;
    c.m2 += d * d / n;
    c.m3 += d * d * d / n;
    c.m4 += d * d * d * d / n;
  }
  return c;
}

Eigen::Matrix4d influence_covariance(const std::vector<double>& samples, const CentralMoments& c,
                                     double sigma) {
  const double n = static_cast<double>(samples.size());
  const double s = std::sqrt(c.m2);
  const double g = c.m3 / (s * s * s);
  const double k = c.m4 / (c.m2 * c.m2);
  Eigen::Matrix4d sum = Eigen::Matrix4d::Zero();
  for (const double x : samples) {
    const double y = (x - c.mean) / s;
    const double y2 = y * y;
    const Eigen::Vector4d influence(sigma * y, sigma * 0.5 * (y2 - 1.0),
                                    y2 * y - g - 3.0 * y - 1.5 * g * (y2 - 1.0),
                                    y2 * y2 - k - 4.0 * g * y - 2.0 * k * (y2 - 1.0));
    sum += influence * influence.transpose();
  }
  Eigen::Matrix4d covariance = sum / (n * (n - 1.0));
  // A variance below that of a normal law is a short sample's; lift it, keeping the correlations.
  const Eigen::Vector4d floor(sigma * sigma / n, sigma * sigma / (2.0 * n), 6.0 / n, 24.0 / n);
  Eigen::Vector4d lift;
  for (Eigen::Index i = 0; i < 4; ++i) {
    lift[i] = covariance(i, i) > 0.0 ? std::max(1.0, std::sqrt(floor[i] / covariance(i, i))) : 1.0;
  }
  return lift.asDiagonal() * covariance * lift.asDiagonal();
}

Interval around(double value, double half_width) { return {value - half_width, value + half_width}; }

}  // namespace

double Moments::t_factor() const {
  if (runs < 2) throw std::invalid_argument("an interval needs at least 2 runs");
  const boost::math::students_t law(static_cast<double>(runs - 1));
  return boost::math::quantile(law, 0.975);
}

Interval Moments::mean_interval() const { return around(mean, t_factor() * std::sqrt(covariance(0, 0))); }

Interval Moments::sigma_interval() const {
  if (!(sigma > 0.0)) return {0.0, 0.0};
  const double factor = std::exp(t_factor() * std::sqrt(covariance(1, 1)) / sigma);
  return {sigma / factor, sigma * factor};
}

Interval Moments::skewness_interval() const {
  return around(skewness, t_factor() * std::sqrt(covariance(2, 2)));
}
Interval Moments::kurtosis_interval() const {
  return around(kurtosis, t_factor() * std::sqrt(covariance(3, 3)));
}

Moments estimate_moments(const std::vector<double>& samples, std::size_t unknown) {
  if (samples.size() < min_moment_runs) {
    throw std::invalid_argument("moments need at least " + std::to_string(min_moment_runs) +
                                " runs with an answer, got " + std::to_string(samples.size()));
  }
  if (!std::all_of(samples.begin(), samples.end(), [](double x) { return std::isfinite(x); })) {
    throw std::invalid_argument("a sample is not a finite number; count such runs as unknown");
  }
  const CentralMoments c = central_moments(samples);
  const double n = static_cast<double>(samples.size());
  Moments result;
  result.mean = c.mean;
  result.runs = samples.size();
  result.unknown = unknown;
  // Equal samples leave only rounding in m2.
  if (!(c.m2 > 1e-28 * c.mean * c.mean) || !(c.m2 > 0.0)) return result;
  result.sigma = std::sqrt(c.m2 * n / (n - 1.0));
  const double g1 = c.m3 / std::pow(c.m2, 1.5);
  const double g2 = c.m4 / (c.m2 * c.m2) - 3.0;
  result.skewness = g1 * std::sqrt(n * (n - 1.0)) / (n - 2.0);
  result.kurtosis = 3.0 + (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * g2 + 6.0);
  result.covariance = influence_covariance(samples, c, result.sigma);
  return result;
}

Moments affine(const Moments& moments, double a, double b) {
  Moments result = moments;
  result.mean = a + b * moments.mean;
  result.sigma = std::fabs(b) * moments.sigma;
  result.skewness = b < 0.0 ? -moments.skewness : moments.skewness;
  const Eigen::Vector4d scale(b, std::fabs(b), b < 0.0 ? -1.0 : 1.0, 1.0);
  result.covariance = scale.asDiagonal() * moments.covariance * scale.asDiagonal();
  return result;
}

}  // namespace flare::analysis
