#include "analysis/converters/converter.hpp"

#include <gtest/gtest.h>

#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <numeric>

#include "engine/base/random_stream.hpp"
#include "tests/analysis/levels/column_function.hpp"

namespace flare::analysis {
namespace {

using testing::ColumnFunction;

Converter flash(std::size_t sawl, double offset) {
  std::vector<double> volts;
  for (std::size_t k = 0; k <= sawl; ++k) volts.push_back(0.9 - 0.05 * static_cast<double>(k));
  ConverterOptions options;
  options.offset_sigma_step = offset;
  return make_converter(options, ReferenceLevels(volts));
}

TEST(Converter, ThresholdsLieMidwayWhateverTheCompression) {
  const ReferenceLevels reference({0.90, 0.84, 0.80, 0.78});
  const Converter converter = make_converter({}, reference);
  ASSERT_EQ(converter.codes(), 4U);
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(reference.to_volts(converter.thresholds[j]),
                0.5 * (reference.volts()[j] + reference.volts()[j + 1]), 1e-15);
  }
  EXPECT_NEAR(reference.step(), -0.04, 1e-15);
  EXPECT_THROW(ReferenceLevels({0.9, 0.8, 0.85}), std::invalid_argument);
  EXPECT_THROW(ReferenceLevels({0.9}), std::invalid_argument);
}

TEST(Converter, OffsetInVoltsBecomesSteps) {
  ConverterOptions options;
  options.offset_sigma_volt = 1.2e-3;
  const Converter converter = make_converter(options, ReferenceLevels({0.9, 0.86, 0.82}));
  EXPECT_NEAR(converter.offset_sigma, 0.03, 1e-12);
}

TEST(Converter, EnobNoiseIsTheOneOfItsDefinition) {
  ConverterOptions options;
  options.kind = ConverterKind::enob;
  options.enob = 5.5;
  std::vector<double> volts;
  for (int k = 0; k <= 8; ++k) volts.push_back(0.9 - 0.05 * k);
  const Converter converter = make_converter(options, ReferenceLevels(volts));
  EXPECT_EQ(converter.codes(), 9U);
  EXPECT_NEAR(converter.read_noise_sigma, 9.0 / std::pow(2.0, 5.5) / std::sqrt(12.0), 1e-14);
  EXPECT_EQ(converter.offset_sigma, 0.0);
}

TEST(Converter, FewerCodesThanLevelsRoundByAFixedRule) {
  ConverterOptions options;
  options.kind = ConverterKind::enob;
  options.enob = 3.0;
  std::vector<double> volts;
  for (int k = 0; k <= 8; ++k) volts.push_back(0.9 - 0.05 * k);
  const Converter converter = make_converter(options, ReferenceLevels(volts));
  EXPECT_EQ(converter.codes(), 8U);
  EXPECT_EQ(converter.code_of_level, (std::vector<std::size_t>{0, 0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_DOUBLE_EQ(converter.reconstruct[0], 0.5);
  EXPECT_DOUBLE_EQ(converter.reconstruct[7], 8.0);
  // Every level keeps half a step to the thresholds, and the nominal level gets its own code.
  for (std::size_t k = 0; k <= 8; ++k) {
    std::size_t code = 0;
    for (const double t : converter.thresholds) {
      code += t < static_cast<double>(k) ? 1 : 0;
      EXPECT_GE(std::fabs(t - static_cast<double>(k)), 0.5 - 1e-12);
    }
    EXPECT_EQ(code, converter.code_of_level[k]);
  }
}

TEST(Converter, OptionsAreChecked) {
  std::string error;
  ConverterOptions options;
  options.kind = ConverterKind::enob;
  EXPECT_FALSE(options.is_valid(&error));
  EXPECT_NE(error.find("enob"), std::string::npos);
  options.enob = 6.0;
  EXPECT_TRUE(options.is_valid(&error));
  options.offset_sigma_step = 0.1;
  EXPECT_FALSE(options.is_valid(&error));
  options = {};
  options.offset_sigma_step = -1.0;
  EXPECT_FALSE(options.is_valid(nullptr));
  options = {};
  options.name = "a/b";
  EXPECT_FALSE(options.is_valid(nullptr));
}

// One comparator, normal level, normal offset: closed form, kept to 1e-30.
TEST(CodeProbabilities, KeepTheirRelativeAccuracyFarOut) {
  for (const double offset : {0.0, 0.02, 0.1}) {
    const Converter converter = flash(2, offset);
    for (const double sigma : {0.03, 0.05, 0.12}) {
      const LevelShape level(Family::shifted_lognormal, 0.0, sigma, 0.0, 3.0);
      const std::vector<double> p = code_probabilities(level, converter);
      const double beta = 0.5 / std::hypot(sigma, offset);
      if (beta > 11.6) continue;
      // Code 2 needs the second comparator too; where it is not negligible it is part of the sum.
      EXPECT_NEAR((p[1] + p[2]) / normal_tail(beta), 1.0, offset > 0.05 ? 1e-3 : 1e-7)
          << sigma << " " << offset;
      EXPECT_NEAR(p[0] + p[1] + p[2], 1.0, 1e-12);
    }
  }
}

// Against plain drawing of levels, offsets and noise, every code of every level.
TEST(CodeProbabilities, AgreeWithDrawing) {
  constexpr int draws = 400'000;
  for (const bool behavioural : {false, true}) {
    ConverterOptions options;
    options.kind = behavioural ? ConverterKind::enob : ConverterKind::ideal;
    options.enob = behavioural ? 3.4 : 0.0;
    options.offset_sigma_step = behavioural ? 0.0 : 0.2;
    options.read_noise_sigma_step = behavioural ? 0.0 : 0.1;
    const Converter converter = make_converter(options, ReferenceLevels({0.9, 0.84, 0.80, 0.76, 0.73}));
    const LevelShape level(Family::sinh_arcsinh, 2.05, 0.3, 0.3, 3.0);
    const std::vector<double> exact = code_probabilities(level, converter);
    EXPECT_NEAR(std::accumulate(exact.begin(), exact.end(), 0.0), 1.0, 1e-12);
    std::vector<double> counted(converter.codes(), 0.0);
    for (int i = 0; i < draws; ++i) {
      engine::RandomStream stream(4, behavioural ? "behavioural" : "flash", static_cast<std::uint64_t>(i));
      boost::random::normal_distribution<double> normal;
      const double x = level.level(normal(stream));
      const double common = behavioural ? converter.read_noise_sigma * normal(stream) : 0.0;
      std::size_t code = 0;
      for (const double t : converter.thresholds) {
        const double own = behavioural ? 0.0
                                       : converter.offset_sigma * normal(stream) +
                                             converter.read_noise_sigma * normal(stream);
        code += t + own < x + common ? 1 : 0;
      }
      counted[code] += 1.0 / draws;
    }
    for (std::size_t c = 0; c < counted.size(); ++c) {
      // 4.5 standard errors per code: false-alarm rate below 1e-4 over all ten.
      EXPECT_NEAR(counted[c], exact[c], 4.5 * std::sqrt(exact[c] * (1.0 - exact[c]) / draws) + 1e-9) << c;
    }
  }
}

std::vector<LevelFit> column_levels(int sawl, std::size_t runs, double sigma_vt = 0.0145) {
  std::vector<LevelFit> levels;
  for (int k = 0; k <= sawl; ++k) {
    ColumnFunction column;
    column.cells = std::max(k, 1);
    column.sigma_vt = k == 0 ? 0.001 : sigma_vt;
    column.sigma_beta = 0.0;
    column.compression = 0.0;
    std::vector<double> samples = column.sample(31 + static_cast<std::uint64_t>(k), 0, runs);
    if (k == 0) {
      for (double& x : samples) x += column.step;
    }
    levels.push_back(LevelFit::from_samples(samples));
  }
  return levels;
}

TEST(Convert, ErrorIsTheOffDiagonalMassAndLiesInItsInterval) {
  const std::vector<LevelFit> levels = column_levels(8, 400);
  std::vector<double> means;
  for (const LevelFit& level : levels) means.push_back(level.moments().mean);
  ConverterOptions options;
  options.offset_sigma_step = 0.03;
  const ConvertedPoint point = convert(levels, ReferenceLevels(means), options);
  ASSERT_EQ(point.confusion.rows(), 9);
  ASSERT_EQ(point.confusion.cols(), 9);
  EXPECT_EQ(point.tails.size(), 16U);
  for (Eigen::Index k = 0; k < 9; ++k) {
    EXPECT_NEAR(point.confusion.row(k).sum(), 1.0, 1e-12);
    const TailProbability& error = point.errors[static_cast<std::size_t>(k)];
    EXPECT_LE(error.low, error.p);
    EXPECT_GE(error.high, error.p);
    double tails = 0.0;
    for (const LevelTail& tail : point.tails) {
      if (tail.k == static_cast<std::size_t>(k)) tails += tail.probability.p;
    }
    EXPECT_NEAR(error.p / tails, 1.0, 1e-4);
  }
  // Cells add up: the topmost levels err most.
  EXPECT_GE(point.worst_level, 6U);
  EXPECT_EQ(point.worst().status, TailStatus::extrapolated);
}

TEST(Convert, WideLevelsAreReachedByTheRuns) {
  const std::vector<LevelFit> levels = column_levels(8, 2000, 0.06);
  std::vector<double> means;
  for (const LevelFit& level : levels) means.push_back(level.moments().mean);
  const ConvertedPoint point = convert(levels, ReferenceLevels(means), {});
  EXPECT_EQ(point.worst().status, TailStatus::estimated);
  // Shares counted in the same samples.
  const LevelFit& top = levels[point.worst_level];
  const ReferenceLevels reference(means);
  double counted = 0.0;
  for (const LevelTail& tail : point.tails) {
    if (tail.k != point.worst_level) continue;
    const std::size_t j = tail.direction == Direction::down ? point.worst_level - 1 : point.worst_level;
    const double t = reference.to_volts(point.converter.thresholds[j]);
    counted += top.empirical_tail(t, tail.direction == Direction::down ? Side::above : Side::below).p;
  }
  EXPECT_NEAR(point.worst().p / counted, 1.0, 0.25);
}

TEST(Convert, FixedReferencesCostWhatTheLevelsMoved) {
  const std::vector<LevelFit> levels = column_levels(4, 400);
  std::vector<double> tracking;
  std::vector<double> fixed;
  for (const LevelFit& level : levels) {
    tracking.push_back(level.moments().mean);
    fixed.push_back(level.moments().mean + 0.1 * (0.9 - level.moments().mean));
  }
  const double with_tracking = convert(levels, ReferenceLevels(tracking), {}).worst().sigma();
  const double with_fixed = convert(levels, ReferenceLevels(fixed), {}).worst().sigma();
  EXPECT_LT(with_fixed, with_tracking - 1.0);
}

// One direction refused: the level has no number, and in words what the other one says.
TEST(Convert, ARefusedTailTakesTheLevelsNumberAway) {
  const std::vector<LevelFit> levels = column_levels(2, 200);
  ConvertedPoint point =
      convert(levels, ReferenceLevels({0.9, levels[1].moments().mean, levels[2].moments().mean}), {});
  LevelTail refused{1, Direction::down, {}};
  refused.probability.method = "automatic: too few runs";
  replace_tails(point, {refused});
  EXPECT_EQ(point.worst_level, 1u);
  EXPECT_EQ(point.worst_direction, Direction::down);
  EXPECT_TRUE(std::isnan(point.worst().p));
  EXPECT_NE(point.worst().method.find("too few runs (up alone: "), std::string::npos) << point.worst().method;
  EXPECT_NEAR(point.confusion.row(1).sum(), 1.0, 1e-12);
}

TEST(Convert, ALevelWithoutALawIsRefused) {
  std::vector<LevelFit> levels = column_levels(2, 200);
  levels[1] = LevelFit::from_samples(std::vector<double>(40, levels[1].moments().mean));
  const ConvertedPoint point =
      convert(levels, ReferenceLevels({0.9, levels[1].moments().mean, levels[2].moments().mean}), {});
  EXPECT_EQ(point.errors[1].status, TailStatus::refused);
  EXPECT_TRUE(std::isnan(point.errors[1].p));
  EXPECT_EQ(point.worst_level, 1u) << "what is not known is the worst";
  EXPECT_NE(point.errors[1].method.find("all samples are equal"), std::string::npos)
      << point.errors[1].method;
  EXPECT_NEAR(point.confusion.row(1).sum(), 1.0, 1e-12);
  EXPECT_THROW(convert(levels, ReferenceLevels({0.9, 0.8}), {}), std::invalid_argument);
}

// Eight thresholds of a falling bitline, each with a spread of its own.
MeasuredThresholds measured_flash() {
  MeasuredThresholds measured;
  measured.lsb = -0.05;
  for (int k = 0; k < 8; ++k) {
    measured.threshold.push_back(0.875 - 0.05 * k);
    measured.shift.push_back(1e-3 * k);
    measured.sigma.push_back((1.0 + 0.1 * k) * 1e-3);
    measured.noise.push_back(0.5e-3);
  }
  return measured;
}

std::vector<double> falling(int sawl, double step) {
  std::vector<double> volts;
  for (int k = 0; k <= sawl; ++k) volts.push_back(0.9 - step * k);
  return volts;
}

ConverterOptions measured_options(const MeasuredThresholds& measured) {
  ConverterOptions options;
  options.name = "measured";
  options.kind = ConverterKind::measured;
  options.measured = measured;
  return options;
}

TEST(MeasuredConverter, HasTheShiftAndSpreadOfEachThreshold) {
  const Converter converter =
      make_converter(measured_options(measured_flash()), ReferenceLevels(falling(8, 0.05)));
  ASSERT_EQ(converter.thresholds.size(), 8u);
  for (std::size_t t = 0; t < 8; ++t) {
    const double k = static_cast<double>(t);
    // The bitline falls by 50 mV a step: a shift upwards is one towards lower codes.
    EXPECT_NEAR(converter.thresholds[t], k + 0.5 - 0.02 * k, 1e-12);
    EXPECT_NEAR(converter.threshold_sigma(t), std::hypot(1.0 + 0.1 * k, 0.5) / 50.0, 1e-12);
  }
  EXPECT_FALSE(converter.common);
}

// All thresholds alike is the flash with one offset; every code probability follows.
TEST(MeasuredConverter, WithEqualSpreadsIsTheIdealFlash) {
  MeasuredThresholds measured = measured_flash();
  measured.shift.assign(8, 0.0);
  measured.sigma.assign(8, 2e-3);
  measured.noise.assign(8, 0.0);
  ConverterOptions ideal;
  ideal.offset_sigma_volt = 2e-3;
  const ReferenceLevels reference(falling(8, 0.05));
  const Converter a = make_converter(measured_options(measured), reference);
  const Converter b = make_converter(ideal, reference);
  const LevelShape level(Family::shifted_lognormal, 3.0, 0.08, 0.1, 3.0);
  const std::vector<double> pa = code_probabilities(level, a);
  const std::vector<double> pb = code_probabilities(level, b);
  for (std::size_t c = 0; c < pa.size(); ++c) EXPECT_NEAR(pa[c], pb[c], 1e-12 * pb[c] + 1e-300);
}

TEST(MeasuredConverter, ASarStandsOnItsOwnStep) {
  MeasuredThresholds sar = measured_flash();
  sar.one_comparator = true;
  sar.shift.assign(8, 0.0);
  sar.lsb = -0.048;
  const ReferenceLevels reference(falling(8, 0.05));
  const Converter converter = make_converter(measured_options(sar), reference);
  EXPECT_TRUE(converter.common);
  for (std::size_t t = 0; t < 8; ++t) {
    EXPECT_NEAR(converter.thresholds[t], 4.0 + (static_cast<double>(t) - 3.5) * 0.96, 1e-12);
  }
  // Of levels further apart it takes every fourth code.
  const Converter two = make_converter(measured_options(sar), ReferenceLevels(falling(2, 0.2)));
  EXPECT_NEAR((two.thresholds[1] - two.thresholds[0]) * 0.2, 4 * 0.048, 1e-12);
  EXPECT_THROW(make_converter(measured_options(sar), ReferenceLevels(falling(16, 0.02))),
               std::invalid_argument);
}

TEST(MeasuredConverter, RefusesWhereItWasNotMeasured) {
  EXPECT_THROW(make_converter(measured_options(measured_flash()), ReferenceLevels(falling(8, 0.08))),
               std::invalid_argument);
  ConverterOptions none;
  none.kind = ConverterKind::measured;
  EXPECT_FALSE(none.is_valid(nullptr));
}

}  // namespace
}  // namespace flare::analysis
