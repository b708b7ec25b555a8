// Array sizes, cycles and traffic: the paper's formulas, and the counters of the shipped model against them.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "flare_arch/cost/traffic.hpp"
#include "flare_arch/models/accuracy.hpp"
#include "tests/flare_arch/golden.hpp"

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
  const Transformer model = Transformer::load(data_folder / "models/digits_vit");
  const Dataset digits = load_digits(data_folder / "digits/digits.csv");
  AccuracyOptions options;
  options.examples = 3;
  const AttentionShape one_layer{3, model.spec().tokens(), model.spec().width, model.spec().heads};
  EXPECT_EQ(evaluate_accuracy(model, digits, options).counters.tensor_words, 4 * fused_traffic(one_layer));
  options.quantizer = "int8";
  EXPECT_EQ(evaluate_accuracy(model, digits, options).counters.tensor_words, 4 * unfused_traffic(one_layer));
}

/// A layer with random weights, 40 tokens wide 48, 3 heads.
struct SmallLayer {
  AttentionShape shape{1, 40, 48, 3};
  AttentionWeights weights;
  MatrixF x;

  SmallLayer() {
    std::mt19937 generator(3);
    std::normal_distribution<float> normal(0, 1);
    const auto fill = [&](MatrixF& m, Eigen::Index rows, float sigma) {
      m.resize(rows, shape.width);
      for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = sigma * normal(generator);
    };
    weights.heads = static_cast<int>(shape.heads);
    for (MatrixF* w : {&weights.query, &weights.key, &weights.value, &weights.output})
      fill(*w, shape.width, 0.15f);
    weights.output_bias = VectorF::Zero(shape.width);
    fill(x, shape.tokens, 1);
  }
};

TEST(Hybrid, ArraysHaveTheSizesAndCountsOfThePaper) {
  // Fig. 9a: D word lines and D x weight bits bit lines for each projection, D^2 words; d_k word lines and N x
  // bits columns for each of H arrays of K.
  const SmallLayer layer;
  const IntegerAttention attention(layer.weights, 0, {layer.x});
  const CodeSampler stationary(ErrorModel::gaussian(8, 9, {0.02}, {})),
      dynamic(ErrorModel::gaussian(4, 5, {0.04}, {}));
  AttentionErrors errors;
  errors.stationary = &stationary;
  errors.dynamic = &dynamic;
  const LayerDie die = attention.make_die(errors, layer.shape.tokens);
  const ArraySizes sizes = array_sizes(layer.shape, 8, 12);
  std::map<std::pair<int, int>, int> count;
  std::int64_t weight_cells = 0;
  for (const auto& array : die.arrays)
    if (array) {
      ++count[{array->rows(), array->bitlines()}];
      if (array->comparators() == 8) weight_cells += std::int64_t{array->rows()} * array->bitlines();
    }
  const auto size = [](std::int64_t rows, std::int64_t lines) {
    return std::pair(static_cast<int>(rows), static_cast<int>(lines));
  };
  EXPECT_EQ(count[size(sizes.stationary_word_lines, sizes.stationary_bit_lines)], 3);  // Q, K, V
  // O: one block of rows per head, so that the heads' row scales can be told apart.
  EXPECT_EQ(count[size(sizes.dynamic_word_lines, sizes.stationary_bit_lines)], layer.shape.heads);
  EXPECT_EQ(weight_cells, sizes.stationary_words * 8);
  EXPECT_EQ(count[size(sizes.dynamic_word_lines, sizes.dynamic_bit_lines)], sizes.dynamic_arrays);
  EXPECT_EQ(count[size(sizes.value_word_lines, sizes.value_bit_lines)], sizes.dynamic_arrays);
}

TEST(Hybrid, CountersFollowTheFormulasWithSawlOfEachKind) {
  const SmallLayer layer;
  const AttentionShape& s = layer.shape;
  IntegerAttentionOptions options;
  options.stationary = {8, 16, Packing::fixed};
  options.dynamic = {4, 16, Packing::fixed};
  const IntegerAttention attention(layer.weights, 0, {layer.x}, options);
  AttentionCounters counters;
  AttentionErrors errors;
  errors.counters = &counters;
  attention.forward(layer.x, errors);
  const std::int64_t d = s.head_width(), in = fixed_cycles(s.tokens, s.width, 8, 8),
                     kv = 2 * fixed_cycles(s.tokens, s.width, 8, 12),
                     out = s.heads * fixed_cycles(s.tokens, d, 8, 8);
  EXPECT_EQ(counters.stationary.cycles, in + kv + out);
  EXPECT_EQ(counters.stationary.fixed_cycles, counters.stationary.cycles);
  // One conversion per cycle and bit line; every projection has D x 8 of them.
  EXPECT_EQ(counters.stationary.conversions, counters.stationary.cycles * s.width * 8);
  const std::int64_t scores = s.heads * fixed_cycles(s.tokens, d, 4, 8),
                     values = s.heads * fixed_cycles(s.tokens, s.tokens, 4, 8);
  EXPECT_EQ(counters.dynamic.cycles, scores + values);
  const ArraySizes sizes = array_sizes(s, 8, 12);
  EXPECT_EQ(counters.dynamic.conversions, scores * sizes.dynamic_bit_lines + values * sizes.value_bit_lines);
  // Groups of SAWL rows are filled up: rows driven and dummies together.
  EXPECT_EQ(counters.stationary.driven_rows + counters.stationary.dummy_rows, 8 * counters.stationary.cycles);
  EXPECT_EQ(counters.dynamic.driven_rows + counters.dynamic.dummy_rows, 4 * counters.dynamic.cycles);
  EXPECT_EQ(counters.tensor_words, fused_traffic(s));
}

TEST(Hybrid, EachKindHasItsOwnErrorsSawlAndConverter) {
  const Transformer model = Transformer::load(data_folder / "models/digits_vit");
  const Dataset digits = load_digits(data_folder / "digits/digits.csv");
  const double rate = 2e-3;
  const auto run = [&](std::shared_ptr<const ErrorModel> weights, std::shared_ptr<const ErrorModel> dynamic) {
    AccuracyOptions options;
    options.examples = 5;
    options.weight_arrays = std::move(weights);
    options.dynamic_arrays = std::move(dynamic);
    return evaluate_accuracy(model, digits, options).counters;
  };
  const auto wide = std::make_shared<const ErrorModel>(ErrorModel::neighbour_errors(16, rate));
  const auto narrow = std::make_shared<const ErrorModel>(ErrorModel::neighbour_errors(4, rate));
  const auto coarse = std::make_shared<const ErrorModel>(ErrorModel::gaussian(16, 6, {}, {}));
  // 5 sigma of a Poisson count: a false alarm is p = 6e-7 each.
  const auto expect_rate = [&](const ArrayCounters& c) {
    const double expected = rate * static_cast<double>(c.conversions);
    EXPECT_NEAR(static_cast<double>(c.wrong_reads), expected, 5 * std::sqrt(expected));
  };
  const AttentionCounters hybrid = run(wide, narrow), swapped = run(narrow, wide),
                          coarse_only = run(nullptr, coarse);
  expect_rate(hybrid.stationary);
  expect_rate(hybrid.dynamic);
  // SAWL 16 needs fewer cycles than SAWL 4 on the same kind of array, and fills reads to its own number of rows.
  EXPECT_LT(hybrid.stationary.cycles, swapped.stationary.cycles);
  EXPECT_GT(hybrid.dynamic.cycles, swapped.dynamic.cycles);
  EXPECT_EQ(hybrid.stationary.driven_rows + hybrid.stationary.dummy_rows, 16 * hybrid.stationary.cycles);
  EXPECT_EQ(hybrid.dynamic.driven_rows + hybrid.dynamic.dummy_rows, 4 * hybrid.dynamic.cycles);
  EXPECT_EQ(coarse_only.stationary.wrong_reads, 0);
  EXPECT_EQ(coarse_only.dynamic.driven_rows + coarse_only.dynamic.dummy_rows,
            16 * coarse_only.dynamic.cycles);
}

}  // namespace
}  // namespace flare::arch
