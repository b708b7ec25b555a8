// Array sizes, traffic, sparsity and boost: the paper's formulas and what the shipped model shows.
#include <gtest/gtest.h>

#include <random>

#include "flare_arch/accuracy.hpp"
#include "flare_arch/sparsity.hpp"
#include "flare_arch/traffic.hpp"

namespace flare::arch {
namespace {

const std::filesystem::path data_folder = std::filesystem::path(FLARE_SOURCE_DIR) / "data";

TEST(Traffic, ThePapersExample) {
  // Section 3.3: D = 1024, N = 512, SAWL 8, 8 bits: 128 cycles a plane, 524,288 in all; at 10 ns 5.24 ms (the
  // text says about 0.5 ms, a slip by ten).
  EXPECT_EQ(fixed_cycles(1, 1024, 8, 1), 128);
  EXPECT_EQ(fixed_cycles(512, 1024, 8, 8), 524288);
  EXPECT_NEAR(static_cast<double>(fixed_cycles(512, 1024, 8, 8)) * 10e-9, 5.24e-3, 5e-6);
  EXPECT_EQ(sifted_cycles_per_plane(1024, 0.8, 8), 26);
}

TEST(Traffic, FusionMakesItLinear) {
  const AttentionShape bert{1, 512, 1024, 16};
  EXPECT_EQ(unfused_traffic(bert), 2 * 512 * 1024 + 2 * 16 * 512 * 512 + 4 * 16 * 512 * 64);
  EXPECT_EQ(fused_traffic(bert), 3 * 512 * 1024);
  AttentionShape twice = bert;
  twice.tokens *= 2;
  EXPECT_EQ(fused_traffic(twice), 2 * fused_traffic(bert));
  EXPECT_GT(unfused_traffic(twice), 3 * unfused_traffic(bert));
  const ArraySizes sizes = array_sizes(bert, 8, 12);
  EXPECT_EQ(sizes.stationary_word_lines, 1024);
  EXPECT_EQ(sizes.stationary_bit_lines, 8192);
  EXPECT_EQ(sizes.stationary_words, 4 * 1024 * 1024);
  EXPECT_EQ(sizes.dynamic_arrays, 16);
  EXPECT_EQ(sizes.dynamic_word_lines, 64);
  EXPECT_EQ(sizes.dynamic_bit_lines, 512 * 12);
}

TEST(Traffic, CountersFollowTheFormulas) {
  const VitModel model = VitModel::load(data_folder / "models/digits_vit");
  const Dataset digits = load_digits(data_folder / "digits/digits.csv");
  AccuracyOptions options;
  options.examples = 3;
  const AttentionShape one_layer{3, model.config().tokens(), model.config().width, model.config().heads};
  EXPECT_EQ(evaluate_accuracy(model, digits, options).counters.tensor_words, 4 * fused_traffic(one_layer));
  options.quantizer = "int8";
  EXPECT_EQ(evaluate_accuracy(model, digits, options).counters.tensor_words, 4 * unfused_traffic(one_layer));
}

TEST(Sparsity, OfASmallMatrixByHand) {
  MatrixI m(1, 4);
  m << 0, 3, -1, 0;
  const Sparsity two = measure_sparsity(m, {4, Encoding::twos_complement}, 2);
  EXPECT_DOUBLE_EQ(two.bits, 10.0 / 16);  // 0011 and 1111
  EXPECT_DOUBLE_EQ(two.values, 0.5);
  EXPECT_DOUBLE_EQ(two.value_groups, 0);
  EXPECT_DOUBLE_EQ(two.column_slices, 2.0 / 8);  // the two top bits of the first pair
  EXPECT_DOUBLE_EQ(measure_sparsity(m, {4, Encoding::sign_magnitude}, 2).bits, 12.0 / 16);  // 0011 and 1001
  EXPECT_DOUBLE_EQ(measure_sparsity(m, {4, Encoding::twos_complement}, 1).value_groups, 0.5);
}

TEST(Sparsity, ZeroMeanTwosComplementIsHalfZeros) {
  // Every plane of zero-mean two's complement data is half ones, so BitSift gains at most a factor 2 there.
  std::mt19937 generator(1);
  std::normal_distribution<double> normal(0, 30);
  MatrixI m(200, 512);
  for (Eigen::Index i = 0; i < m.size(); ++i)
    m.data()[i] = std::clamp(static_cast<int>(std::lrint(normal(generator))), -127, 127);
  EXPECT_NEAR(measure_sparsity(m, {8, Encoding::twos_complement}).bits, 0.5, 0.01);
  EXPECT_GT(measure_sparsity(m, {8, Encoding::sign_magnitude}).bits, 0.58);
  EXPECT_LT(bitsift_boost(m, {8, Encoding::twos_complement}, {8, 16, Packing::ideal}), 2.05);
  EXPECT_NEAR(bitsift_boost(m, {8, Encoding::twos_complement}, {8, 16, Packing::ideal}), 2.0, 0.1);
}

TEST(SparsityStudy, OfTheShippedModel) {
  const VitModel model = VitModel::load(data_folder / "models/digits_vit");
  const Dataset digits = load_digits(data_folder / "digits/digits.csv");
  SparsityOptions options;
  options.images = 10;
  const std::vector<SparsityRow> rows = sparsity_study(model, digits, options);
  ASSERT_EQ(rows.size(), 11u);  // six tensors, both encodings, scores unsigned only
  for (const SparsityRow& row : rows) {
    SCOPED_TRACE(row.tensor + " " + encoding_name(row.encoding));
    const Sparsity& s = row.sparsity;
    EXPECT_GT(s.bits, 0.3);
    EXPECT_LE(s.value_groups, s.values);  // the coarser the grain, the fewer zeros
    EXPECT_LE(s.column_slices, s.bits);
    EXPECT_LE(s.value_groups, s.column_slices);
    EXPECT_GE(row.boost_ideal, row.boost_first_fit);
    EXPECT_GE(row.boost_first_fit, row.boost_next_fit * 0.999);
    if (row.tensor == "scores") {
      EXPECT_GT(s.bits, 0.6);
    }
  }
}

}  // namespace
}  // namespace flare::arch
