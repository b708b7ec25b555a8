// The integer attention chain: stage for stage against the numpy model, and against floating point.
#include <gtest/gtest.h>

#include "flare_arch/integer_attention.hpp"
#include "tests/flare_arch/golden.hpp"

namespace flare::arch {
namespace {

struct Fixture {
  TensorFile file = golden("attention");
  AttentionWeights weights;
  std::vector<MatrixF> x;
  MatrixF exact;

  Fixture() {
    weights = {static_cast<int>(file.integers("heads")(0, 0)),
               file.floats("weight_query"),
               file.floats("weight_key"),
               file.floats("weight_value"),
               file.floats("weight_output"),
               file.vector("bias", 48)};
    const MatrixF all = file.floats("x");
    for (int i = 0; i < 3; ++i) x.push_back(all.middleRows(i * 24, 24));
    exact = file.floats("float_result");
  }
  double error_of(const MatrixF& y) const {
    return (y - exact).norm() / (exact.rowwise() - weights.output_bias.transpose()).norm();
  }
};

TEST(FloatAttention, EqualsTheNumpyModel) {
  const Fixture f;
  const MatrixF y = FloatAttention(f.weights).forward(f.x[0], {});
  EXPECT_LT((y - f.exact).cwiseAbs().maxCoeff(), 2e-5);
}

TEST(IntegerAttention, EqualsTheNumpyModelStageByStage) {
  const Fixture f;
  const IntegerAttention attention(f.weights, 0, f.x);
  IntegerAttention::Trace trace;
  const MatrixF y = attention.forward(f.x[0], {}, &trace);
  const auto stage = [&](const std::string& name) { return golden_integers(f.file, "chain_" + name); };
  EXPECT_EQ(attention.scales().key_shift, stage("key_shift")(0, 0));
  EXPECT_EQ(attention.scales().value_shift, stage("value_shift")(0, 0));
  EXPECT_EQ(trace.activations, stage("activations"));
  EXPECT_EQ(trace.key, stage("key"));
  EXPECT_EQ(trace.value, stage("value"));
  EXPECT_EQ(trace.query, stage("query"));
  for (int h = 0; h < 3; ++h) {
    const std::string head = std::to_string(h);
    EXPECT_EQ(trace.logits[h], stage("logits" + head));
    EXPECT_EQ(trace.probabilities[h], stage("probabilities" + head));
    EXPECT_EQ(trace.weighted[h], stage("weighted" + head));
    for (int t = 0; t < 24; ++t) {
      EXPECT_EQ(trace.exponents[h][t], stage("exponents" + head)(0, t));
      EXPECT_EQ(trace.sums[h][t], stage("sums" + head)(0, t));
    }
  }
  const MatrixF expected = f.file.floats("chain_result");
  EXPECT_LT((y - expected).cwiseAbs().maxCoeff(), 1e-5);
}

TEST(IntegerAttention, IsCloseToFloatingPoint) {
  const Fixture f;
  EXPECT_LT(f.error_of(IntegerAttention(f.weights, 0, f.x).forward(f.x[0], {})), 0.045);
  IntegerAttentionOptions wide;
  wide.activation_bits = 12;
  wide.kv_bits = 14;
  wide.weight_bits = 12;
  wide.probability_bits = 12;
  wide.stationary.slice_length = 8;
  // 14 + 12 bits and 48 rows are as much as 31-bit sums hold.
  EXPECT_THROW(IntegerAttention(f.weights, 0, f.x, wide), std::invalid_argument);
  wide.kv_bits = 12;
  EXPECT_LT(f.error_of(IntegerAttention(f.weights, 0, f.x, wide).forward(f.x[0], {})), 0.005);
}

TEST(IntegerAttention, OptionsDoWhatTheyShould) {
  const Fixture f;
  const auto error_with = [&](auto change) {
    IntegerAttentionOptions o;
    change(o);
    return f.error_of(IntegerAttention(f.weights, 0, f.x, o).forward(f.x[0], {}));
  };
  const double standard = error_with([](auto&) {});
  // Truncation loses the tail of flat rows; eight-bit K and V from the accumulator's top lose nearly all.
  EXPECT_GT(error_with([](auto& o) { o.rounding = Rounding::truncate; }), 1.3 * standard);
  EXPECT_GT(error_with([](auto& o) { o.start_bit = StartBit::absolute, o.kv_bits = 8; }), 3 * standard);
  EXPECT_LT(error_with([](auto& o) { o.start_bit = StartBit::absolute, o.kv_bits = 16; }), 1.3 * standard);
  EXPECT_LT(error_with([](auto& o) { o.row_scale = RowScale::reciprocal; }), 1.3 * standard + 0.02);
  EXPECT_GT(error_with([](auto& o) { o.guard_bits = 0; }), 0.5 * standard);
}

TEST(IntegerAttention, PackingAndEncodingDoNotChangeAnErrorFreeResult) {
  const Fixture f;
  const MatrixF y = IntegerAttention(f.weights, 0, f.x).forward(f.x[0], {});
  const CodeSampler ideal(ErrorModel::ideal(4));
  for (const Encoding encoding : {Encoding::twos_complement, Encoding::sign_magnitude})
    for (const Packing packing : {Packing::fixed, Packing::next_fit, Packing::first_fit, Packing::ideal}) {
      IntegerAttentionOptions o;
      o.input_encoding = o.weight_encoding = encoding;
      o.stationary = o.dynamic = {4, 16, packing};
      AttentionErrors errors;
      errors.stationary = errors.dynamic = &ideal;
      EXPECT_EQ(IntegerAttention(f.weights, 0, f.x, o).forward(f.x[0], errors), y);
    }
}

TEST(IntegerAttention, ErrorsHurtWhereTheyAreInjected) {
  const Fixture f;
  const IntegerAttention attention(f.weights, 0, f.x);
  const MatrixF y = attention.forward(f.x[0], {});
  const CodeSampler bad(ErrorModel::neighbour_errors(8, 0.05));
  AttentionErrors errors;
  errors.seed = 5;
  errors.stationary = &bad;
  const MatrixF stationary = attention.forward(f.x[0], errors);
  errors.stationary = nullptr;
  errors.dynamic = &bad;
  const MatrixF dynamic = attention.forward(f.x[0], errors);
  EXPECT_GT((stationary - y).norm(), 0);
  EXPECT_GT((dynamic - y).norm(), 0);
  EXPECT_NE(stationary, dynamic);
  EXPECT_EQ(attention.forward(f.x[0], errors), dynamic);  // same keys, same numbers
  errors.first_token = 24;
  EXPECT_NE(attention.forward(f.x[0], errors), dynamic);
}

}  // namespace
}  // namespace flare::arch
