// Cells that are absent for a token: as if the array had never had them, on every path.
#include <gtest/gtest.h>

#include "flare_arch/array/array.hpp"
#include "tests/flare_arch/array/random_operands.hpp"

namespace flare::arch {
namespace {

constexpr int depth = 37, columns = 90, tokens = 6;
const std::vector<std::int32_t> rows_met = {0, 1, 8, 9, 30, 37}, columns_met = {1, 0, 5, 64, 89, 90};

/// Operands whose inputs are 0 where a row is absent.
struct Operands {
  std::mt19937 generator{3};
  MatrixI weights = testing::random_matrix(generator, depth, columns, {6, Encoding::twos_complement});
  MatrixI inputs = testing::random_matrix(generator, tokens, depth, {5, Encoding::twos_complement});

  Operands() {
    for (int t = 0; t < tokens; ++t) inputs.row(t).tail(depth - rows_met[t]).setZero();
  }
};

void expect_equal(const ArrayCounters& a, const ArrayCounters& b) {
  EXPECT_EQ(a.cycles, b.cycles);
  EXPECT_EQ(a.fixed_cycles, b.fixed_cycles);
  EXPECT_EQ(a.conversions, b.conversions);
  EXPECT_EQ(a.driven_rows, b.driven_rows);
  EXPECT_EQ(a.dummy_rows, b.dummy_rows);
  EXPECT_EQ(a.wrong_reads, b.wrong_reads);
}

/// Every token against an array that ends where its cells do.
void compare(ErrorInjection errors, Packing packing) {
  const Operands o;
  const PlaneFormat cells{6, Encoding::twos_complement}, fed{5, Encoding::twos_complement};
  const SegmentationOptions reads{8, 16, packing};
  ArrayCounters counters, expected_counters;
  MatrixI got;
  Array(o.weights, cells, reads).multiply(o.inputs, fed, errors, &counters, got, {rows_met, columns_met});
  for (int t = 0; t < tokens; ++t) {
    EXPECT_EQ(got.row(t).tail(columns - columns_met[t]).cwiseAbs().sum(), 0) << t;
    const int rows = rows_met[t], met = columns_met[t];
    if (rows == 0 || met == 0) continue;
    errors.first_token = static_cast<std::uint32_t>(t);
    MatrixI expected;
    Array(o.weights.topLeftCorner(rows, met), cells, reads)
        .multiply(o.inputs.row(t).head(rows), fed, errors, &expected_counters, expected);
    EXPECT_EQ(MatrixI(got.row(t).head(met)), expected) << t;
  }
  // A token that meets no column reads its rows' planes for nothing; one without rows has no reads.
  ArrayCounters alone;
  errors.first_token = 1;
  const std::vector<std::int32_t> one_row = {1}, no_column = {0};
  MatrixI nothing;
  Array(o.weights, cells, reads)
      .multiply(o.inputs.row(1), fed, errors, &alone, nothing, {one_row, no_column});
  EXPECT_EQ(alone.conversions, 0);
  EXPECT_EQ(alone.wrong_reads, 0);
  expected_counters += alone;
  expect_equal(counters, expected_counters);
}

TEST(PresentCells, AreAllThatIsReadInReadMode) {
  const CodeSampler sampler(ErrorModel::neighbour_errors(8, 0.004));
  for (const ReadPath path : {ReadPath::reference, ReadPath::sparse, ReadPath::dense})
    for (const Packing packing : {Packing::next_fit, Packing::fixed}) {
      ErrorInjection errors;
      errors.sampler = &sampler;
      errors.path = path;
      errors.seed = 9;
      compare(errors, packing);
    }
}

TEST(PresentCells, AreAllThatIsReadWithoutErrors) {
  for (const Packing packing : {Packing::next_fit, Packing::fixed}) compare({}, packing);
}

TEST(PresentCells, AreAllThatIsReadOnADie) {
  const ErrorModel model = ErrorModel::gaussian(8, 9, {0.1, 0.03, 0.05}, {0.05});
  const CodeSampler sampler(model);
  const ArrayDie die(model, 1, 0, depth, columns * 6);
  for (const ReadPath path : {ReadPath::reference, ReadPath::dense}) {
    ErrorInjection errors;
    errors.sampler = &sampler;
    errors.mode = ErrorMode::die;
    errors.die = &die;
    errors.path = path;
    errors.seed = 9;
    compare(errors, Packing::next_fit);
  }
}

TEST(PresentCells, SixtyFourBitSumsAreTheSame) {
  const Operands o;
  const Array array(o.weights, {6, Encoding::twos_complement}, {8, 16, Packing::next_fit});
  MatrixI narrow;
  MatrixL wide;
  array.multiply(o.inputs, {5, Encoding::twos_complement}, {}, nullptr, narrow, {rows_met, columns_met});
  array.multiply(o.inputs, {5, Encoding::twos_complement}, {}, nullptr, wide, {rows_met, columns_met});
  EXPECT_EQ(narrow.cast<std::int64_t>(), wide);
}

TEST(PresentCells, WhatDoesNotFitIsRefused) {
  const Operands o;
  const Array array(o.weights, {6, Encoding::twos_complement}, {8, 16, Packing::next_fit});
  const auto refused = [&](const std::vector<std::int32_t>& rows, const std::vector<std::int32_t>& met) {
    MatrixI result;
    EXPECT_THROW(array.multiply(o.inputs, {5, Encoding::twos_complement}, {}, nullptr, result, {rows, met}),
                 std::invalid_argument);
  };
  refused({}, {1, 2, 3});
  refused({}, {0, 0, 0, 0, 0, columns + 1});
  refused({}, {0, 0, 0, 0, 0, -1});
  refused({0, 1, 8, 9, 30, depth + 1}, {});
  refused({0, 1, 8, 8, 30, 37}, {});  // token 3 feeds its ninth row
}

}  // namespace
}  // namespace flare::arch
