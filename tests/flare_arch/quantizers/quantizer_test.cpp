// eMSB-Q: bit for bit against the numpy model, and the properties the header states.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "flare_arch/quantizers/emsb_quantizer.hpp"
#include "tests/flare_arch/golden.hpp"

namespace flare::arch {
namespace {

std::span<const std::int32_t> row_of(const MatrixI& m, Eigen::Index row) {
  return {m.data() + row * m.cols(), static_cast<std::size_t>(m.cols())};
}

TEST(EmsbQuantizer, EqualsTheNumpyModel) {
  const TensorFile file = golden("emsb");
  for (const int bits : {4, 8, 9, 12})
    for (const bool rounding : {false, true})
      for (const bool is_signed : {false, true}) {
        const std::string name = fmt::format("n{}_round{:d}_signed{:d}", bits, rounding, is_signed);
        const MatrixI values = golden_integers(file, is_signed ? "values" : "values_unsigned");
        const MatrixI expected = golden_integers(file, name), shifts = golden_integers(file, name + "_shift");
        const EmsbOptions options{bits, is_signed, rounding ? Rounding::round : Rounding::truncate};
        std::vector<std::int32_t> result(values.cols());
        for (Eigen::Index r = 0; r < values.rows(); ++r) {
          EXPECT_EQ(emsb_quantize(row_of(values, r), result, options), shifts(0, r)) << name << " row " << r;
          for (Eigen::Index c = 0; c < values.cols(); ++c)
            EXPECT_EQ(result[c], expected(r, c)) << name << " row " << r << " column " << c;
        }
      }
}

TEST(EmsbQuantizer, OneMoreBitIsAlwaysFinerThanAbsmax) {
  // The paper's "lossless" condition 2^s < S, for every largest value of 16 bits, n = 8 absmax against n = 9.
  int coarser_with_8 = 0;
  for (std::int32_t largest = 256; largest < 65536; ++largest) {
    const std::int32_t group[] = {largest};
    const double absmax_step = largest / 127.0;
    EXPECT_LT(std::exp2(emsb_shift(effective_bits(group, true), {9})), absmax_step);
    if (std::exp2(emsb_shift(effective_bits(group, true), {8})) > absmax_step) ++coarser_with_8;
  }
  EXPECT_GT(coarser_with_8, 60000);  // without the bit more the condition mostly fails
}

/// Signal over quantisation noise in dB, per-token groups of 768, codes as `options` count them.
double sqnr(const std::vector<std::vector<std::int32_t>>& tokens, const EmsbOptions& options) {
  double signal = 0, noise = 0;
  for (const auto& values : tokens) {
    std::vector<std::int32_t> codes(values.size());
    const int shift = emsb_quantize(values, codes, options);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double got = std::ldexp(twice_value(codes[i], shift, options), shift - 1);
      signal += std::pow(values[i], 2);
      noise += std::pow(got - values[i], 2);
    }
  }
  return 10 * std::log10(signal / noise);
}

TEST(EmsbQuantizer, HalfStepGivesBackWhatTruncationCosts) {
  // 20-bit accumulators of three laws, tokens of different scale. Truncation's noise is a uniform error plus half
  // a step: 4 times rounding's, 6.02 dB. With the half step counted it is rounding's.
  std::mt19937 generator(7);
  std::normal_distribution<double> normal;
  std::exponential_distribution<double> exponential;
  for (const int law : {0, 1, 2}) {
    std::vector<std::vector<std::int32_t>> tokens(200, std::vector<std::int32_t>(768));
    for (auto& token : tokens) {
      const double scale = std::exp2(10 + 4 * normal(generator) / 5);
      for (std::size_t i = 0; i < token.size(); ++i) {
        double v = normal(generator);
        if (law == 1) v = exponential(generator) * (v > 0 ? 1 : -1);
        if (law == 2 && i % 97 == 0) v *= 20;
        token[i] = static_cast<std::int32_t>(std::lrint(v * scale));
      }
    }
    SCOPED_TRACE(law);
    const double rounded = sqnr(tokens, {8, true, Rounding::round}),
                 half = sqnr(tokens, {8, true, Rounding::half_lsb}),
                 truncated = sqnr(tokens, {8, true, Rounding::truncate});
    EXPECT_NEAR(half, rounded, 0.15);
    EXPECT_NEAR(rounded - truncated, 6.02, 0.25);
    // One more bit is worth another 6 dB, with the half step as with rounding.
    EXPECT_NEAR(sqnr(tokens, {9, true, Rounding::half_lsb}) - half, 6.02, 0.25);
  }
}

TEST(EmsbQuantizer, HalfStepCodesAreThoseOfTruncation) {
  const std::vector<std::int32_t> values = {1000, -1000, 3, -3, 0};
  std::vector<std::int32_t> half(5), truncated(5);
  EXPECT_EQ(emsb_quantize(values, half, {8, true, Rounding::half_lsb}), 3);
  emsb_quantize(values, truncated, {8, true, Rounding::truncate});
  EXPECT_EQ(half, truncated);
  EXPECT_EQ(twice_value(half[0], 3, {8, true, Rounding::half_lsb}), 2 * 125 + 1);
  EXPECT_EQ(twice_value(half[0], 0, {8, true, Rounding::half_lsb}), 2 * 125);  // nothing was cut off
  EXPECT_EQ(twice_value(half[0], 3, {8, true, Rounding::truncate}), 2 * 125);
  for (const Rounding r : {Rounding::truncate, Rounding::round, Rounding::half_lsb})
    EXPECT_EQ(rounding_of(rounding_name(r)), r);
  EXPECT_THROW(rounding_of("up"), std::invalid_argument);
}

TEST(EmsbQuantizer, TruncationNeverOverflowsAndKeepsOrder) {
  std::mt19937 generator(3);
  for (int repeat = 0; repeat < 2000; ++repeat) {
    const int width = 2 + static_cast<int>(generator() % 30);
    std::vector<std::int32_t> values(17), result(17);
    for (auto& v : values) v = static_cast<std::int32_t>(generator()) >> (32 - width);
    const int shift = emsb_quantize(values, result, {8, true, Rounding::truncate});
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(result[i], values[i] >> shift);
      EXPECT_GE(result[i], -128);
      EXPECT_LE(result[i], 127);
    }
    if (shift > 0) {  // the leading bit is used: some value has magnitude of at least half the range
      EXPECT_GE(effective_bits(result, true), 7);
    }
  }
}

TEST(EmsbQuantizer, SmallGroupsAreKept) {
  std::vector<std::int32_t> values = {-128, 127, 0}, result(3);
  EXPECT_EQ(emsb_quantize(values, result), 0);
  EXPECT_EQ(result, values);
  EXPECT_EQ(emsb_quantize(std::span<const std::int32_t>(), {}), 0);
  EXPECT_THROW(emsb_quantize(values, result, {1}), std::invalid_argument);
  EXPECT_THROW(emsb_quantize(values, std::span(result).first(2)), std::invalid_argument);
}

}  // namespace
}  // namespace flare::arch
