#include "analysis/converters/sine_test.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "analysis/converters/linearity.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

double phase(std::size_t i, std::size_t samples) {
  return 2.0 * std::numbers::pi * (static_cast<double>(i) + 0.5) / static_cast<double>(samples);
}

/// Mean and variance of the code at one input.
struct CodeMoments {
  double mean = 0.0;
  double variance = 0.0;
};

constexpr double noise_reach = 9.0;  // P(Z > 9) = 1e-19: beyond it a threshold has decided

/// A threshold and its own noise.
struct NoisyThreshold {
  double value = 0.0;
  double sigma = 0.0;
};

std::vector<NoisyThreshold> sorted_thresholds(const std::vector<double>& thresholds, const SineTest& test) {
  std::vector<NoisyThreshold> sorted;
  for (std::size_t k = 0; k < thresholds.size(); ++k) {
    sorted.push_back({thresholds[k], test.noise_sigmas.empty() ? test.noise_sigma : test.noise_sigmas[k]});
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const NoisyThreshold& a, const NoisyThreshold& b) { return a.value < b.value; });
  return sorted;
}

// `sorted`: ascending; `largest`: the largest of their noises. Of a common noise the tripped thresholds are the lowest
// ones: E[c^2] = sum (2k - 1) P(c >= k).
CodeMoments code_moments(const std::vector<NoisyThreshold>& sorted, double largest, double input,
                         NoiseEntry entry) {
  const auto below = [&](double value) {
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), value,
                                     [](const NoisyThreshold& t, double v) { return t.value < v; });
    return static_cast<std::size_t>(at - sorted.begin());
  };
  const std::size_t sure = below(input - noise_reach * largest);
  const std::size_t end = below(input + noise_reach * largest);
  double more = 0.0;  // E[c] - sure
  double square = 0.0;
  double independent = 0.0;
  for (std::size_t k = sure; k < end; ++k) {
    const double distance = sorted[k].value - input;
    const double tripped =
        sorted[k].sigma > 0.0 ? normal_tail(distance / sorted[k].sigma) : (distance < 0.0 ? 1.0 : 0.0);
    more += tripped;
    square += (2.0 * static_cast<double>(k - sure) + 1.0) * tripped;
    independent += tripped * (1.0 - tripped);
  }
  const double common = std::max(0.0, square - more * more);
  return {static_cast<double>(sure) + more, entry == NoiseEntry::input ? common : independent};
}

// At evenly spread phases the three functions of the fit are orthogonal: least squares is a projection.
SineFigures fitted(const std::vector<double>& record, double variance) {
  const auto n = static_cast<double>(record.size());
  double mean = 0.0;
  double in_phase = 0.0;
  double quadrature = 0.0;
  for (std::size_t i = 0; i < record.size(); ++i) {
    const double angle = phase(i, record.size());
    mean += record[i] / n;
    in_phase += 2.0 * record[i] * std::sin(angle) / n;
    quadrature += 2.0 * record[i] * std::cos(angle) / n;
  }
  double residual = variance;
  for (std::size_t i = 0; i < record.size(); ++i) {
    const double angle = phase(i, record.size());
    const double left = record[i] - mean - in_phase * std::sin(angle) - quadrature * std::cos(angle);
    residual += left * left / n;
  }
  SineFigures figures;
  figures.amplitude = std::hypot(in_phase, quadrature);
  figures.offset = mean;
  figures.nad = std::sqrt(residual);
  figures.sinad_db = 20.0 * std::log10(figures.amplitude / std::numbers::sqrt2 / figures.nad);
  figures.enob = (figures.sinad_db - 10.0 * std::log10(1.5)) / (20.0 * std::log10(2.0));
  return figures;
}

void check(const std::vector<double>& thresholds, const SineTest& test) {
  const auto fail = [](const char* what) { throw std::invalid_argument(what); };
  if (thresholds.empty()) fail("sine test: no thresholds");
  for (const double t : thresholds) {
    if (!std::isfinite(t)) fail("sine test: a threshold is not finite");
  }
  if (!(test.low < test.high)) fail("sine test: the sine needs low < high");
  if (test.samples < 16) fail("sine test: at least 16 samples are needed");
  if (!(test.noise_sigma >= 0.0) || !std::isfinite(test.noise_sigma)) fail("sine test: a noise below zero");
  if (!test.noise_sigmas.empty() &&
      (test.noise_sigmas.size() != thresholds.size() || test.entry != NoiseEntry::comparators)) {
    fail("sine test: a noise of each threshold needs one a threshold, at the comparators");
  }
  for (const double sigma : test.noise_sigmas) {
    if (!(sigma >= 0.0) || !std::isfinite(sigma)) fail("sine test: a noise below zero");
  }
  const auto crossed = [&](double t) { return t > test.low && t < test.high; };
  if (std::none_of(thresholds.begin(), thresholds.end(), crossed)) {
    fail("sine test: the sine crosses no threshold");
  }
}

}  // namespace

double sine_input(const SineTest& test, std::size_t i) {
  return 0.5 * (test.low + test.high) + 0.5 * (test.high - test.low) * std::sin(phase(i, test.samples));
}

SineFigures sine_figures(const std::vector<double>& thresholds, const SineTest& test) {
  check(thresholds, test);
  const std::vector<NoisyThreshold> sorted = sorted_thresholds(thresholds, test);
  double largest = 0.0;
  for (const NoisyThreshold& threshold : sorted) largest = std::max(largest, threshold.sigma);
  std::vector<double> record;
  record.reserve(test.samples);
  double variance = 0.0;
  for (std::size_t i = 0; i < test.samples; ++i) {
    const CodeMoments code = code_moments(sorted, largest, sine_input(test, i), test.entry);
    record.push_back(code.mean);
    variance += code.variance / static_cast<double>(test.samples);
  }
  return fitted(record, variance);
}

SineFigures sine_figures_of_codes(const std::vector<double>& codes) {
  if (codes.size() < 16) throw std::invalid_argument("sine test: at least 16 samples are needed");
  return fitted(codes, 0.0);
}

SineTest full_scale(const std::vector<double>& thresholds, SineTest test) {
  const auto [first, last] = std::minmax_element(thresholds.begin(), thresholds.end());
  const double lsb = std::fabs(linearity(thresholds).lsb);
  test.low = *first - lsb;
  test.high = *last + lsb;
  return test;
}

}  // namespace flare::analysis
