#include "analysis/levels/level_fit.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "tests/analysis/levels/column_function.hpp"

namespace flare::analysis {
namespace {

using testing::ColumnFunction;

// Moments of a shape by trapezoidal quadrature over z, independent of how the shape was solved for.
std::array<double, 4> moments_of(const LevelShape& shape) {
  std::array<double, 5> raw{};
  const double h = 0.01;
  double mean = 0.0;
  for (double z = -12.0; z <= 12.0; z += h) mean += h * normal_density(z) * shape.level(z);
  for (double z = -12.0; z <= 12.0; z += h) {
    const double d = shape.level(z) - mean;
    for (std::size_t i = 2; i < 5; ++i) raw[i] += h * normal_density(z) * std::pow(d, static_cast<double>(i));
  }
  return {mean, std::sqrt(raw[2]), raw[3] / std::pow(raw[2], 1.5), raw[4] / (raw[2] * raw[2])};
}

TEST(LevelShape, HasTheMomentsItWasGiven) {
  for (const double skewness : {-0.8, -0.1, 0.0, 1e-9, 0.03, 0.6}) {
    for (const Family family : {Family::shifted_lognormal, Family::sinh_arcsinh}) {
      const auto m = moments_of(LevelShape(family, 0.6, 0.004, skewness, 3.0));
      EXPECT_NEAR(m[0], 0.6, 1e-9);
      EXPECT_NEAR(m[1], 0.004, 1e-10);
      EXPECT_NEAR(m[2], skewness, 1e-5) << to_string(family);
    }
  }
  for (const auto& [skewness, kurtosis] : {std::pair{0.0, 2.7}, {0.1, 3.5}, {-0.3, 4.0}, {0.2, 3.0}}) {
    const auto m = moments_of(LevelShape(Family::sinh_arcsinh_4, 0.6, 0.004, skewness, kurtosis));
    EXPECT_NEAR(m[2], skewness, 1e-6);
    EXPECT_NEAR(m[3], kurtosis, 1e-5);
  }
}

TEST(LevelShape, IncreasesAndInverts) {
  const LevelShape shapes[] = {{Family::shifted_lognormal, 0.6, 0.004, -0.5, 3.0},
                               {Family::sinh_arcsinh, 0.6, 0.004, 0.4, 3.0},
                               {Family::sinh_arcsinh_4, 0.6, 0.004, 0.1, 2.8}};
  for (const LevelShape& shape : shapes) {
    double last = -1e300;
    for (double z = -9.0; z <= 9.0; z += 0.5) {
      const double level = shape.level(z);
      EXPECT_GT(level, last);
      EXPECT_NEAR(shape.z(level), z, 1e-6) << to_string(shape.family());
      last = level;
    }
  }
}

TEST(LevelShape, RefusesMomentsOutOfReach) {
  EXPECT_THROW(LevelShape(Family::sinh_arcsinh, 0, 1, 1.45, 3), std::domain_error);
  EXPECT_THROW(LevelShape(Family::shifted_lognormal, 0, 0.0, 0.1, 3), std::invalid_argument);
}

// Normal plus normal noise has a closed form; a probability of 1e-30 keeps eight digits.
TEST(NoisyTail, AgreesWithTheClosedForm) {
  const LevelShape normal(Family::shifted_lognormal, 2.0, 0.5, 0.0, 3.0);
  for (const double noise : {1e-3, 0.05, 0.5, 4.0}) {
    for (const double beta : {-2.0, 1.0, 4.0, 6.0, 11.5, 25.0}) {
      const double t = 2.0 + beta * std::hypot(0.5, noise);
      const double above = normal_tail(noisy_tail_sigma(normal, t, Side::above, noise));
      EXPECT_NEAR(above / normal_tail(beta), 1.0, 1e-8) << noise << " " << beta;
      const double below = normal_tail(noisy_tail_sigma(normal, 4.0 - t, Side::below, noise));
      EXPECT_NEAR(below / normal_tail(beta), 1.0, 1e-8) << noise << " " << beta;
    }
  }
  EXPECT_NEAR(noisy_tail_sigma(normal, 5.0, Side::above, 0.0), 6.0, 1e-12);
}

// The fit of 2,000 runs against 4,000,000 plain Monte Carlo runs of the same function at 3 and 4 sigma.
TEST(LevelFit, AgreesWithPlainMonteCarloAtThreeToFourSigma) {
  for (const double compression : {0.0, 0.16}) {
    ColumnFunction column;
    column.compression = compression;
    const LevelFit fit = LevelFit::from_samples(column.sample(5, 0, 2000));
    const LevelFit plain = LevelFit::from_samples(column.sample(5, 1'000'000, 4'000'000));
    for (const Side side : {Side::below, Side::above}) {
      for (const double beta : {3.0, 3.5, 4.0}) {
        const double t = plain.moments().mean + (side == Side::below ? -beta : beta) * plain.moments().sigma;
        const TailProbability counted = plain.empirical_tail(t, side);
        const TailProbability fitted = fit.tail(t, side);
        EXPECT_EQ(counted.status, TailStatus::estimated);
        EXPECT_EQ(fitted.status, TailStatus::extrapolated);
        EXPECT_LE(fitted.low, counted.high) << beta;
        EXPECT_GE(fitted.high, counted.low) << beta;
        // The interval is worth something: no wider than +-0.5 sigma here.
        EXPECT_LT(fitted.sigma_high() - fitted.sigma_low(), 1.0);
      }
    }
  }
}

// The exact tail by convolution is itself checked by counting.
TEST(ColumnFunction, ExactTailAgreesWithCounting) {
  ColumnFunction column;
  const LevelFit plain = LevelFit::from_samples(column.sample(17, 0, 1'000'000));
  for (const double beta : {-3.5, -2.0, 1.0, 3.5}) {
    const double t = plain.moments().mean + beta * plain.moments().sigma;
    const TailProbability below = plain.empirical_tail(t, Side::below);
    EXPECT_NEAR(column.exact_below(t) / below.p, 1.0, 4.0 * std::sqrt((1.0 - below.p) / (below.p * 1e6)));
    EXPECT_NEAR(column.exact_below(t) + column.exact_above(t), 1.0, 1e-9);
  }
}

struct Threshold {
  double level, exact, beta;
  Side side;
};

// Thresholds 3, 4 and 6 sample sigmas out on both sides, with their exact probabilities.
std::vector<Threshold> thresholds_of(const ColumnFunction& column) {
  const Moments wide = estimate_moments(column.sample(3, 0, 100'000));
  std::vector<Threshold> thresholds;
  for (const double beta : {3.0, 4.0, 6.0}) {
    const double below = wide.mean - beta * wide.sigma;
    const double above = wide.mean + beta * wide.sigma;
    thresholds.push_back({below, column.exact_below(below), -beta, Side::below});
    thresholds.push_back({above, column.exact_above(above), beta, Side::above});
  }
  return thresholds;
}

// Share of 95 % intervals that hold the exact value, 200 repeats each (binomial standard error 0.015 at
// 0.95): at least 0.91, at 3, 4 and 6 sigma, both sides. No upper limit: the spread between families makes
// them conservative.
TEST(LevelFit, IntervalsCoverTheExactTail) {
  constexpr int repeats = 200;
  for (const double compression : {0.0, 0.16}) {
    ColumnFunction column;
    column.compression = compression;
    const std::vector<Threshold> thresholds = thresholds_of(column);
    std::vector<int> covered(thresholds.size(), 0);
    for (int repeat = 1; repeat <= repeats; ++repeat) {
      const LevelFit fit =
          LevelFit::from_samples(column.sample(3, static_cast<std::uint64_t>(repeat) * 1'000'000, 500));
      for (std::size_t i = 0; i < thresholds.size(); ++i) {
        const TailProbability p = fit.tail(thresholds[i].level, thresholds[i].side);
        covered[i] += p.low <= thresholds[i].exact && thresholds[i].exact <= p.high ? 1 : 0;
      }
    }
    for (std::size_t i = 0; i < thresholds.size(); ++i) {
      EXPECT_GE(covered[i], repeats * 91 / 100)
          << "beta " << thresholds[i].beta << " compression " << compression;
    }
  }
}

// The same with the inputs as control variates, where intervals are ten times narrower and the law itself is
// what could be wrong: up to twice the spread, a strongly compressing bitline, few and many cells.
TEST(LevelFit, NarrowIntervalsCoverTheExactTail) {
  constexpr int repeats = 120;
  for (const int cells : {2, 8}) {
    for (const double compression : {0.0, 0.16}) {
      for (const double sigma_vt : {0.0145, 0.03}) {
        ColumnFunction column;
        column.cells = cells;
        column.compression = compression;
        column.sigma_vt = sigma_vt;
        const std::vector<Threshold> thresholds = thresholds_of(column);
        std::vector<int> covered(thresholds.size(), 0);
        double widest = 0.0;
        for (int repeat = 1; repeat <= repeats; ++repeat) {
          engine::Matrix points;
          std::vector<double> samples =
              column.sample(3, static_cast<std::uint64_t>(repeat) * 1'000'000, 300, 8, &points);
          const LevelFit fit = LevelFit::from_runs(std::move(samples), points);
          for (std::size_t i = 0; i < thresholds.size(); ++i) {
            const TailProbability p = fit.tail(thresholds[i].level, thresholds[i].side);
            covered[i] += p.low <= thresholds[i].exact && thresholds[i].exact <= p.high ? 1 : 0;
            widest = std::max(widest, p.sigma_high() - p.sigma_low());
          }
        }
        for (std::size_t i = 0; i < thresholds.size(); ++i) {
          EXPECT_GE(covered[i], repeats * 91 / 100)
              << "beta " << thresholds[i].beta << ", " << cells << " cells, compression " << compression
              << ", sigma_vt " << sigma_vt;
        }
        EXPECT_LT(widest, 3.0) << "worth something in every repeat";
      }
    }
  }
}

TEST(LevelFit, StatusFollowsTheRunsMade) {
  ColumnFunction column;
  const LevelFit fit = LevelFit::from_samples(column.sample(2, 0, 1000));
  const double mean = fit.moments().mean;
  const double sigma = fit.moments().sigma;
  EXPECT_EQ(fit.tail(mean + sigma, Side::above).status, TailStatus::estimated);
  EXPECT_EQ(fit.tail(mean + 5.0 * sigma, Side::above).status, TailStatus::extrapolated);
  const TailProbability none = fit.empirical_tail(mean + 6.0 * sigma, Side::above);
  EXPECT_EQ(none.status, TailStatus::bound);
  // 1 - 0.05^(1/1000): the rule of three.
  EXPECT_NEAR(none.p, 1.0 - std::pow(0.05, 1e-3), 1e-9);
  EXPECT_EQ(none.low, 0.0);
  EXPECT_TRUE(none.is_upper_bound());
}

TEST(LevelFit, UnknownRunsWidenTheBracket) {
  ColumnFunction column;
  const std::vector<double> samples = column.sample(2, 0, 998);
  const LevelFit clean = LevelFit::from_samples(samples);
  const LevelFit holed = LevelFit::from_samples(samples, 2);
  const double t = clean.moments().mean + 5.0 * clean.moments().sigma;
  EXPECT_DOUBLE_EQ(holed.tail(t, Side::above).p, clean.tail(t, Side::above).p);
  EXPECT_GE(holed.tail(t, Side::above).high, 0.002);
  EXPECT_LE(holed.tail(t, Side::above).low, clean.tail(t, Side::above).low);
  EXPECT_GT(holed.empirical_tail(t, Side::above).high, clean.empirical_tail(t, Side::above).high);
}

// A sample that is no bent normal law: two clumps. The kurtosis gives it away and costs the lognormal.
TEST(LevelFit, KurtosisGetsAParameterWhereTheSampleAsksForIt) {
  ColumnFunction column;
  std::vector<double> samples = column.sample(8, 0, 2000);
  const double mean = estimate_moments(samples).mean;
  for (std::size_t i = 0; i < samples.size(); i += 4) samples[i] = mean + 3.0 * (samples[i] - mean);
  const LevelFit fit = LevelFit::from_samples(samples);
  EXPECT_GT(fit.moments().kurtosis, 4.0);
  EXPECT_EQ(fit.method(), "fit sinh-arcsinh-4");
}

TEST(LevelFit, RefusesWhatIsNoLevel) {
  EXPECT_TRUE(LevelFit::from_samples({0.1, 0.2}).refused());
  EXPECT_TRUE(LevelFit::from_samples(std::vector<double>(50, 0.4)).refused());
  std::vector<double> outlier(200, 0.0);
  for (std::size_t i = 0; i < 200; ++i) outlier[i] = 1e-3 * static_cast<double>(i % 7);
  outlier[3] = 5.0;
  const LevelFit fit = LevelFit::from_samples(outlier);
  EXPECT_TRUE(fit.refused());
  EXPECT_THROW(fit.shape(), std::logic_error);
  const TailProbability p = fit.tail(1.0, Side::above);
  EXPECT_EQ(p.status, TailStatus::refused);
  EXPECT_TRUE(std::isnan(p.p));
  EXPECT_TRUE(std::isnan(p.high));
  EXPECT_NE(p.method.find("1 of 200 runs"), std::string::npos) << p.method;
  EXPECT_TRUE(LevelFit::from_samples({}).refused());
  EXPECT_TRUE(std::isnan(LevelFit::from_samples({}).empirical_tail(0.0, Side::above).p));
}

// The lower tail of a lognormal ends: beyond it the law says never, and the number is a limit, not a small P.
TEST(LevelFit, ALawThatEndsBeforeTheLimitGivesABound) {
  Moments moments;
  moments.runs = 1000;
  moments.sigma = 1.0;
  moments.skewness = 1.0;
  moments.kurtosis = 4.8;
  moments.covariance = 1e-6 * Eigen::Matrix4d::Identity();
  moments.covariance(3, 3) = 1.0;  // leaves the lognormal in place
  const LevelFit fit = LevelFit::from_moments(moments, std::vector<double>(1000, 0.0));
  ASSERT_FALSE(fit.refused());
  const TailProbability p = fit.tail(-40.0, Side::below);
  EXPECT_EQ(p.status, TailStatus::bound);
  EXPECT_TRUE(p.is_upper_bound());
  EXPECT_EQ(p.low, 0.0);
  EXPECT_GT(p.p, 0.0);
}

TEST(LevelFit, AffineMapLeavesProbabilitiesAlone) {
  ColumnFunction column;
  const LevelFit volts = LevelFit::from_samples(column.sample(2, 0, 500));
  const LevelFit steps = volts.affine(0.9 / 0.045, -1.0 / 0.045);
  for (const double t : {0.51, 0.55, 0.58}) {
    const TailProbability a = volts.tail(t, Side::below);
    const TailProbability b = steps.tail((0.9 - t) / 0.045, Side::above);
    EXPECT_NEAR(a.sigma(), b.sigma(), 1e-8);
    EXPECT_NEAR(a.sigma_low(), b.sigma_low(), 1e-7);
    EXPECT_EQ(a.status, b.status);
  }
}

}  // namespace
}  // namespace flare::analysis
