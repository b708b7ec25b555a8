#include "studies/converter/offset_spread.hpp"

#include <algorithm>
#include <cmath>

namespace flare::studies {

namespace {

constexpr double two_sided_95 = 1.959964;

struct Sums {
  double n = 0.0, x = 0.0, y = 0.0;     // number, means
  double xx = 0.0, xy = 0.0, yy = 0.0;  // sums of squares about the means
};

Sums sums_of(const std::vector<double>& offsets, const std::vector<double>& predicted) {
  Sums s;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (!std::isfinite(offsets[i])) continue;
    s.n += 1.0;
    const double x = predicted[i] - s.x;
    const double y = offsets[i] - s.y;
    s.x += x / s.n;
    s.y += y / s.n;
    s.xx += x * (predicted[i] - s.x);
    s.xy += x * (offsets[i] - s.y);
    s.yy += y * (offsets[i] - s.y);
  }
  return s;
}

}  // namespace

OffsetSpread offset_spread(const std::vector<double>& offsets, const std::vector<double>& predicted,
                           double predicted_sigma) {
  const Sums s = sums_of(offsets, predicted);
  if (s.n < 4.0 || !(s.xx > 0.0)) return {NAN, NAN, NAN};
  const double slope = s.xy / s.xx;
  const double rest = std::max(0.0, s.yy - slope * s.xy) / (s.n - 2.0);
  const double linear = std::pow(predicted_sigma, 2);
  double square = 0.0;  // of what each die does to sigma^2
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (!std::isfinite(offsets[i])) continue;
    const double x = predicted[i] - s.x;
    const double r = offsets[i] - s.y - slope * x;
    square += std::pow(2.0 * slope * linear * x * r * s.n / s.xx + r * r - rest, 2);
  }
  const double sigma = std::sqrt(slope * slope * linear + rest);
  const double half = two_sided_95 * std::sqrt(square) / s.n / (2.0 * sigma);
  return {sigma, std::max(0.0, sigma - half), sigma + half};
}

}  // namespace flare::studies
