#include "engine/base/normal_law.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace flare::engine {
namespace {

// Values of Q(z) = P(Z > z) to 16 digits (Abramowitz and Stegun, table 26.2, and its continuation).
TEST(NormalLaw, TailKeepsItsDigits) {
  EXPECT_EQ(normal_tail(0.0), 0.5);
  EXPECT_NEAR(normal_tail(1.0) / 0.158655253931457, 1.0, 1e-14);
  EXPECT_NEAR(normal_tail(6.0) / 9.86587645037698e-10, 1.0, 1e-13);
  EXPECT_NEAR(normal_tail(-3.0), 0.998650101968370, 1e-15);
}

TEST(NormalLaw, QuantileIsTheInverseOfEitherTail) {
  EXPECT_EQ(normal_quantile(0.5), 0.0);
  for (double z = 0.25; z < 37.0; z += 0.25) {
    const double p = normal_tail(z);
    EXPECT_NEAR(normal_quantile(p) / -z, 1.0, 1e-14) << z;
    if (z < 5.0) {  // 1 - p still says how small p is
      EXPECT_NEAR(normal_quantile(1.0 - p), z, 4e-16 / (p * z)) << z;
    }
  }
}

}  // namespace
}  // namespace flare::engine
