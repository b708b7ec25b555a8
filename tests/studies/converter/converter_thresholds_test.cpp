// Thresholds over dies: what trims, ladders and capacitor arrays make of offsets. Arithmetic, no simulator.
#include "studies/converter/converter_thresholds.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/sampling.hpp"
#include "studies/converter/flash_bench.hpp"
#include "studies/converter/sar_bench.hpp"

namespace flare::studies {
namespace {

// Four thresholds, `dies` offsets each that `at` gives by threshold and die.
template <typename Offset>
MeasuredCorner corner_of(const std::string& name, std::size_t dies, const Offset& at) {
  MeasuredCorner corner;
  corner.name = name;
  corner.supply = 0.9;
  corner.thresholds = {0.85, 0.8, 0.75, 0.7};
  corner.common_modes = corner.thresholds;
  corner.kicks.assign(4, 0.0);
  for (std::size_t k = 0; k < 4; ++k) {
    std::vector<double>& own = corner.offsets.emplace_back();
    for (std::size_t die = 0; die < dies; ++die) own.push_back(at(k, die));
  }
  corner.first_order.assign(4, 1e-3);
  corner.noise.assign(4, 1e-4);
  corner.decision_times.assign(4, 1e-10);
  return corner;
}

double spread_of(const std::vector<double>& values) {
  double mean = 0.0;
  for (const double v : values) mean += v / static_cast<double>(values.size());
  double square = 0.0;
  for (const double v : values) square += (v - mean) * (v - mean);
  return std::sqrt(square / static_cast<double>(values.size() - 1));
}

TEST(ConverterThresholds, WithoutMismatchAreTheNominalOnes) {
  const MeasuredCorner corner = corner_of("tt", 20, [](auto, auto) { return 0.0; });
  const analysis::AdcFigureRow figures = linearity_figures(corner, corner, {}, {});
  EXPECT_NEAR(figures.inl, 0.0, 1e-12);
  EXPECT_NEAR(figures.die_inl, 0.0, 1e-12);
  EXPECT_DOUBLE_EQ(figures.die_enob, figures.enob);
  EXPECT_EQ(figures.codes, 5);
  for (const auto& row : threshold_rows(corner, corner, {}, {})) {
    EXPECT_EQ(row.offset_sigma, 0.0);
    EXPECT_EQ(row.left_sigma, 0.0);
    EXPECT_EQ(row.unknown, 0);
  }
}

// A fine trim leaves nothing where it was set, and the drift elsewhere.
TEST(ConverterThresholds, ATrimLeavesTheDrift) {
  const engine::Matrix z = engine::draw({3, "dies", engine::Design::random, 400}, 0, 400, 8);
  const auto nominal = corner_of("tt", 400, [&](std::size_t k, std::size_t die) {
    return 8e-3 * z(static_cast<Eigen::Index>(die), static_cast<Eigen::Index>(k));
  });
  const auto cold = corner_of("ss", 400, [&](std::size_t k, std::size_t die) {
    const auto d = static_cast<Eigen::Index>(die);
    return 8e-3 * z(d, static_cast<Eigen::Index>(k)) + 1e-3 * z(d, static_cast<Eigen::Index>(k + 4));
  });
  const Trim fine{14, 64e-3, 1e-12};
  for (const auto& row : threshold_rows(nominal, nominal, {}, fine)) {
    EXPECT_LT(row.left_sigma, fine.lsb());
    EXPECT_EQ(row.drift_sigma, 0.0);
    EXPECT_GT(row.offset_sigma, 7e-3);
  }
  for (const auto& row : threshold_rows(cold, nominal, {}, fine)) {
    EXPECT_NEAR(row.left_sigma, row.drift_sigma, 1e-6);
    EXPECT_NEAR(row.drift_sigma, 1e-3, 4e-3 / std::sqrt(800.0));
  }
  // A coarse one adds a uniform +-LSB/2.
  const Trim coarse{6, 64e-3, 1e-12};
  for (const auto& row : threshold_rows(nominal, nominal, {}, coarse)) {
    EXPECT_NEAR(row.left_sigma, coarse.lsb() / std::sqrt(12.0), 0.1 * coarse.lsb());
  }
}

// The systematic kick of the nominal corner is trimmed too; at another corner its change is left.
TEST(ConverterThresholds, ATrimTakesTheKickAsItIsAtItsCorner) {
  MeasuredCorner nominal = corner_of("tt", 20, [](auto, auto) { return 0.0; });
  MeasuredCorner other = corner_of("ff", 20, [](auto, auto) { return 0.0; });
  nominal.kicks.assign(4, -12e-3);
  other.kicks.assign(4, -15e-3);
  const Trim fine{16, 64e-3, 1e-12};
  EXPECT_NEAR(threshold_rows(other, nominal, {}, fine)[0].left_mean, -3e-3, fine.lsb());
  EXPECT_NEAR(threshold_rows(other, nominal, {}, {})[0].left_mean, -15e-3, 1e-12);
}

TEST(ConverterThresholds, AnUnknownOffsetIsCountedAndItsDieLeftOut) {
  const auto corner = corner_of("tt", 20, [](std::size_t k, std::size_t die) {
    return k == 1 && die == 3 ? NAN : 1e-3 * static_cast<double>(die);
  });
  const auto rows = threshold_rows(corner, corner, {}, {});
  EXPECT_EQ(rows[0].unknown, 0);
  EXPECT_EQ(rows[1].unknown, 1);
  EXPECT_EQ(rows[1].dies, 19);
  EXPECT_TRUE(die_thresholds(corner, corner, {}, {})[3].empty());
  EXPECT_FALSE(die_thresholds(corner, corner, {}, {})[4].empty());
  EXPECT_TRUE(std::isfinite(linearity_figures(corner, corner, {}, {}).die_enob));
}

TEST(ConverterThresholds, ALadderSpreadsAsItsResistorsDo) {
  ConverterPart part = shipped_converter("flash_ladder");
  std::vector<double> taps;
  for (int k = 0; k < 9; ++k) taps.push_back(0.9 - 0.05 * k);
  const std::vector<double> expected = ladder_spread(part, taps);
  EXPECT_EQ(expected.front(), 0.0);
  EXPECT_EQ(expected.back(), 0.0);
  EXPECT_NEAR(expected[4], 0.7e-3, 0.01e-3);
  const engine::Matrix draws = engine::draw({5, "ladder", engine::Design::random, 4000}, 0, 4000, 8);
  const ReferenceSpread dies = ladder_deviations(draws, 0.01);
  for (std::size_t k = 0; k < taps.size(); ++k) {
    std::vector<double> own;
    for (const auto& die : dies) own.push_back(0.4 * die[k]);
    EXPECT_NEAR(spread_of(own), expected[k], 4.0 * expected[k] / std::sqrt(8000.0) + 1e-9) << k;
  }
}

// Var(C_c/C_total) = s^2 ((1 - f)^2 n_c + f^2 (N - n_c))/N^2, f = n_c/N, to first order, without other load.
TEST(ConverterThresholds, AnArraySpreadsAsItsUnitsDo) {
  CapacitorArray array;
  array.bits = 4;
  array.sigma = 0.01;
  const engine::Matrix draws = engine::draw({6, "array", engine::Design::random, 4000}, 0, 4000, 5);
  const ReferenceSpread dies = array_deviations(draws, array, 0.0, 15);
  for (const std::size_t code : {1, 8, 15}) {
    std::vector<double> own;
    for (const auto& die : dies) own.push_back(die[15 - code]);
    const double f = static_cast<double>(code) / 16.0;
    const double expected = 0.01 * std::sqrt(f * (1.0 - f) / 16.0);
    EXPECT_NEAR(spread_of(own), expected, 4.0 * expected / std::sqrt(8000.0) + 2e-5) << code;
  }
}

TEST(ChargeThresholds, OfAnIdealArrayAreEven) {
  const std::vector<double> t = charge_thresholds(binary_weights(4), 1.0, 2.0, 0.9, 0.4);
  ASSERT_EQ(t.size(), 15u);
  for (std::size_t c = 0; c < t.size(); ++c) {
    EXPECT_NEAR(t[c], 0.4 + 0.9 * static_cast<double>(c + 1) / 18.0, 1e-12);
  }
}

}  // namespace
}  // namespace flare::studies
