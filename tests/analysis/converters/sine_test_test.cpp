// Effective bits of converters whose figures are known: ideal, noisy and bent ones.
#include "analysis/converters/sine_test.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "analysis/converters/linearity.hpp"

namespace flare::analysis {
namespace {

// Thresholds 1/2, 3/2, ...: `codes` codes of one LSB from -1/2 to codes - 1/2.
std::vector<double> even(int codes) {
  std::vector<double> t(static_cast<std::size_t>(codes - 1));
  std::iota(t.begin(), t.end(), 0.5);
  return t;
}

SineTest whole_range(int codes, double noise = 0.0, NoiseEntry entry = NoiseEntry::input) {
  return {65'536, -0.5, codes - 0.5, noise, entry, {}};
}

double enob(const std::vector<double>& thresholds, double noise = 0.0, NoiseEntry entry = NoiseEntry::input) {
  return sine_figures(thresholds, whole_range(static_cast<int>(thresholds.size()) + 1, noise, entry)).enob;
}

// The common short form, by which tables of such figures are made: up to 0.001 above the exact one.
double short_enob(const std::vector<double>& thresholds) {
  return (sine_figures(thresholds, whole_range(static_cast<int>(thresholds.size()) + 1)).sinad_db - 1.76) /
         6.02;
}

struct Figure {
  double given;
  double enob;
};

TEST(Enob, OfIdealConvertersIsNotTheirNumberOfBits) {
  for (const auto& [bits, expected] :
       std::vector<Figure>{{2, 1.917}, {3, 2.950}, {4, 3.959}, {5, 4.964}, {6, 5.970}, {8, 7.982}}) {
    EXPECT_NEAR(short_enob(even(1 << static_cast<int>(bits))), expected, 0.0006) << bits << " bits";
  }
  EXPECT_NEAR(short_enob(even(9)), 3.122, 0.0006) << "nine levels";
}

// The expected figures are of one drawn record each, good to 1/sqrt(2 x 65,536) of the rms noise: 0.004 bits.
TEST(Enob, FallsWithNoiseAsTheAddedVarianceSays) {
  for (const auto& [sigma, expected] :
       std::vector<Figure>{{0.1, 7.905}, {0.25, 7.606}, {0.5, 7.028}, {1.0, 6.184}}) {
    EXPECT_NEAR(enob(even(256), sigma), expected, 3 * 0.004) << sigma << " LSB";
    EXPECT_NEAR(enob(even(256), sigma), 8.0 - 0.5 * std::log2(1.0 + 12.0 * sigma * sigma), 0.04);
  }
}

// INL of a parabola of peak P has a second harmonic of amplitude P/2 in a full-scale sine.
TEST(Enob, FallsWithABentTransferAsItsHarmonicSays) {
  for (const auto& [peak, expected] : std::vector<Figure>{{0.5, 7.757}, {1.0, 7.332}, {2.0, 6.593}}) {
    std::vector<double> bent = even(256);
    for (std::size_t k = 0; k < bent.size(); ++k) {
      const double u = (static_cast<double>(k) + 1.0 - 128.0) / 128.0;
      bent[k] += peak * (1.0 - u * u);
    }
    EXPECT_NEAR(enob(bent), expected, 0.0015) << peak << " LSB";
    const double power = 1.0 / 12.0 + peak * peak / 8.0;
    EXPECT_NEAR(enob(bent), 8.0 - 0.5 * std::log2(12.0 * power), 0.02);
    EXPECT_NEAR(linearity(bent).worst_inl, peak, 0.02 * peak);
  }
}

// Mean over dies of nine levels whose thresholds are spread; the figures are good to their own sampling error.
TEST(Enob, HardlySeesThresholdSpread) {
  std::mt19937_64 generator(20260301);
  std::normal_distribution<double> normal;
  for (const auto& [sigma, expected] : std::vector<Figure>{{0.05, 3.106}, {0.1, 3.068}, {0.2, 2.939}}) {
    std::vector<double> values;
    for (int die = 0; die < 400; ++die) {
      std::vector<double> spread = even(9);
      for (double& t : spread) t += sigma * normal(generator);
      SineTest test = whole_range(9);
      test.samples = 4096;
      values.push_back(sine_figures(spread, test).enob);
    }
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / 400.0;
    double variance = 0.0;
    for (const double v : values) variance += (v - mean) * (v - mean) / 399.0;
    EXPECT_NEAR(mean, expected, 4.0 * std::sqrt(variance / 400.0) + 0.0005) << sigma << " step";
  }
}

// The analytic noise against drawn noise, at both entries: 200 records of 1,024 samples.
TEST(Enob, OfDrawnNoiseIsTheAnalyticOne) {
  std::mt19937_64 generator(7);
  std::normal_distribution<double> normal;
  const std::vector<double> t = even(16);
  for (const NoiseEntry entry : {NoiseEntry::input, NoiseEntry::comparators}) {
    SineTest test = whole_range(16, 0.4, entry);
    test.samples = 1024;
    double nad = 0.0;
    for (int record = 0; record < 200; ++record) {
      std::vector<double> codes;
      for (std::size_t i = 0; i < test.samples; ++i) {
        const double common = normal(generator);
        const double input = sine_input(test, i);
        double code = 0.0;
        for (const double threshold : t) {
          const double z = entry == NoiseEntry::input ? common : normal(generator);
          code += input + 0.4 * z > threshold ? 1.0 : 0.0;
        }
        codes.push_back(code);
      }
      const double one = sine_figures_of_codes(codes).nad;
      nad += one * one / 200.0;
    }
    // Three parameters of 1,024 samples are fitted: 0.3 %; 204,800 draws: 0.3 % of the square.
    const double expected = sine_figures(t, test).nad;
    EXPECT_NEAR(nad / (expected * expected), 1.0, 0.015);
  }
}

// A noise for each threshold: all alike is the one noise, and the order of the thresholds does not matter.
TEST(Enob, TakesANoiseOfEachThreshold) {
  SineTest one = whole_range(16, 0.3, NoiseEntry::comparators);
  SineTest each = whole_range(16, 0.0, NoiseEntry::comparators);
  each.noise_sigmas.assign(15, 0.3);
  EXPECT_DOUBLE_EQ(sine_figures(even(16), one).enob, sine_figures(even(16), each).enob);
  each.noise_sigmas[2] = 0.9;
  const double noisier = sine_figures(even(16), each).enob;
  EXPECT_LT(noisier, sine_figures(even(16), one).enob);
  std::vector<double> turned = even(16);
  std::reverse(turned.begin(), turned.end());
  std::reverse(each.noise_sigmas.begin(), each.noise_sigmas.end());
  EXPECT_NEAR(sine_figures(turned, each).enob, noisier, 1e-12);
  each.entry = NoiseEntry::input;
  EXPECT_THROW(sine_figures(turned, each), std::invalid_argument);
}

TEST(Enob, OfARecordOfCodesIsThatOfTheThresholds) {
  const std::vector<double> t = {0.4, 1.7, 2.2, 3.9, 4.5, 5.5, 6.4};
  SineTest test = whole_range(8);
  test.samples = 64;
  std::vector<double> codes;
  for (std::size_t i = 0; i < test.samples; ++i) {
    double code = 0.0;
    for (const double threshold : t) code += sine_input(test, i) > threshold ? 1.0 : 0.0;
    codes.push_back(code);
  }
  EXPECT_DOUBLE_EQ(sine_figures_of_codes(codes).enob, sine_figures(t, test).enob);
}

TEST(Enob, FullScaleIsOneLsbACode) {
  const SineTest test = full_scale(even(9));
  EXPECT_DOUBLE_EQ(test.low, -0.5);
  EXPECT_DOUBLE_EQ(test.high, 8.5);
}

TEST(Enob, RefusesWhatHasNoMeaning) {
  EXPECT_THROW(sine_figures({}, whole_range(2)), std::invalid_argument);
  EXPECT_THROW(sine_figures({NAN}, whole_range(2)), std::invalid_argument);
  EXPECT_THROW(sine_figures({9.0}, whole_range(2)), std::invalid_argument);
  EXPECT_THROW(sine_figures({0.5}, {65'536, 1.0, 0.0, 0.0, NoiseEntry::input, {}}), std::invalid_argument);
  EXPECT_THROW(sine_figures({0.5}, {8, 0.0, 1.0, 0.0, NoiseEntry::input, {}}), std::invalid_argument);
  EXPECT_THROW(sine_figures({0.5}, whole_range(2, -1.0)), std::invalid_argument);
}

TEST(Linearity, OfEvenStepsIsZeroWhicheverWayTheyRun) {
  for (const double step : {0.05, -0.05}) {
    std::vector<double> t;
    for (int k = 1; k < 9; ++k) t.push_back(0.9 + step * k);
    for (const InlLine line : {InlLine::terminal, InlLine::best_line}) {
      const Linearity result = linearity(t, line);
      EXPECT_NEAR(result.lsb, step, 1e-12);
      EXPECT_NEAR(result.offset, 0.9, 1e-12);
      EXPECT_NEAR(result.worst_dnl, 0.0, 1e-12);
      EXPECT_NEAR(result.worst_inl, 0.0, 1e-12);
    }
  }
}

TEST(Linearity, OfOneMovedThresholdIsItsMove) {
  std::vector<double> t = even(9);
  t[3] += 0.25;
  const Linearity result = linearity(t);
  EXPECT_NEAR(result.inl[3], 0.25, 1e-12);
  EXPECT_NEAR(result.dnl[2], 0.25, 1e-12);
  EXPECT_NEAR(result.dnl[3], -0.25, 1e-12);
  const Linearity best = linearity(t, InlLine::best_line);
  EXPECT_NEAR(std::accumulate(best.inl.begin(), best.inl.end(), 0.0), 0.0, 1e-12);
}

TEST(Linearity, OfARampIsThatOfTheThresholds) {
  const std::vector<double> t = {0.4, 1.7, 2.2, 3.9, 4.5, 5.5, 6.4};
  const Linearity exact = linearity(t);
  const Linearity ramp = linearity_of_ramp(ramp_code_density(t, -0.5, 7.5, 80'000));
  for (std::size_t k = 0; k < exact.dnl.size(); ++k) EXPECT_NEAR(ramp.dnl[k], exact.dnl[k], 3e-4);
  for (std::size_t k = 0; k < exact.inl.size(); ++k) EXPECT_NEAR(ramp.inl[k], exact.inl[k], 3e-4);
}

TEST(Linearity, RefusesWhatHasNoLine) {
  EXPECT_THROW(linearity({0.5}), std::invalid_argument);
  EXPECT_THROW(linearity({0.5, 0.5}), std::invalid_argument);
  EXPECT_THROW(linearity({0.5, NAN}), std::invalid_argument);
  EXPECT_THROW(ramp_code_density({0.5}, 1.0, 0.0, 10), std::invalid_argument);
  EXPECT_THROW(linearity_of_ramp({1, 2}), std::invalid_argument);
  EXPECT_THROW(linearity_of_ramp({5, 0, 5}), std::invalid_argument);
}

}  // namespace
}  // namespace flare::analysis
