// Sums that 32 bits do not hold: the same numbers from every path, and bounds that hold.
#include <gtest/gtest.h>

#include <random>

#include "flare_arch/array/array.hpp"
#include "tests/flare_arch/array/random_operands.hpp"

namespace flare::arch {
namespace {

using testing::encodings;
using testing::random_matrix;

constexpr ReadPath every_path[] = {ReadPath::automatic, ReadPath::reference, ReadPath::sparse,
                                   ReadPath::dense};

MatrixL wide_product(const Array& array, const MatrixI& x, const PlaneFormat& format,
                     const ErrorInjection& errors) {
  MatrixL sums;
  array.multiply(x, format, errors, nullptr, sums);
  return sums;
}

TEST(WideSums, ExtremesInClosedForm) {
  const PlaneFormat in{16}, cells{8};
  const int depth = 2048;
  const Array array(MatrixI::Constant(depth, 2, -128), cells, {8});
  const MatrixI x = MatrixI::Constant(1, depth, -32768);
  const CodeSampler ideal(ErrorModel::ideal(8));
  const ArrayDie die(ideal.model(), 1, 0, depth, array.bitlines());
  const std::int64_t expected = std::int64_t{1} << (11 + 7 + 15);
  EXPECT_EQ(largest_sum(depth, cells, in, array.segmentation()), static_cast<double>(expected));
  for (const ReadPath path : every_path) {
    ErrorInjection errors;
    errors.path = path;
    EXPECT_EQ(wide_product(array, x, in, errors), MatrixL::Constant(1, 2, expected));
    errors.sampler = &ideal;
    EXPECT_EQ(wide_product(array, x, in, errors), MatrixL::Constant(1, 2, expected));
    EXPECT_THROW(array.multiply(x, in, errors), std::invalid_argument);
    if (path == ReadPath::sparse) continue;
    errors.mode = ErrorMode::die;
    errors.die = &die;
    EXPECT_EQ(wide_product(array, x, in, errors), MatrixL::Constant(1, 2, expected));
  }
}

TEST(WideSums, OperandsOfAnyWidthAndEncoding) {
  std::mt19937 generator(1);
  for (int repeat = 0; repeat < 60; ++repeat) {
    const PlaneFormat in{9 + static_cast<int>(generator() % 8), encodings[generator() % 3]};
    const PlaneFormat cells{repeat % 2 == 0 ? 8 : 16, encodings[generator() % 3]};
    const int depth = 200 + static_cast<int>(generator() % 900);
    const MatrixI w = random_matrix(generator, depth, 5, cells), x = random_matrix(generator, 3, depth, in);
    const Array array(w, cells, {8, 16, static_cast<Packing>(generator() % 5)});
    const MatrixL expected = x.cast<std::int64_t>() * w.cast<std::int64_t>();
    EXPECT_EQ(wide_product(array, x, in, {}), expected);
    const CodeSampler ideal(ErrorModel::ideal(8));
    ErrorInjection errors;
    errors.sampler = &ideal;
    errors.path = ReadPath::dense;
    EXPECT_EQ(wide_product(array, x, in, errors), expected);
  }
}

TEST(WideSums, Of2048TokensAndWidth2048) {
  // Values of 16 bits met by 2,048 probabilities, and a projection to width 2,048: against sums made another way, row by row.
  std::mt19937 generator(4);
  const PlaneFormat probability{8, Encoding::unsigned_binary}, values{16};
  const MatrixI w = random_matrix(generator, 2048, 2048, values),
                x = random_matrix(generator, 5, 2048, probability);
  const Array array(w, values, {8});
  EXPECT_FALSE(fits_32_bits(largest_sum(2048, values, probability, {8})));
  const MatrixL sums = wide_product(array, x, probability, {});
  EXPECT_GT(sums.cwiseAbs().maxCoeff(), 1 << 27);
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    Eigen::Matrix<std::int64_t, 1, Eigen::Dynamic> sum =
        Eigen::Matrix<std::int64_t, 1, Eigen::Dynamic>::Zero(2048);
    for (Eigen::Index row = 0; row < 2048; ++row) sum += x(t, row) * w.row(row).cast<std::int64_t>();
    ASSERT_EQ(sums.row(t), sum) << t;
  }
}

TEST(WideSums, AreTheNarrowOnesWhere32BitsHoldThem) {
  std::mt19937 generator(2);
  const PlaneFormat in{9}, cells{7};
  const MatrixI w = random_matrix(generator, 300, 40, cells), x = random_matrix(generator, 6, 300, in);
  const Array array(w, cells, {8});
  for (const double rate : {1e-3, 0.1}) {
    const CodeSampler sampler(ErrorModel::neighbour_errors(8, rate));
    for (const ReadPath path : every_path) {
      ErrorInjection errors;
      errors.sampler = &sampler;
      errors.seed = 5;
      errors.path = path;
      const MatrixI narrow = array.multiply(x, in, errors);
      EXPECT_NE(narrow, MatrixI(x * w));
      EXPECT_EQ(wide_product(array, x, in, errors), MatrixL(narrow.cast<std::int64_t>()));
    }
  }
}

TEST(WideSums, TheBoundHoldsForTheWorstConverter) {
  std::mt19937 generator(3);
  double closest = 0;
  for (int repeat = 0; repeat < 80; ++repeat) {
    const int sawl = 1 + static_cast<int>(generator() % 16), depth = 1 + static_cast<int>(generator() % 200);
    // Every read returns the largest code, whatever it drives.
    ErrorModel worst = ErrorModel::ideal(sawl);
    worst.confusion.setZero();
    worst.confusion.col(sawl).setOnes();
    const CodeSampler sampler(worst);
    const PlaneFormat in{6, Encoding::unsigned_binary}, cells{5, Encoding::unsigned_binary};
    const SegmentationOptions segmentation{sawl, 1 + static_cast<int>(generator() % 33),
                                           static_cast<Packing>(generator() % 5),
                                           sawl > 1 && generator() % 2 == 0};
    const Array array(random_matrix(generator, depth, 2, cells), cells, segmentation);
    ErrorInjection errors;
    errors.sampler = &sampler;
    // Some rows always on, the others never: remainders of all sizes.
    MatrixI x = MatrixI::Zero(4, depth);
    for (Eigen::Index t = 0; t < x.rows(); ++t)
      for (int row = 0; row < depth; ++row)
        if (generator() % 4 < static_cast<std::uint32_t>(t + 1)) x(t, row) = in.highest();
    const double bound = largest_sum(depth, cells, in, segmentation, &sampler);
    const double seen = static_cast<double>(wide_product(array, x, in, errors).maxCoeff());
    EXPECT_LE(seen, bound);
    closest = std::max(closest, seen / bound);
  }
  EXPECT_GT(closest, 0.5);  // it is a bound of this problem, not any large number
}

TEST(WideSums, RefusesWhat62BitsDoNotHold) {
  ErrorModel far = ErrorModel::ideal(64);
  for (double& value : far.reconstruct) value = 4 * value - 0.5;
  far.reconstruct.back() = 255.25;
  const CodeSampler sampler(far);
  const PlaneFormat sixteen{16, Encoding::unsigned_binary};
  const Array array(MatrixI::Zero(65536, 1), sixteen, {1});
  ErrorInjection errors;
  errors.sampler = &sampler;
  MatrixL sums;
  EXPECT_THROW(array.multiply(MatrixI::Zero(1, 65536), sixteen, errors, nullptr, sums),
               std::invalid_argument);
}

}  // namespace
}  // namespace flare::arch
