// The floating-point path: large matrices, which go to oneDNN, against their definitions.
#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <random>

#include "flare_arch/attention/attention.hpp"
#include "flare_arch/base/float_functions.hpp"
#include "flare_arch/base/float_product.hpp"
#include "flare_arch/models/transformer.hpp"

namespace flare::arch {
namespace {

MatrixF normal(Eigen::Index rows, Eigen::Index columns, std::uint32_t seed, double scale = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> law;
  return MatrixF::NullaryExpr(rows, columns, [&] { return static_cast<float>(scale * law(generator)); });
}

TEST(FloatProduct, EqualsTheDefinitionAtAnySize) {
  for (const auto& [m, k, n] :
       {std::tuple{1, 1, 1}, {3, 5, 7}, {197, 192, 65}, {129, 200, 192}, {1, 900, 1001}}) {
    const MatrixF a = normal(m, k, 1), b = normal(k, n, 2);
    const MatrixD exact = a.cast<double>() * b.cast<double>();
    EXPECT_LT((product(a, b).cast<double>() - exact).cwiseAbs().maxCoeff(), 1e-4) << m;
    EXPECT_LT((product_with_transposed(a, b.transpose().eval()).cast<double>() - exact).cwiseAbs().maxCoeff(),
              1e-4)
        << m;
  }
}

TEST(FloatProduct, TakesColumnsOfALargerMatrix) {
  const MatrixF a = normal(150, 300, 1), b = normal(150, 300, 2);
  const MatrixF left = a.middleCols(64, 64), right = b.middleCols(128, 64);
  EXPECT_EQ(product_with_transposed(a.middleCols(64, 64), b.middleCols(128, 64)),
            product_with_transposed(left, right));
}

TEST(FloatProduct, DoesNotDependOnTheNumberOfThreads) {
  const MatrixF a = normal(197, 768, 1), b = normal(768, 192, 2);
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const MatrixF one = product(a, b);
  omp_set_num_threads(4);
  EXPECT_EQ(product(a, b), one);
  EXPECT_EQ(omp_get_max_threads(), 4);
  omp_set_num_threads(before);
}

TEST(FloatFunctions, LargeMatricesAreAsSmallOnes) {
  const MatrixF x = normal(256, 200, 3, 3);
  ASSERT_TRUE(is_worth_vectors(x));
  for (const Activation activation :
       {Activation::gelu, Activation::gelu_tanh, Activation::silu, Activation::relu, Activation::tanh}) {
    MatrixF whole = x;
    apply(activation, whole);
    for (Eigen::Index row = 0; row < x.rows(); ++row) {
      MatrixF one = x.row(row);
      ASSERT_FALSE(is_worth_vectors(one));
      apply(activation, one);
      ASSERT_LT((one - whole.row(row)).cwiseAbs().maxCoeff(), 2e-6) << static_cast<int>(activation);
    }
  }
}

TEST(FloatFunctions, SoftmaxOfALargeMatrix) {
  const MatrixF x = normal(200, 197, 3, 4);
  ASSERT_TRUE(is_worth_vectors(x));
  MatrixF whole = x;
  softmax_rows(whole);
  EXPECT_LT((whole.rowwise().sum().array() - 1).abs().maxCoeff(), 1e-5);
  for (Eigen::Index row = 0; row < x.rows(); ++row) {
    MatrixF one = x.row(row);
    softmax_rows(one);
    // A logit as far as 32 below the largest is rounded to 2^-20, and so is its exponential.
    ASSERT_LT((one - whole.row(row)).cwiseAbs().maxCoeff(), 0x1p-19);
  }
  MatrixF causal = x.leftCols(197).topRows(197);
  softmax_rows(causal, true);
  EXPECT_EQ(causal(0, 0), 1);
  EXPECT_EQ(causal(3, 4), 0);
  EXPECT_NEAR(causal.row(3).head(4).sum(), 1, 1e-6);
}

}  // namespace
}  // namespace flare::arch
