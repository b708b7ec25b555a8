// Sparsity and boost: by hand, against the numpy model, and what the shipped model shows.
#include "flare_arch/cost/sparsity.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "flare_arch/models/accuracy.hpp"
#include "tests/flare_arch/golden.hpp"

namespace flare::arch {
namespace {

const std::filesystem::path data_folder = std::filesystem::path(FLARE_SOURCE_DIR) / "data";

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
  const Transformer model = Transformer::load(data_folder / "models/digits_vit");
  const Dataset digits = load_digits(data_folder / "digits/digits.csv");
  SparsityOptions options;
  options.images = 10;
  std::vector<MatrixI> inputs;
  options.visit = [&](int, int, const std::string& tensor, const MatrixI& m) {
    if (tensor == "input") inputs.push_back(m);
  };
  const std::vector<SparsityRow> rows = sparsity_study(model, digits, options);
  ASSERT_EQ(rows.size(), 15u);  // seven tensors, both encodings, scores unsigned only; and both totals
  for (const SparsityRow& row : rows) {
    SCOPED_TRACE(row.tensor + " " + encoding_name(row.encoding));
    const Sparsity& s = row.sparsity;
    EXPECT_GT(s.bits, 0.3);
    EXPECT_EQ(row.is_fed(), row.tensor != "key" && row.tensor != "value");
    if (row.tensor != "all") {
      EXPECT_LE(s.value_groups, s.values);  // the coarser the grain, the fewer zeros
      EXPECT_LE(s.column_slices, s.bits);
      EXPECT_LE(s.value_groups, s.column_slices);
    }
    if (row.tensor == "scores") {
      EXPECT_GT(s.bits, 0.6);
    }
    if (!row.is_fed()) continue;
    for (const int length : options.slice_lengths) {
      EXPECT_GE(row.boost(Packing::ideal), row.boost(Packing::first_fit, length));
      EXPECT_GE(row.boost(Packing::first_fit, length), row.boost(Packing::next_fit, length) * 0.999);
    }
    EXPECT_THROW(row.boost(Packing::next_fit, 5), std::out_of_range);
  }
  // The table is the sum over what was visited: counted again from the tensors, layer by layer.
  ASSERT_EQ(inputs.size(), 40u);
  double zeros = 0, weighed = 0;
  for (const MatrixI& m : inputs) {
    zeros += measure_sparsity(m, {8, Encoding::twos_complement}).bits * static_cast<double>(m.size());
    weighed += static_cast<double>(m.size());
  }
  EXPECT_EQ(rows[0].values, static_cast<std::int64_t>(weighed));
  EXPECT_NEAR(rows[0].sparsity.bits, zeros / weighed, 1e-12);
}

TEST(SparsityStudy, CyclesAreThoseTheArraysCount) {
  const Transformer model = Transformer::load(data_folder / "models/digits_vit");
  const Dataset digits = load_digits(data_folder / "digits/digits.csv");
  for (const Encoding encoding : {Encoding::twos_complement, Encoding::sign_magnitude}) {
    AccuracyOptions run;
    run.examples = 4;
    run.attention.input_encoding = encoding;
    run.attention.stationary.slice_length = run.attention.dynamic.slice_length = 32;
    const AttentionCounters counters = evaluate_accuracy(model, digits, run).counters;
    SparsityOptions options;
    options.images = 4;
    options.slice_lengths = {32};
    std::int64_t cycles = 0, ideal = 0;
    for (const SparsityRow& row : sparsity_study(model, digits, options))
      if (row.tensor == "all" && row.encoding == encoding)
        for (const SiftedCycles& way : row.sifted) {
          if (way.packing == Packing::next_fit) cycles = way.cycles;
          if (way.packing == Packing::ideal) ideal = way.cycles;
        }
    EXPECT_EQ(cycles, counters.stationary.cycles + counters.dynamic.cycles);
    EXPECT_EQ(ideal, counters.stationary.ideal_cycles + counters.dynamic.ideal_cycles);
  }
}

TEST(SparsityStudy, TallVectorsLoseLessToRoundingUp) {
  const Transformer model = Transformer::load(data_folder / "models/digits_vit");
  const Dataset digits = load_digits(data_folder / "digits/digits.csv");
  SparsityOptions options;
  options.images = 6;
  const std::vector<SparsityRow> as_is = sparsity_study(model, digits, options);
  options.depth = 1024;
  const std::vector<SparsityRow> tall = sparsity_study(model, digits, options);
  ASSERT_EQ(tall.size(), as_is.size());
  for (std::size_t i = 0; i < tall.size(); ++i) {
    if (!tall[i].is_fed()) continue;
    SCOPED_TRACE(tall[i].tensor + " " + encoding_name(tall[i].encoding));
    EXPECT_EQ(tall[i].sparsity.bits, as_is[i].sparsity.bits);
    EXPECT_EQ(tall[i].longest, 1024);
    EXPECT_GT(tall[i].boost(Packing::ideal), as_is[i].boost(Packing::ideal));
    // At this size the paper's 1 / (1 - s) is reached but for what rounding up still costs.
    EXPECT_LE(tall[i].boost(Packing::ideal), tall[i].expected_boost());
    EXPECT_GT(tall[i].boost(Packing::ideal), 0.96 * tall[i].expected_boost());
    if (tall[i].encoding != Encoding::sign_magnitude && tall[i].tensor != "all") {
      EXPECT_NEAR(as_is[i].expected_boost(), 1 / (1 - as_is[i].sparsity.bits), 1e-12);
    }
  }
  options.images = 1;
  options.depth = 65536;  // more than one image holds: nothing was packed, and says so
  EXPECT_FALSE(sparsity_study(model, digits, options)[0].is_fed());
}

TEST(SparsityStudy, RefusesNonsense) {
  SparsityOptions options;
  std::string error;
  EXPECT_TRUE(options.is_valid(&error));
  options.rows_per_read = 65;
  EXPECT_FALSE(options.is_valid(&error));
  EXPECT_NE(error.find("SAWL"), std::string::npos);
  options = {};
  options.slice_lengths = {16, 0};
  EXPECT_FALSE(options.is_valid(&error));
  options.slice_lengths = {};
  EXPECT_FALSE(options.is_valid(&error));
}

TEST(Sparsity, EqualsTheNumpyModel) {
  // Counts of zeros and of cycles by numpy's own bit arithmetic, on the golden attention chain's tensors.
  const TensorFile file = golden("sparsity");
  for (const auto& [name, bits, encoding] :
       {std::tuple{"signed_twos_complement", 8, Encoding::twos_complement},
        std::tuple{"signed_sign_magnitude", 8, Encoding::sign_magnitude},
        std::tuple{"unsigned", 8, Encoding::unsigned_binary}}) {
    SCOPED_TRACE(name);
    const MatrixI m =
        golden_integers(file, encoding == Encoding::unsigned_binary ? "unsigned_values" : "signed_values");
    const PlaneFormat format{bits, encoding};
    const Sparsity s = measure_sparsity(m, format, 8);
    const MatrixI zeros = golden_integers(file, std::string(name) + "_zeros");  // zero, all; four grains
    const double shares[] = {s.bits, s.values, s.value_groups, s.column_slices};
    for (int grain = 0; grain < 4; ++grain)
      EXPECT_DOUBLE_EQ(shares[grain], static_cast<double>(zeros(grain, 0)) / zeros(grain, 1)) << grain;
    const MatrixI cycles = golden_integers(file, std::string(name) + "_cycles");  // fixed, ideal, then per L
    EXPECT_DOUBLE_EQ(bitsift_boost(m, format, {8, 16, Packing::ideal}),
                     static_cast<double>(cycles(0, 0)) / cycles(0, 1));
    int at = 2;
    for (const Packing packing : {Packing::next_fit, Packing::first_fit})
      for (const int length : {8, 16, 32, 64})
        EXPECT_DOUBLE_EQ(bitsift_boost(m, format, {8, length, packing}),
                         static_cast<double>(cycles(0, 0)) / cycles(0, at++));
  }
}

}  // namespace
}  // namespace flare::arch
