#include "analysis/converters/linearity.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace flare::analysis {
namespace {

struct Line {
  double slope = 0.0;
  double at_zero = 0.0;  // value at threshold number 0; the first threshold has number 1
};

Line terminal_line(const std::vector<double>& t) {
  const double slope = (t.back() - t.front()) / static_cast<double>(t.size() - 1);
  return {slope, t.front() - slope};
}

Line best_line(const std::vector<double>& t) {
  const double n = static_cast<double>(t.size());
  const double middle = 0.5 * (n + 1.0);
  double mean = 0.0;
  for (const double value : t) mean += value / n;
  double slope = 0.0;
  for (std::size_t k = 0; k < t.size(); ++k) {
    slope += (static_cast<double>(k + 1) - middle) * (t[k] - mean);
  }
  slope /= n * (n * n - 1.0) / 12.0;
  return {slope, mean - slope * middle};
}

double largest_size(const std::vector<double>& values) {
  double largest = 0.0;
  for (const double value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

}  // namespace

Linearity linearity(const std::vector<double>& thresholds, InlLine line) {
  if (thresholds.size() < 2) throw std::invalid_argument("linearity: at least two thresholds are needed");
  if (!std::all_of(thresholds.begin(), thresholds.end(), [](double t) { return std::isfinite(t); })) {
    throw std::invalid_argument("linearity: a threshold is not finite");
  }
  const Line fit = line == InlLine::terminal ? terminal_line(thresholds) : best_line(thresholds);
  if (fit.slope == 0.0) throw std::invalid_argument("linearity: the thresholds have no step");
  Linearity result{fit.slope, fit.at_zero, {}, {}, 0.0, 0.0};
  for (std::size_t k = 0; k < thresholds.size(); ++k) {
    result.inl.push_back((thresholds[k] - fit.at_zero) / fit.slope - static_cast<double>(k + 1));
    if (k > 0) result.dnl.push_back((thresholds[k] - thresholds[k - 1]) / fit.slope - 1.0);
  }
  result.worst_dnl = largest_size(result.dnl);
  result.worst_inl = largest_size(result.inl);
  return result;
}

std::vector<std::size_t> ramp_code_density(const std::vector<double>& thresholds, double low, double high,
                                           std::size_t samples) {
  if (!(low < high) || samples == 0) throw std::invalid_argument("ramp: needs low < high and samples");
  std::vector<double> sorted = thresholds;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::size_t> counts(thresholds.size() + 1, 0);
  const double share = (high - low) / static_cast<double>(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const double input = low + (static_cast<double>(i) + 0.5) * share;
    ++counts[static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), input) -
                                      sorted.begin())];
  }
  return counts;
}

Linearity linearity_of_ramp(const std::vector<std::size_t>& counts) {
  if (counts.size() < 3) throw std::invalid_argument("ramp: at least three codes are needed");
  std::vector<double> thresholds = {0.0};
  for (std::size_t code = 1; code + 1 < counts.size(); ++code) {
    thresholds.push_back(thresholds.back() + static_cast<double>(counts[code]));
  }
  if (thresholds.back() == 0.0) throw std::invalid_argument("ramp: only the outer codes were met");
  return linearity(thresholds);
}

}  // namespace flare::analysis
