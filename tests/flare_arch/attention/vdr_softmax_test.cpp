// VDR-Softmax: bit for bit against the numpy model, and the properties the header states.
#include "flare_arch/attention/vdr_softmax.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "flare_arch/array/array_kernels.hpp"
#include "tests/flare_arch/golden.hpp"

namespace flare::arch {
namespace {

std::span<const std::int32_t> row_of(const MatrixI& m, Eigen::Index row) {
  return {m.data() + row * m.cols(), static_cast<std::size_t>(m.cols())};
}

TEST(VdrSoftmax, EqualsTheNumpyModel) {
  const TensorFile file = golden("vdr");
  const MatrixI logits = golden_integers(file, "logits");
  const MatrixF scales = file.floats("n");
  const Matrix<double> n = scales.cast<double>();
  for (const int guard : {-1, 0})
    for (const bool rounding : {false, true})
      for (const int output_bits : {8, 12}) {
        const std::string name = fmt::format("guard{}_round{:d}_out{}", guard, rounding, output_bits);
        const MatrixI expected = golden_integers(file, name);
        const VdrOptions options{8, output_bits, guard, rounding ? Rounding::round : Rounding::truncate};
        std::vector<std::int32_t> result(logits.cols());
        const double exact_n[] = {0.3, 1.0, 2.0, 5.7, 16.0, 93.1, 700.0, 9000.0};
        for (Eigen::Index s = 0; s < n.cols(); ++s) {
          const VdrEntry entry = make_vdr_entry(exact_n[s], options);
          for (Eigen::Index r = 0; r < logits.rows(); ++r) {
            std::int64_t sum = 0;
            const std::int64_t returned = vdr_softmax(row_of(logits, r), entry, options, result);
            for (Eigen::Index c = 0; c < logits.cols(); ++c) {
              EXPECT_EQ(result[c], expected(s * logits.rows() + r, c))
                  << name << " n " << exact_n[s] << " row " << r;
              sum += result[c];
            }
            EXPECT_EQ(returned, sum);
          }
        }
      }
}

TEST(VdrSoftmax, IsCloseToTheSoftmax) {
  std::mt19937 generator(5);
  std::normal_distribution<double> normal(0, 2);
  double worst_mean = 0;
  for (const int n_e : {0, 1, 2, 3}) {
    const double n = 8.0 * std::exp2(n_e);
    const VdrTable table(8.0, 0, 8);
    double total = 0;
    for (int row = 0; row < 200; ++row) {
      std::vector<std::int32_t> x(64), p(64);
      for (auto& v : x)
        v = static_cast<std::int32_t>(std::clamp(std::lrint(normal(generator) * n), -128L, 127L));
      const double sum = static_cast<double>(table.softmax(x, n_e, p));
      double exact_sum = 0, largest_error = 0;
      for (const auto v : x) exact_sum += std::exp(v / n);
      for (std::size_t i = 0; i < x.size(); ++i)
        largest_error = std::max(largest_error, std::abs(p[i] / sum - std::exp(x[i] / n) / exact_sum));
      total += largest_error;
    }
    worst_mean = std::max(worst_mean, total / 200);
  }
  EXPECT_LT(worst_mean, 6e-3);  // eight-bit output; the numpy study of the same setting finds 5.3e-3
}

TEST(VdrSoftmax, LargestOutputUsesTheTopBit) {
  for (double n = 0.4; n < 12000; n *= 1.37) {
    const VdrOptions options;
    const VdrEntry entry = make_vdr_entry(n, options);
    const std::vector<std::int32_t> x = {-5, 90, 3};
    std::vector<std::int32_t> p(3);
    vdr_softmax(x, entry, options, p);
    EXPECT_GE(p[1], 128);
    EXPECT_LE(p[1], 255);
    EXPECT_GE(entry.l, 64);
  }
}

TEST(VdrSoftmax, TheBaseChangesWithTheExponent) {
  // One more step of headroom means logits of twice the size worth half each: the same softmax, but for what the
  // logits' grid and the table's rounding leave. And an exponent that is ignored is another softmax.
  std::mt19937 generator(21);
  std::uniform_int_distribution<int> logit(-60, 60);
  int worst = 0;
  double ignored = 0;
  for (const double n0 : {2.0, 9.3, 40.0, 170.0})
    for (int n_e = 0; n_e < 5; ++n_e) {
      const VdrTable table(n0, 0, 8);
      std::vector<std::int32_t> x(50), twice(50), p(50), p_twice(50), p_wrong(50);
      for (std::size_t i = 0; i < x.size(); ++i) twice[i] = 2 * (x[i] = logit(generator));
      const auto sum = static_cast<double>(table.softmax(x, n_e, p));
      table.softmax(twice, n_e + 1, p_twice);
      const auto sum_wrong = static_cast<double>(table.softmax(twice, n_e, p_wrong));
      // The largest entry's mantissa differs between entries of a table that is rounded: compare shares of it.
      const int top = *std::max_element(p.begin(), p.end());
      const int top_twice = *std::max_element(p_twice.begin(), p_twice.end());
      for (std::size_t i = 0; i < p.size(); ++i) {
        worst = std::max(worst, std::abs(p[i] * top_twice - p_twice[i] * top) / top_twice);
        ignored = std::max(ignored, std::abs(p[i] / sum - p_wrong[i] / sum_wrong));
      }
    }
  EXPECT_LE(worst, 2);  // codes
  EXPECT_GT(ignored, 0.05);
}

TEST(VdrSoftmax, ReciprocalMultiplicationIsTheDivision) {
  const VdrOptions options;
  for (double n = 0.3; n < 16384; n *= 1.013) {
    const VdrEntry e = make_vdr_entry(n, options);
    for (std::int64_t below = 0; below < 16 * e.l; below += 1 + e.l / 97)
      ASSERT_EQ((static_cast<std::uint64_t>(below) * e.reciprocal) >> 42,
                static_cast<std::uint64_t>(below / e.l));
    for (std::int64_t q = 1; q <= 16; ++q)  // around every multiple
      for (const std::int64_t below : {q * e.l - 1, q * e.l})
        ASSERT_EQ((static_cast<std::uint64_t>(below) * e.reciprocal) >> 42,
                  static_cast<std::uint64_t>(below / e.l));
  }
}

/// The definition, value by value.
std::int64_t defined_softmax(const std::vector<std::int32_t>& logits, const VdrEntry& e, const VdrOptions& o,
                             std::vector<std::int32_t>& p) {
  const std::int64_t largest = *std::max_element(logits.begin(), logits.end()), fraction = 2 * o.input_bits;
  std::int64_t sum = 0;
  for (std::size_t j = 0; j < logits.size(); ++j) {
    const std::int64_t below = (largest - logits[j]) << e.guard, q = below / e.l, r = q * e.l - below;
    const std::int64_t value =
        q >= fraction ? 0 : std::max<std::int64_t>(0, r * (r + e.b) + e.c) << (fraction - q);
    const bool rounds = o.rounding != Rounding::truncate && e.shift > 0;
    const std::int64_t code = (value + (rounds ? std::int64_t{1} << (e.shift - 1) : 0)) >> e.shift;
    p[j] = static_cast<std::int32_t>(std::min<std::int64_t>(code, (1 << o.output_bits) - 1));
    sum += p[j];
  }
  return sum;
}

TEST(VdrSoftmax, IsTheDefinitionOnEveryTarget) {
  std::mt19937 generator(11);
  for (const std::string& target : kernel_targets()) {
    use_kernel_target(target);
    for (int repeat = 0; repeat < 2000; ++repeat) {
      VdrOptions o;
      if (repeat % 3 != 0) {
        o.input_bits = 4 + static_cast<int>(generator() % 9);
        o.output_bits = 4 + static_cast<int>(generator() % 13);
        o.guard_bits = static_cast<int>(generator() % 14) - 1;
        o.rounding = static_cast<Rounding>(generator() % 3);
      }
      const VdrEntry e = make_vdr_entry(
          std::ldexp(1.0 + static_cast<double>(generator() % 1000), static_cast<int>(generator() % 16) - 10),
          o);
      std::vector<std::int32_t> logits(1 + generator() % 70), got(logits.size()), expected(logits.size());
      for (auto& x : logits)
        x = static_cast<std::int32_t>(generator() % (1u << o.input_bits)) - (1 << (o.input_bits - 1));
      const std::int64_t sum = defined_softmax(logits, e, o, expected);
      ASSERT_EQ(vdr_softmax(logits, e, o, got), sum) << target << " " << repeat;
      ASSERT_EQ(got, expected) << target << " " << repeat;
    }
  }
  use_kernel_target("");
}

TEST(VdrSoftmax, TwelveEntriesFitTheHundredBytes) { EXPECT_LE(VdrTable(2.0, 0, 11).hardware_bytes(), 108u); }

TEST(VdrSoftmax, RefusesNonsense) {
  EXPECT_THROW(make_vdr_entry(0), std::invalid_argument);
  EXPECT_THROW(make_vdr_entry(NAN), std::invalid_argument);
  EXPECT_THROW(make_vdr_entry(1.0, {3}), std::invalid_argument);
  EXPECT_THROW(VdrTable(1.0, 5, 4), std::invalid_argument);
}

TEST(ReciprocalTable, IsWithinItsBound) {
  for (const auto& [bits, bound] : {std::pair{4, 0.0313}, std::pair{3, 0.0626}, std::pair{8, 0.00203}}) {
    const ReciprocalTable table(bits);
    double worst = 0;
    for (std::int64_t sum = 1; sum < 300000; sum += 1 + sum / 1000) {
      const Reciprocal r = table(sum);
      worst = std::max(worst, std::abs(std::ldexp(r.mantissa, -r.shift) * static_cast<double>(sum) - 1));
    }
    EXPECT_LT(worst, bound);
    EXPECT_GT(worst, bound / 2);
  }
}

}  // namespace
}  // namespace flare::arch
