// The quantisers FLARE is compared with.
#include "flare_arch/attention/conventional_attention.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <tuple>

#include "flare_arch/attention/quantized_operand.hpp"
#include "flare_arch/quantizers/sdr.hpp"
#include "tests/flare_arch/golden.hpp"

namespace flare::arch {
namespace {

TEST(Sdr, EqualsTheNumpyModel) {
  const TensorFile file = golden("sdr");
  for (const int base : {8, 16})
    for (const int group : {8, 16, 32}) {
      const SdrMatrix s = razor(golden_integers(file, fmt::format("values{}", base)), base, group);
      EXPECT_EQ(s.codes.cast<std::int32_t>(), golden_integers(file, fmt::format("codes{}_g{}", base, group)));
      EXPECT_EQ(s.flags.cast<std::int32_t>(), golden_integers(file, fmt::format("flags{}_g{}", base, group)));
    }
}

TEST(Sdr, ProductNeedsNoDecompression) {
  std::mt19937 generator(3);
  for (const int group : {8, 16, 128}) {
    MatrixI a(5, 77), b(9, 77);
    for (Eigen::Index i = 0; i < a.size(); ++i) a.data()[i] = static_cast<int>(generator() % 65535) - 32767;
    for (Eigen::Index i = 0; i < b.size(); ++i) b.data()[i] = static_cast<int>(generator() % 255) - 127;
    const SdrMatrix x = razor(a, 16, group), y = razor(b, 8, group);
    EXPECT_EQ(razored_product(x, y),
              x.decode().cast<std::int64_t>() * y.decode().cast<std::int64_t>().transpose());
  }
  EXPECT_THROW(razor(MatrixI::Constant(1, 1, 128), 8, 8), std::invalid_argument);
  EXPECT_THROW(razored_product(razor(MatrixI::Ones(1, 8), 8, 8), razor(MatrixI::Ones(1, 8), 8, 4)),
               std::invalid_argument);
}

struct Fixture {
  TensorFile file = golden("attention");
  AttentionWeights weights{3,
                           file.floats("weight_query"),
                           file.floats("weight_key"),
                           file.floats("weight_value"),
                           file.floats("weight_output"),
                           file.vector("bias", 48)};
  MatrixF x = file.floats("x").topRows(24);
  MatrixF exact = file.floats("float_result");
  double error_of(const AttentionLayer& layer) const {
    return (layer.forward(x, {}) - exact).norm() / (exact.rowwise() - weights.output_bias.transpose()).norm();
  }
};

// Sums of 31 bits, of more, and operands beyond 16 bits: the same numbers on every way to them.
TEST(QuantizedOperand, ProductIsTheOneOfWideSums) {
  std::mt19937 generator(8);
  for (const auto& [largest_a, largest_b, depth] : {std::tuple{127, 127, 65},
                                                    {32767, 127, 16},
                                                    {32767, 127, 700},
                                                    {32767, 32767, 33},
                                                    {100000, 100000, 9}}) {
    QuantizedOperand a{MatrixI(7, depth), {}}, b{MatrixI(34, depth), {}};
    const auto fill = [&](QuantizedOperand& o, int largest) {
      std::uniform_int_distribution<int> law(-largest - 1, largest);
      o.values = o.values.unaryExpr([&](std::int32_t) { return law(generator); });
      o.values(0, 0) = -largest - 1;
      for (Eigen::Index i = 0; i < o.values.rows(); ++i)
        o.scales.push_back(0.25 * static_cast<double>(1 + i));
    };
    fill(a, largest_a);
    fill(b, largest_b);
    const MatrixF product = dequantized_product(a, b);
    for (Eigen::Index i = 0; i < 7; ++i)
      for (Eigen::Index c = 0; c < 34; ++c) {
        std::int64_t sum = 0;
        for (int k = 0; k < depth; ++k) sum += std::int64_t{a.values(i, k)} * b.values(c, k);
        ASSERT_EQ(product(i, c), static_cast<float>(static_cast<double>(sum) * a.scales[i] * b.scales[c]));
      }
  }
}

TEST(ConventionalAttention, ErrorsAreInTheExpectedOrder) {
  const Fixture f;
  const double int8 = f.error_of(Int8Attention(f.weights, 0));
  const double w4a8 = f.error_of(QrazorAttention(f.weights, {4, 8, 8, 8})),
               w8a8 = f.error_of(QrazorAttention(f.weights, {8, 8, 8, 8}));
  const double w4a4kv4 = f.error_of(QrazorAttention(f.weights, {4, 4, 4, 8}));
  // Absmax steps are finer than eMSB-Q's, whose error here is 0.0380 by the numpy model; per-channel weights
  // are finer than per-tensor ones.
  EXPECT_LT(int8, 0.0380);
  EXPECT_LT(w8a8, int8);
  EXPECT_GT(w4a8, w8a8);
  EXPECT_GT(w4a4kv4, w4a8);
  EXPECT_LT(w4a8, f.error_of(QrazorAttention(f.weights, {4, 8, 8, 48})));  // smaller groups are finer
}

TEST(ConventionalAttention, Int8RunsOnErringArrays) {
  const Fixture f;
  const Int8Attention attention(f.weights, 0);
  const CodeSampler ideal(ErrorModel::ideal(8)), bad(ErrorModel::neighbour_errors(8, 0.02));
  AttentionErrors errors;
  AttentionCounters counters;
  errors.counters = &counters;
  errors.stationary = errors.dynamic = &ideal;
  EXPECT_EQ(attention.forward(f.x, errors), attention.forward(f.x, {}));
  EXPECT_GT(counters.dynamic.cycles, 0);
  errors.dynamic = &bad;
  EXPECT_NE(attention.forward(f.x, errors), attention.forward(f.x, {}));
}

}  // namespace
}  // namespace flare::arch
