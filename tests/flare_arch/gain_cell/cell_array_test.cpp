// The array against its definition, numpy's codes and the authors' vectors.
#include "flare_arch/gain_cell/cell_array.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "flare_arch/gain_cell/cell_law.hpp"
#include "tests/flare_arch/gain_cell/plain_cell.hpp"
#include "tests/flare_arch/golden.hpp"

namespace flare::arch {
namespace {

CodeMatrix random_codes(int rows, int columns, int below, unsigned seed) {
  std::mt19937 generator(seed);
  CodeMatrix codes(rows, columns);
  for (Eigen::Index i = 0; i < codes.size(); ++i)
    codes.data()[i] = static_cast<std::uint8_t>(generator() % static_cast<unsigned>(below));
  return codes;
}

HeadCodes random_head(int tokens, int width, unsigned seed) {
  return {random_codes(tokens, width, 16, seed), random_codes(tokens, width, 8, seed + 1),
          random_codes(tokens, width, 8, seed + 2)};
}

PlainCell stored(const CodeMatrix& codes, const MatrixD& currents) {
  return [&codes, &currents](Eigen::Index from, Eigen::Index c, int age) {
    return currents(age, codes(from, c));
  };
}

MatrixD pulses_of(const CodeMatrix& query) { return query.cast<double>() / 15.0; }

/// Counts differ only where single precision decides a tie: the charge is within 1e-4 of one.
void expect_counts(const MatrixI& counts, const MatrixI& expected) {
  const Eigen::Index off = (counts.array() != expected.array()).count();
  EXPECT_LE(static_cast<double>(off), 2e-4 * static_cast<double>(counts.size()));
  EXPECT_LE((counts - expected).cwiseAbs().maxCoeff(), 1);
}

TEST(CellArray, IsItsDefinitionForWindowsAndLengths) {
  const StoredLevels levels;
  for (const int window : {1, 5, 63, 64, 65, 128, 150})
    for (const int tokens : {1, 64, 65, 128, 129, 300}) {
      const HeadCodes codes = random_head(tokens, 24, static_cast<unsigned>(window * 1000 + tokens));
      CellArrayOptions options;
      options.window = window;
      options.key_full_scale = 30e-6;
      options.value_full_scale = 15e-6;
      const MatrixD currents =
          level_currents(paper_law(), levels, exponential_retention(levels, 3e-3), window);
      const PlainHead plain = plain_head(pulses_of(codes.query), stored(codes.key, currents),
                                         stored(codes.value, currents), options);
      const CellArray array(currents, options);
      SCOPED_TRACE(fmt::format("window {}, {} tokens", window, tokens));
      EXPECT_LT((array.pulses(codes).cast<double>() - plain.pulses).cwiseAbs().maxCoeff(), 2e-6);
      expect_counts(array.forward(codes), plain.counts);
    }
}

TEST(CellArray, GivesNumpysCounts) {
  const TensorFile file = golden("gain_cell");
  for (const std::string name : {"one", "odd", "sliding", "ragged"}) {
    const auto codes = [&](const std::string& part) -> CodeMatrix {
      return file.integers(name + "." + part).cast<std::uint8_t>();
    };
    CellArrayOptions options;
    options.window = static_cast<int>(file.integers(name + ".window")(0, 0));
    const StoredLevels levels;
    const double decay = file.floats(name + ".decay")(0, 0);
    const CellArray array(
        level_currents(paper_law(), levels, exponential_retention(levels, decay), options.window), options);
    const MatrixI counts = array.forward({codes("query"), codes("key"), codes("value")});
    const MatrixI expected = golden_integers(file, name + ".counts_and_128").array() - 128;
    const MatrixI near = golden_integers(file, name + ".near");
    ASSERT_EQ(counts.rows(), expected.rows());
    EXPECT_GT(expected.cwiseAbs().maxCoeff(), expected.rows() > 1 ? 3 : -1) << name;
    EXPECT_LT(near.sum(), 0.01 * static_cast<double>(near.size()) + 1) << name;
    const MatrixI off = (1 - near.array()) * (counts - expected).array().abs();
    EXPECT_EQ(off.sum(), 0) << name;
  }
}

/// The definition itself, on the authors' own vectors: not quantised, decay 1e-4 on the whole current.
TEST(CellArray, TheDefinitionGivesTheAuthorsVectors) {
  const TensorFile file = golden("gain_cell_authors");
  const MatrixD k = file.floats("K").cast<double>(), v = file.floats("V").cast<double>();
  const auto cell = [](const MatrixD& voltages) -> PlainCell {
    return [&voltages](Eigen::Index from, Eigen::Index c, int age) {
      return engine::cubic_value(paper_polynomial, voltages(from, c) - 0.45) * std::exp(-1e-4 * age);
    };
  };
  const PlainHead head = plain_head(file.floats("Q").cast<double>(), cell(k), cell(v), {});
  const MatrixD s = file.floats("S").cast<double>();
  for (Eigen::Index t = 0; t < s.rows(); ++t)
    for (Eigen::Index j = 0; j <= t; ++j) ASSERT_NEAR(head.sums(t, j) * 1e6, s(t, j), 1.1e-4);
  EXPECT_LT((head.pulses - file.floats("phi_S").cast<double>()).cwiseAbs().maxCoeff(), 1.1e-6);
  const MatrixD out = head.charges.cwiseMax(-1.0).cwiseMin(1.0);
  EXPECT_LT((out - file.floats("output").cast<double>()).cwiseAbs().maxCoeff(), 1.2e-6);
}

/// Sum over levels and sum over powers are one thing where y decays as a whole.
TEST(CellArray, LevelSumIsThePowerSum) {
  const StoredLevels levels;
  const double decay = 2e-3;
  const HeadCodes codes = random_head(90, 64, 3);
  CellArrayOptions options;
  options.window = 90;
  const CellArray array(level_currents(paper_law(), levels, exponential_retention(levels, decay), 90),
                        options);
  const MatrixF pulses = array.pulses(codes);
  for (const int t : {0, 17, 64, 89})
    for (int j = 0; j <= t; ++j) {
      double s = 0;
      for (int i = 0; i < 4; ++i)
        for (int c = 0; c < 64; ++c)
          s += paper_polynomial[static_cast<std::size_t>(i)] * std::exp(-decay * i * (t - j)) *
               codes.query(t, c) / 15.0 * std::pow(levels.distance(codes.key(j, c)), i);
      ASSERT_NEAR(pulses(t, j), std::clamp(s / 80e-6, 0.0, 1.0), 2e-6);
    }
}

TEST(CellArray, ErrorsOfCellsAndConvertersAreThoseOfTheirSlots) {
  const StoredLevels levels;
  CellArrayOptions options;
  options.window = 70;
  options.key_full_scale = 30e-6;
  options.value_full_scale = 15e-6;
  CellSpread spread;
  spread.covariance.diagonal() << 1e-14, 1e-12, 1e-12, 1e-10;
  spread.converter_gain = 0.05;
  spread.converter_offset = 0.02;
  spread.counter_gain = 0.1;
  spread.counter_offset = 0.03;
  const HeadCodes codes = random_head(200, 20, 8);
  const auto errors =
      std::make_shared<const HeadErrors>(draw_head_errors(spread, levels, {4, 1, 2}, options.window, 64, 20));
  const MatrixD currents = level_currents(paper_law(), levels, exponential_retention(levels, 1e-3), 70);
  const CellArray array(currents, options, errors), plain_array(currents, options);
  const auto deviating = [&](const CodeMatrix& stored_codes, const MatrixF& deviations) -> PlainCell {
    return [&](Eigen::Index from, Eigen::Index c, int age) {
      const int level = stored_codes(from, c);
      return currents(age, level) + deviations(level, from % 70 * 20 + c);
    };
  };
  const PlainHead plain = plain_head(pulses_of(codes.query), deviating(codes.key, errors->key),
                                     deviating(codes.value, errors->value), options);
  const MatrixF pulses = array.pulses(codes);
  for (Eigen::Index t = 0; t < 200; ++t)
    for (Eigen::Index j = std::max<Eigen::Index>(0, t - 69); j <= t; ++j) {
      const double width = plain.sums(t, j) / options.key_full_scale * (1 + errors->pulse_gain[j % 70]) +
                           errors->pulse_offset[j % 70];
      ASSERT_NEAR(pulses(t, j), std::clamp(width, 0.0, 1.0), 3e-6);
    }
  EXPECT_GT((array.forward(codes) - plain_array.forward(codes)).cwiseAbs().sum(), 200);
}

TEST(CellArray, NoiseHasItsSigmaAndBelongsToTokenAndSlot) {
  const StoredLevels levels;
  CellArrayOptions options;
  options.window = 256;
  options.pulse_noise = 0.01;
  const HeadCodes codes = random_head(256, 64, 21);
  const MatrixD currents = level_currents(paper_law(), levels, exponential_retention(levels, 0), 256);
  const CellArray noisy(currents, options, nullptr, {9, 0, 1});
  options.pulse_noise = 0;
  const CellArray quiet(currents, options);
  const MatrixF with = noisy.pulses(codes), without = quiet.pulses(codes);
  double squares = 0, n = 0;
  for (Eigen::Index i = 0; i < with.size(); ++i)
    if (without.data()[i] > 0.1f && without.data()[i] < 0.9f) {
      squares += std::pow(with.data()[i] - without.data()[i], 2);
      n += 1;
    }
  ASSERT_GT(n, 5000);
  EXPECT_NEAR(std::sqrt(squares / n), 0.01, 0.01 * 4 / std::sqrt(2 * n));
  EXPECT_EQ(with, noisy.pulses(codes));
  EXPECT_NE(with, noisy.pulses(codes, 256));
}

TEST(CellArray, RefusesWhatDoesNotFit) {
  const StoredLevels levels;
  const MatrixD currents = level_currents(paper_law(), levels, exponential_retention(levels, 0), 64);
  CellArrayOptions options;
  EXPECT_THROW(CellArray(currents, options), std::invalid_argument);  // 64 ages, a window of 128
  options.window = 64;
  const CellArray array(currents, options);
  EXPECT_THROW(array.forward(random_head(10, 65, 1)), std::invalid_argument);
  HeadCodes codes = random_head(10, 8, 1);
  codes.key(3, 3) = 8;
  EXPECT_THROW(array.forward(codes), std::invalid_argument);
  codes = random_head(10, 8, 1);
  codes.query(0, 0) = 16;
  EXPECT_THROW(array.forward(codes), std::invalid_argument);
}

TEST(CellErrors, HaveTheCovarianceAskedForAndBelongToTheirPlace) {
  const StoredLevels levels;
  CellSpread spread;
  spread.covariance.diagonal() << 4e-14, 1e-12, 0, 0;
  spread.covariance(0, 1) = spread.covariance(1, 0) = 1e-13;
  const HeadErrors a = draw_head_errors(spread, levels, {1, 0, 0}, 200, 64, 64);
  const auto variance = [&](int level) {
    const Eigen::VectorXd v = a.key.row(level).cast<double>();
    return v.squaredNorm() / static_cast<double>(v.size());
  };
  for (const int level : {0, 3, 7}) {
    const double y = levels.distance(level), expected = 4e-14 + 2 * y * 1e-13 + y * y * 1e-12;
    EXPECT_NEAR(variance(level), expected, expected * 4 * std::sqrt(2.0 / (200 * 64))) << level;
  }
  const HeadErrors wider_window = draw_head_errors(spread, levels, {1, 0, 0}, 300, 64, 64);
  EXPECT_EQ(MatrixF(wider_window.key.leftCols(200 * 64)), a.key);
  EXPECT_NE(draw_head_errors(spread, levels, {2, 0, 0}, 200, 64, 64).key, a.key);
  EXPECT_NE(draw_head_errors(spread, levels, {1, 1, 0}, 200, 64, 64).key, a.key);
  EXPECT_NE(draw_head_errors(spread, levels, {1, 0, 1}, 200, 64, 64).key, a.key);
  EXPECT_NE(a.key, a.value);
  spread.covariance(3, 3) = -1;
  EXPECT_THROW(spread.check(), std::invalid_argument);
}

}  // namespace
}  // namespace flare::arch
