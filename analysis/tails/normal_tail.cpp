#include "analysis/tails/normal_tail.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include "engine/base/normal_law.hpp"

namespace flare::analysis {

double normal_density(double z) { return std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi); }

double normal_tail(double beta) { return engine::normal_tail(beta); }

double log_upper_tail(double x) {
  if (x < 25.0) return std::log(normal_tail(x));
  if (std::isinf(x)) return -x;
  // Asymptotic series of Mills' ratio (Abramowitz & Stegun 26.2.12); at 25 its next term is below 1e-12.
  const double r = 1.0 / (x * x);
  const double series = 1.0 - r * (1.0 - 3.0 * r * (1.0 - 5.0 * r * (1.0 - 7.0 * r)));
  return -0.5 * x * x - std::log(x) - 0.5 * std::log(2.0 * std::numbers::pi) + std::log(series);
}

double normal_hazard(double x) {
  return std::exp(-0.5 * x * x - 0.5 * std::log(2.0 * std::numbers::pi) - log_upper_tail(x));
}

double sigma_of_probability(double p) {
  if (std::isnan(p)) return p;
  if (p <= 0.0) return std::numeric_limits<double>::infinity();
  if (p >= 1.0) return -std::numeric_limits<double>::infinity();
  return 0.0 - engine::normal_quantile(p);  // 0, not -0, of 0.5
}

double upper_tail_quantile(double log_p) {
  if (std::isnan(log_p)) return log_p;
  if (log_p >= 0.0) return -std::numeric_limits<double>::infinity();
  if (std::isinf(log_p)) return std::numeric_limits<double>::infinity();
  if (log_p > -600.0) return sigma_of_probability(std::exp(log_p));
  // Newton on ln P, which is concave and nearly parabolic here.
  double x = std::sqrt(-2.0 * log_p);
  for (int i = 0; i < 50; ++i) {
    const double step = (log_upper_tail(x) - log_p) / normal_hazard(x);
    x += step;
    if (std::abs(step) < 1e-13 * x) break;
  }
  return x;
}

double log_difference(double a, double b) {
  if (b >= a) return -std::numeric_limits<double>::infinity();
  return a + std::log1p(-std::exp(b - a));
}

double log_sum(double a, double b) {
  if (a < b) return log_sum(b, a);
  if (std::isinf(a)) return a;
  return a + std::log1p(std::exp(b - a));
}

}  // namespace flare::analysis
