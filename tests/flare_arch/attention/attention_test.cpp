// The integer attention chain: stage for stage against the numpy model, and against floating point.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "flare_arch/attention/integer_attention.hpp"
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
    for (const Eigen::Index first : {0, 24, 48}) x.push_back(all.middleRows(first, 24));
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
  EXPECT_EQ(trace.query, f.file.integers("chain_query"));
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

template <class T>
Matrix<std::int64_t> as_row(const std::vector<T>& values, int full = 0, bool headroom = false) {
  Matrix<std::int64_t> row(1, static_cast<Eigen::Index>(values.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    row(0, static_cast<Eigen::Index>(i)) = headroom ? full - values[i] : values[i];
  return row;
}

/// Every stage of a sequence, the headroom of each of the three stages that make n_e included, against the hashes
/// `prefix` of a golden file.
void expect_stages(const TensorFile& file, const std::string& prefix, const IntegerAttention& attention,
                   const IntegerAttention::Trace& trace) {
  const auto stage = [&](const std::string& name) { return file.integers(prefix + "_" + name); };
  const IntegerAttention::Scales& scales = attention.scales();
  EXPECT_EQ(row_hashes(as_row(std::vector<int>{scales.key_shift})), stage("key_shift"));
  EXPECT_EQ(row_hashes(as_row(std::vector<int>{scales.value_shift})), stage("value_shift"));
  EXPECT_EQ(row_hashes(as_row(trace.input_shifts, scales.m1, true)), stage("input_headroom"));
  EXPECT_EQ(row_hashes(trace.activations), stage("activations"));
  EXPECT_EQ(row_hashes(trace.query), stage("query"));
  EXPECT_EQ(row_hashes(trace.key), stage("key"));
  EXPECT_EQ(row_hashes(trace.value), stage("value"));
  for (std::size_t h = 0; h < trace.logits.size(); ++h) {
    const std::string head = std::to_string(h);
    EXPECT_EQ(row_hashes(as_row(trace.query_shifts[h], scales.m2, true)), stage("query_headroom" + head));
    EXPECT_EQ(row_hashes(as_row(trace.logit_shifts[h], scales.m3, true)), stage("logit_headroom" + head));
    EXPECT_EQ(row_hashes(as_row(trace.exponents[h])), stage("exponents" + head));
    EXPECT_EQ(row_hashes(trace.logits[h]), stage("logits" + head));
    EXPECT_EQ(row_hashes(trace.probabilities[h]), stage("probabilities" + head));
    EXPECT_EQ(row_hashes(as_row(trace.sums[h])), stage("sums" + head));
  }
  for (std::size_t part = 0; part < trace.weighted.size(); ++part)
    EXPECT_EQ(row_hashes(trace.weighted[part]), stage("weighted" + std::to_string(part)));
}

TEST(IntegerAttention, EveryOptionEqualsTheNumpyModelStageByStage) {
  const Fixture f;
  std::map<std::string, IntegerAttentionOptions> variants;
  variants["bits9"].activation_bits = 9;
  variants["kv8"].kv_bits = 8;
  variants["kv16"].kv_bits = 16;
  variants["absolute16"].kv_bits = 16;
  variants["absolute16"].start_bit = StartBit::absolute;
  variants["truncate"].rounding = Rounding::truncate;
  variants["half_lsb"].rounding = Rounding::half_lsb;
  variants["reciprocal"].row_scale = RowScale::reciprocal;
  variants["half_lsb_reciprocal"].rounding = Rounding::half_lsb;
  variants["half_lsb_reciprocal"].row_scale = RowScale::reciprocal;
  for (const auto& [name, options] : variants) {
    SCOPED_TRACE(name);
    const IntegerAttention attention(f.weights, 0, f.x, options);
    IntegerAttention::Trace trace;
    const MatrixF y = attention.forward(f.x[0], {}, &trace);
    expect_stages(f.file, name, attention, trace);
    EXPECT_LT((y - f.file.floats(name + "_result")).cwiseAbs().maxCoeff(), 1e-5);
  }
}

/// Inputs of golden/make_golden.py's chain_inputs: the same generator, the same exact arithmetic.
class ChainInputs {
 public:
  ChainInputs(std::uint32_t seed, float gain, int tokens = 96, int width_ = 256, double offset = 0)
      : width(width_), generator_(seed) {
    MatrixD values = near_normal(tokens, width);
    for (int t = 0; t < tokens; ++t) {
      const auto power = static_cast<int>(generator_() % 3) - 1;
      values.row(t) *= std::ldexp(1 + static_cast<double>(generator_()) * 0x1p-32, power);
    }
    x = (values.array() + offset).cast<float>();
    weights.heads = width / 64;
    weights.query = weight(gain);
    weights.key = weight(gain);
    weights.value = weight(1);
    weights.output = weight(1);
    weights.output_bias = VectorF::Zero(width);
  }

  const int width;
  MatrixF x;
  AttentionWeights weights;

 private:
  MatrixD near_normal(int rows, int columns) {
    MatrixD m(rows, columns);
    for (Eigen::Index i = 0; i < m.size(); ++i) {
      std::int64_t sum = 0;
      for (int k = 0; k < 12; ++k) sum += static_cast<std::int64_t>(generator_());
      m.data()[i] = static_cast<double>(sum - (std::int64_t{6} << 32)) * 0x1p-32;
    }
    return m;
  }
  MatrixF weight(float gain) {
    return (near_normal(width, width) * (static_cast<double>(gain) / 16)).cast<float>();
  }

  std::mt19937 generator_;
};

/// What the heads give before the output projection, in real units, from the traced integers.
MatrixD head_outputs(const IntegerAttention& attention, const IntegerAttention::Trace& trace) {
  MatrixD out(trace.value.rows(), trace.value.cols());
  const Eigen::Index heads = static_cast<Eigen::Index>(trace.probabilities.size()),
                     width = out.cols() / heads;
  for (Eigen::Index h = 0; h < heads; ++h) {
    const MatrixD sums = (trace.probabilities[h] * trace.value.middleCols(h * width, width)).cast<double>();
    for (Eigen::Index t = 0; t < out.rows(); ++t)
      out.row(t).segment(h * width, width) =
          sums.row(t) * (attention.scales().value / static_cast<double>(trace.sums[h][t]));
  }
  return out;
}

TEST(IntegerAttention, ChainOfHeadsOf64EqualsTheNumpyModel) {
  const TensorFile file = golden("chain");
  for (const int gain : {1, 2}) {
    const std::string name = "gain" + std::to_string(gain);
    SCOPED_TRACE(name);
    const ChainInputs in(static_cast<std::uint32_t>(gain), static_cast<float>(gain));
    const IntegerAttention attention(in.weights, 0, {in.x});
    IntegerAttention::Trace trace;
    attention.forward(in.x, {}, &trace);
    expect_stages(file, name, attention, trace);

    // Accuracy against floating point: the exact heads, by the float chain with an identity behind it.
    AttentionWeights plain = in.weights;
    plain.output = MatrixF::Identity(256, 256);
    const MatrixD exact = FloatAttention(plain).forward(in.x, {}).cast<double>();
    const MatrixD model = file.floats(name + "_float_heads").cast<double>();  // of double precision
    EXPECT_LT((exact.leftCols(64) - model).norm() / model.norm(), 1e-5);
    const double error = (head_outputs(attention, trace) - exact).norm() / exact.norm();
    EXPECT_NEAR(error, file.floats(name + "_error")(0, 0), 1e-5);
    RecordProperty(name, std::to_string(error));
    // 8 bits, rounding: .04 for plain rows; sharp logits (four times as large) cost more.
    EXPECT_LT(error, gain == 1 ? 0.046 : 0.08);
  }
}

TEST(IntegerAttention, SumsBeyond32BitsEqualTheNumpyModel) {
  const ChainInputs in(3, 0.25f, 2048, 64, 8.0);
  IntegerAttentionOptions options;
  options.kv_bits = 16;
  const IntegerAttention attention(in.weights, 0, {in.x}, options);
  IntegerAttention::Trace trace;
  attention.forward(in.x, {}, &trace);
  expect_stages(golden("wide"), "wide", attention, trace);
  // What 8 bits shifted by more than 24 stand for does not fit 32.
  EXPECT_GT(*std::max_element(trace.weighted_shifts[0].begin(), trace.weighted_shifts[0].end()), 24);
}

TEST(IntegerAttention, TheFixedStartBitSaturatesWhatItDidNotForesee) {
  const Fixture f;
  const std::vector<MatrixF> quiet = {MatrixF(0.1f * f.x[0])};
  // Input words saturate with the static scale, so loud inputs enter as the largest word.
  const IntegerAttention attention(f.weights, 0, quiet);
  IntegerAttention::Trace trace;
  attention.forward(f.x[0], {}, &trace);
  EXPECT_EQ(trace.words.cwiseAbs().maxCoeff(), 32768);
  EXPECT_TRUE(trace.key.maxCoeff() == 2047 || trace.key.minCoeff() == -2048);
  EXPECT_LE(trace.key.maxCoeff(), 2047);
  EXPECT_GE(trace.key.minCoeff(), -2048);
  // What it did foresee does not saturate, and uses the leading bit.
  IntegerAttention::Trace foreseen;
  attention.forward(quiet[0], {}, &foreseen);
  EXPECT_EQ(effective_bits(std::span<const std::int32_t>(foreseen.key.data(),
                                                         static_cast<std::size_t>(foreseen.key.size())),
                           true),
            11);
}

TEST(IntegerAttention, EdgeInputs) {
  const Fixture f;
  for (const RowScale row_scale : {RowScale::side_band, RowScale::reciprocal})
    for (const Rounding rounding : {Rounding::truncate, Rounding::round, Rounding::half_lsb}) {
      IntegerAttentionOptions o;
      o.row_scale = row_scale;
      o.rounding = rounding;
      const IntegerAttention attention(f.weights, 0, f.x, o);
      // One token attends to itself: its value, projected.
      const MatrixF one = f.x[0].topRows(1);
      const MatrixF expected = FloatAttention(f.weights).forward(one, {});
      EXPECT_LT((attention.forward(one, {}) - expected).norm() / expected.norm(), 0.12);
      // Silence, alone and among others. K's and V's constant half step stays below their own step.
      const MatrixF silence = MatrixF::Zero(5, 48);
      const MatrixF quiet = attention.forward(silence, {});
      EXPECT_TRUE(quiet.allFinite());
      const double step = attention.scales().value * f.weights.output.cwiseAbs().colwise().sum().maxCoeff();
      EXPECT_LT((quiet.rowwise() - f.weights.output_bias.transpose()).cwiseAbs().maxCoeff(), 1.5 * step);
      MatrixF mixed = f.x[0];
      mixed.row(3).setZero();
      mixed.row(7).setConstant(1e9f);  // far beyond the calibrated range: saturates
      EXPECT_TRUE(attention.forward(mixed, {}).allFinite());
    }
}

TEST(IntegerAttention, HalfStepIsAsAccurateAsRounding) {
  const ChainInputs in(1, 1.0f);
  AttentionWeights plain = in.weights;
  plain.output = MatrixF::Identity(256, 256);
  const MatrixF exact = FloatAttention(plain).forward(in.x, {});
  const auto error_with = [&](Rounding rounding) {
    IntegerAttentionOptions o;
    o.rounding = rounding;
    return (IntegerAttention(plain, 0, {in.x}, o).forward(in.x, {}) - exact).norm() / exact.norm();
  };
  const double rounded = error_with(Rounding::round), half = error_with(Rounding::half_lsb),
               truncated = error_with(Rounding::truncate);
  RecordProperty("round", std::to_string(rounded));
  RecordProperty("half_lsb", std::to_string(half));
  RecordProperty("truncate", std::to_string(truncated));
  EXPECT_NEAR(half / rounded, 1, 0.05);
  EXPECT_GT(truncated, 1.3 * rounded);
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
