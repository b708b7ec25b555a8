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

// `sorted`: ascending. Of a common noise the tripped thresholds are the lowest ones: E[c^2] = sum (2k - 1) P(c >= k).
CodeMoments code_moments(const std::vector<double>& sorted, double input, const SineTest& test) {
  const auto below = [&](double value) {
    return static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin());
  };
  const std::size_t sure = below(input - noise_reach * test.noise_sigma);
  const std::size_t end = below(input + noise_reach * test.noise_sigma);
  double more = 0.0;  // E[c] - sure
  double square = 0.0;
  double independent = 0.0;
  for (std::size_t k = sure; k < end && test.noise_sigma > 0.0; ++k) {
    const double tripped = normal_tail((sorted[k] - input) / test.noise_sigma);
    more += tripped;
    square += (2.0 * static_cast<double>(k - sure) + 1.0) * tripped;
    independent += tripped * (1.0 - tripped);
  }
  const double common = std::max(0.0, square - more * more);
  return {static_cast<double>(sure) + more, test.entry == NoiseEntry::input ? common : independent};
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
  std::vector<double> sorted = thresholds;
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> record;
  record.reserve(test.samples);
  double variance = 0.0;
  for (std::size_t i = 0; i < test.samples; ++i) {
    const CodeMoments code = code_moments(sorted, sine_input(test, i), test);
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
