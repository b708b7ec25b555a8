// Attention beyond square, bias-free heads: biases, causal masks, rotary positions, grouped heads, on every arithmetic.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "flare_arch/attention/conventional_attention.hpp"
#include "flare_arch/attention/integer_attention.hpp"
#include "flare_arch/attention/integer_stages.hpp"
#include "flare_arch/attention/linear_layer.hpp"

namespace flare::arch {
namespace {

constexpr int width = 24, head_width = 8, heads = 4, tokens = 13;

class Forms : public ::testing::Test {
 protected:
  MatrixF normal(Eigen::Index rows, Eigen::Index columns, double scale) {
    std::normal_distribution<double> law;
    return MatrixF::NullaryExpr(rows, columns, [&] { return static_cast<float>(scale * law(generator_)); });
  }
  VectorF bias(Eigen::Index size) { return normal(1, size, 1).row(0).transpose(); }

  AttentionWeights plain(int groups = heads) {
    AttentionWeights w;
    w.heads = heads;
    w.kv_heads = groups;
    w.query = normal(width, heads * head_width, 0.3);
    w.key = normal(width, groups * head_width, 0.3);
    w.value = normal(width, groups * head_width, 0.3);
    w.output = normal(heads * head_width, width, 0.3);
    w.output_bias = bias(width);
    return w;
  }
  AttentionWeights full(int groups = 2, RotaryTable::Pairs pairs = RotaryTable::Pairs::halves) {
    AttentionWeights w = plain(groups);
    w.query_bias = bias(w.query.cols());
    w.key_bias = bias(w.key.cols());
    w.value_bias = bias(w.value.cols());
    w.causal = true;
    w.rotary = std::make_shared<const RotaryTable>(head_width, 64, 100.0, pairs);
    return w;
  }
  std::vector<std::unique_ptr<AttentionLayer>> every_arithmetic(const AttentionWeights& w) {
    std::vector<std::unique_ptr<AttentionLayer>> layers;
    layers.push_back(std::make_unique<FloatAttention>(w));
    layers.push_back(std::make_unique<IntegerAttention>(w, 0, calibration_));
    layers.push_back(std::make_unique<Int8Attention>(w, 0));
    layers.push_back(std::make_unique<QrazorAttention>(w, QrazorOptions{8, 8, 8, 16}));
    return layers;
  }
  IntegerAttention integer(const AttentionWeights& w, const IntegerAttentionOptions& options = {}) const {
    return IntegerAttention(w, 0, calibration_, options);
  }

  std::mt19937 generator_{5};
  const MatrixF x_ = normal(tokens, width, 1);
  const std::vector<MatrixF> calibration_ = {x_};
};

double relative(const MatrixF& got, const MatrixF& expected) {
  return (got - expected).norm() / (expected.rowwise() - expected.colwise().mean()).norm();
}

TEST_F(Forms, EveryArithmeticIsCloseToFloat) {
  for (const auto pairs : {RotaryTable::Pairs::halves, RotaryTable::Pairs::neighbours})
    for (const int groups : {1, 2, 4}) {
      const AttentionWeights w = full(groups, pairs);
      const MatrixF exact = FloatAttention(w).forward(x_, {});
      for (const auto& layer : every_arithmetic(w)) EXPECT_LT(relative(layer->forward(x_, {}), exact), 0.06);
    }
}

TEST_F(Forms, EveryRoundingAndRowScaleIsCloseToFloat) {
  const AttentionWeights w = full();
  const MatrixF exact = FloatAttention(w).forward(x_, {});
  for (const Rounding rounding : {Rounding::round, Rounding::half_lsb, Rounding::truncate})
    for (const RowScale scale : {RowScale::side_band, RowScale::reciprocal})
      for (const StartBit start : {StartBit::calibrated, StartBit::absolute}) {
        IntegerAttentionOptions o;
        o.rounding = rounding;
        o.row_scale = scale;
        o.start_bit = start;
        o.kv_bits = 16;
        EXPECT_LT(relative(integer(w, o).forward(x_, {}), exact),
                  rounding == Rounding::truncate ? 0.15 : 0.08);
      }
}

TEST_F(Forms, ACausalTokenDoesNotSeeWhatFollows) {
  const AttentionWeights w = full();
  // Scales of a whole sequence: the float yardstick and the path whose scales are static.
  const auto error = ErrorModel::neighbour_errors(8, 0.002);
  const CodeSampler sampler(error);
  AttentionErrors errors;
  errors.stationary = errors.dynamic = &sampler;
  errors.seed = 3;
  const IntegerAttention layer = integer(w);
  for (const ReadPath path : {ReadPath::sparse, ReadPath::dense, ReadPath::reference}) {
    errors.path = path;
    const MatrixF whole = layer.forward(x_, errors);
    for (const int n : {1, 5, 12})
      EXPECT_EQ(MatrixF(layer.forward(x_.topRows(n), errors)), MatrixF(whole.topRows(n))) << n;
  }
  const MatrixF whole = FloatAttention(w).forward(x_, {});
  EXPECT_LT((FloatAttention(w).forward(x_.topRows(5), {}) - whole.topRows(5)).cwiseAbs().maxCoeff(), 1e-5);
  AttentionWeights open = w;
  open.causal = false;
  EXPECT_GT(relative(FloatAttention(open).forward(x_, {}), whole), 0.1);
}

TEST_F(Forms, TheKeysBiasDropsOutUnlessPositionsAreRotary) {
  AttentionWeights w = plain();
  const MatrixF without = integer(w).forward(x_, {});
  const MatrixF exact = FloatAttention(w).forward(x_, {});
  w.key_bias = bias(w.key.cols());
  EXPECT_EQ(integer(w).forward(x_, {}), without);
  EXPECT_LT((FloatAttention(w).forward(x_, {}) - exact).cwiseAbs().maxCoeff(), 1e-5);
  AttentionWeights turned = full();
  const MatrixF with = FloatAttention(turned).forward(x_, {});
  turned.key_bias = {};
  EXPECT_GT(relative(FloatAttention(turned).forward(x_, {}), with), 0.05);
}

TEST_F(Forms, BiasesOfZeroChangeNoBit) {
  AttentionWeights w = plain();
  const MatrixF without = integer(w).forward(x_, {});
  w.query_bias = VectorF::Zero(w.query.cols());
  w.value_bias = VectorF::Zero(w.value.cols());
  EXPECT_LT((integer(w).forward(x_, {}) - without).cwiseAbs().maxCoeff(), 1e-6);
}

TEST_F(Forms, ALargeBiasOfTheQueriesKeepsItsHeadroom) {
  AttentionWeights w = plain();
  w.query_bias = 300 * bias(w.query.cols());
  w.key *= 0.01f;
  const MatrixF exact = FloatAttention(w).forward(x_, {});
  // All rows are nearly alike, so that the error is measured against the rows themselves.
  EXPECT_LT((integer(w).forward(x_, {}) - exact).norm() / exact.norm(), 0.03);
}

TEST_F(Forms, GroupedHeadsAreHeadsWithTheSameKeysAndValues) {
  const AttentionWeights grouped = full(2);
  AttentionWeights repeated = grouped;
  repeated.kv_heads = heads;
  repeated.key.resize(width, heads * head_width);
  repeated.value.resize(width, heads * head_width);
  repeated.key_bias.resize(heads * head_width);
  repeated.value_bias.resize(heads * head_width);
  for (int h = 0; h < heads; ++h) {
    const Eigen::Index from = (h / 2) * head_width, to = h * head_width;
    repeated.key.middleCols(to, head_width) = grouped.key.middleCols(from, head_width);
    repeated.value.middleCols(to, head_width) = grouped.value.middleCols(from, head_width);
    repeated.key_bias.segment(to, head_width) = grouped.key_bias.segment(from, head_width);
    repeated.value_bias.segment(to, head_width) = grouped.value_bias.segment(from, head_width);
  }
  const auto one = every_arithmetic(grouped), other = every_arithmetic(repeated);
  for (std::size_t i = 0; i < one.size(); ++i)
    EXPECT_EQ(one[i]->forward(x_, {}), other[i]->forward(x_, {})) << i;
}

TEST_F(Forms, HeadsOfAGroupMeetTheSameFrozenErrors) {
  AttentionWeights w = plain(1);
  for (int h = 1; h < heads; ++h)  // all heads ask the same
    w.query.middleCols(h * head_width, head_width) = w.query.leftCols(head_width);
  const ErrorModel model = ErrorModel::gaussian(8, 9, {0.15, 0.02, 0.1}, {0.0});
  const CodeSampler sampler(model);
  AttentionErrors errors;
  errors.dynamic = &sampler;
  errors.mode = ErrorMode::die;
  errors.seed = 11;
  const IntegerAttention layer = integer(w);
  const LayerDie die = layer.make_die(errors, tokens);
  errors.die = &die;
  IntegerAttention::Trace clean, hurt;
  layer.forward(x_, {}, &clean);
  layer.forward(x_, errors, &hurt);
  EXPECT_NE(clean.logits[0], hurt.logits[0]);
  for (int h = 1; h < heads; ++h) {
    EXPECT_EQ(hurt.logits[0], hurt.logits[h]);
    EXPECT_EQ(hurt.weighted[0], hurt.weighted[h]);
  }
  // Read noise is drawn by each head for itself.
  const ErrorModel noisy = ErrorModel::neighbour_errors(8, 0.05);
  const CodeSampler reads(noisy);
  AttentionErrors drawn;
  drawn.dynamic = &reads;
  IntegerAttention::Trace apart;
  layer.forward(x_, drawn, &apart);
  EXPECT_NE(apart.logits[0], apart.logits[1]);
}

TEST_F(Forms, AbsentCellsAreNotRead) {
  AttentionWeights w = plain();
  AttentionCounters open, causal;
  AttentionErrors errors;
  errors.counters = &open;
  IntegerAttentionOptions o;
  o.dynamic.packing = Packing::fixed;
  integer(w, o).forward(x_, errors);
  w.causal = true;
  errors.counters = &causal;
  integer(w, o).forward(x_, errors);
  // Q K^T: 8 rows, one read a plane, 12 planes of each key met; A V: a read for each begun group of 8 rows.
  constexpr std::int64_t met = tokens * (tokens + 1) / 2, groups = 8 * 1 + (tokens - 8) * 2;
  EXPECT_EQ(open.dynamic.conversions, heads * 8 * 12 * (tokens * tokens + tokens * 2 * head_width));
  EXPECT_EQ(causal.dynamic.conversions, heads * 8 * 12 * (met + groups * head_width));
}

TEST_F(Forms, SixteenBitCachesAndLongSequencesRun) {
  IntegerAttentionOptions o;
  o.kv_bits = 16;
  AttentionWeights w = plain();
  w.causal = true;
  const MatrixF x = normal(300, width, 1);
  const IntegerAttention layer(w, 0, {x}, o);
  EXPECT_LT(relative(layer.forward(x, {}), FloatAttention(w).forward(x, {})), 0.06);
}

TEST_F(Forms, InputsAndCellsHaveEncodingsOfTheirOwn) {
  const AttentionWeights w = full();
  const MatrixF plain_result = integer(w).forward(x_, {});
  for (const auto& [inputs, cells] : {std::pair{Encoding::sign_magnitude, Encoding::twos_complement},
                                      std::pair{Encoding::twos_complement, Encoding::sign_magnitude}}) {
    IntegerAttentionOptions o;
    o.input_encoding = inputs;
    o.weight_encoding = cells;
    EXPECT_EQ(integer(w, o).forward(x_, {}), plain_result);  // without errors an encoding is only a layout
  }
}

TEST_F(Forms, ASequenceBeyondTheRotaryPositionsIsRefused) {
  AttentionWeights w = full();
  w.rotary = std::make_shared<const RotaryTable>(head_width, tokens, 100.0, RotaryTable::Pairs::halves);
  const MatrixF longer = normal(tokens + 1, width, 1);
  for (const auto& layer : every_arithmetic(w))
    EXPECT_THROW(layer->forward(longer, {}), std::invalid_argument);
  EXPECT_THROW(RotaryTable(7, 4, 100, RotaryTable::Pairs::halves), std::invalid_argument);
  EXPECT_THROW(RotaryTable(8, 1 << 23, 100, RotaryTable::Pairs::halves), std::invalid_argument);
}

TEST_F(Forms, WeightsThatDoNotFitAreRefused) {
  const auto refused = [&](const std::function<void(AttentionWeights&)>& spoil) {
    AttentionWeights w = full();
    spoil(w);
    EXPECT_THROW(w.check(), std::invalid_argument);
  };
  refused([](AttentionWeights& w) { w.kv_heads = 3; });
  refused([](AttentionWeights& w) { w.heads = 49; });
  refused([](AttentionWeights& w) { w.query_bias.resize(3); });
  refused([](AttentionWeights& w) { w.value_bias(0) = NAN; });
  refused([](AttentionWeights& w) { w.output = w.output.leftCols(3).eval(); });
  refused([](AttentionWeights& w) {
    w.rotary = std::make_shared<const RotaryTable>(4, 8, 100.0, RotaryTable::Pairs::halves);
  });
}

TEST(IntegerStages, PairsTurnAsInFloat) {
  for (const auto pairs : {RotaryTable::Pairs::halves, RotaryTable::Pairs::neighbours}) {
    const RotaryTable table(6, 40, 50.0, pairs);
    std::vector<float> exact = {1000, -20000, 300, 4000, -5, 60000};
    std::vector<std::int32_t> narrow(exact.begin(), exact.end());
    std::vector<std::int64_t> wide(exact.begin(), exact.end());
    table.turn(exact, 37);
    const bool neighbours = pairs == RotaryTable::Pairs::neighbours;
    turn_head(std::span(narrow), table.cosines(37), table.sines(37), neighbours);
    turn_head(std::span(wide), table.cosines(37), table.sines(37), neighbours);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      EXPECT_NEAR(narrow[i], exact[i], 5) << i;  // half a step of 14 bits, times 60,000
      EXPECT_EQ(narrow[i], wide[i]);
    }
  }
}

TEST(IntegerStages, AShiftedWordIsRounded) {
  std::vector<std::int32_t> row = {10, 10, 10, 10};
  const std::vector<std::int64_t> words = {7, 8, -8, -9};
  add_shifted(std::span(row), words, 4);
  EXPECT_EQ(row, (std::vector<std::int32_t>{10, 11, 10, 9}));
  add_shifted(std::span(row), words, 0);
  EXPECT_EQ(row, (std::vector<std::int32_t>{17, 19, 2, 0}));
}

TEST_F(Forms, ProductsOutsideAttentionAreCloseToFloat) {
  const MatrixF w = normal(width, 40, 0.3), exact = x_ * w;
  IntegerAttentionOptions half;
  half.rounding = Rounding::half_lsb;
  std::vector<std::unique_ptr<LinearLayer>> layers;
  layers.push_back(std::make_unique<Int8Linear>(w, 0, 3));
  layers.push_back(std::make_unique<EmsbLinear>(w, 0, 3, calibration_));
  layers.push_back(std::make_unique<EmsbLinear>(w, 0, 3, calibration_, half));
  layers.push_back(std::make_unique<QrazorLinear>(w, QrazorOptions{8, 8, 8, 16}));
  for (const auto& layer : layers) EXPECT_LT((layer->forward(x_, {}) - exact).norm() / exact.norm(), 0.02);
  EXPECT_THROW(EmsbLinear(w, 0, 3, {}), std::invalid_argument);
  EXPECT_THROW(EmsbLinear(w, 0, 3, {MatrixF::Zero(2, 3)}), std::invalid_argument);
}

TEST_F(Forms, ProductsOutsideAttentionMeetTheErrorsOfTheirArray) {
  const MatrixF w = normal(width, 40, 0.3);
  const CodeSampler frozen(ErrorModel::gaussian(8, 9, {0.06, 0.01, 0.06}, {0.0}));
  AttentionErrors errors;
  errors.stationary = &frozen;
  errors.mode = ErrorMode::die;
  const Int8Linear layer(w, 2, 4);
  LayerDie die;
  layer.add_to(die, errors);
  errors.die = &die;
  AttentionCounters counters;
  errors.counters = &counters;
  const MatrixF once = layer.forward(x_, errors);
  EXPECT_NE(once, layer.forward(x_, {}));
  EXPECT_EQ(once, layer.forward(x_, errors));  // frozen
  EXPECT_GT(counters.stationary.conversions, 0);
  EXPECT_EQ(counters.tensor_words, 2 * tokens * (width + 40));
}

}  // namespace
}  // namespace flare::arch
