// The sharpened spread of offsets against offsets whose law is known.
#include "studies/converter/offset_spread.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace flare::studies {
namespace {

struct Dies {
  std::vector<double> offsets, predicted;
};

/// y = 1.1 x + 0.1 (x^2 - 1) + 0.05 e: not quite what is predicted. sigma^2 = 1.21 + 0.02 + 0.0025.
Dies dies_of(std::uint64_t seed, int n) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  Dies dies;
  for (int i = 0; i < n; ++i) {
    const double x = normal(generator);
    dies.predicted.push_back(x);
    dies.offsets.push_back(1.1 * x + 0.1 * (x * x - 1.0) + 0.05 * normal(generator));
  }
  return dies;
}

TEST(OffsetSpread, IsSharperThanASampleAndHoldsTheTruth) {
  const double truth = std::sqrt(1.21 + 0.02 + 0.0025);
  int held = 0;
  double width = 0.0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    const Dies dies = dies_of(seed, 100);
    const OffsetSpread spread = offset_spread(dies.offsets, dies.predicted, 1.0);
    held += spread.low <= truth && truth <= spread.high;
    width += (spread.high - spread.low) / 400.0;
  }
  // 380 expected; the rest is not normal, and a slope's error is a little more than the formula's.
  EXPECT_GE(held, 352);
  EXPECT_LT(width, 0.17 * truth);  // of a sample alone 0.28
}

TEST(OffsetSpread, LeavesUnknownDiesOut) {
  Dies dies = dies_of(3, 50);
  const OffsetSpread all = offset_spread(dies.offsets, dies.predicted, 1.0);
  dies.offsets.push_back(NAN);
  dies.predicted.push_back(30.0);
  EXPECT_DOUBLE_EQ(offset_spread(dies.offsets, dies.predicted, 1.0).sigma, all.sigma);
  EXPECT_TRUE(std::isnan(offset_spread({1.0, 2.0}, {1.0, 2.0}, 1.0).sigma));
  EXPECT_TRUE(std::isnan(offset_spread({1, 2, 3, 4}, {5, 5, 5, 5}, 1.0).sigma));
}

// Where first order says all, a handful of dies tells sigma exactly.
TEST(OffsetSpread, OfALineIsExact) {
  const std::vector<double> x = {-1.0, 0.5, 0.2, 2.0, -0.3};
  std::vector<double> y;
  y.reserve(x.size());
  for (const double one : x) y.push_back(3.0 + 2.0 * one);
  const OffsetSpread spread = offset_spread(y, x, 1.5);
  EXPECT_NEAR(spread.sigma, 3.0, 1e-12);
  EXPECT_NEAR(spread.high - spread.low, 0.0, 1e-6);
}

}  // namespace
}  // namespace flare::studies
