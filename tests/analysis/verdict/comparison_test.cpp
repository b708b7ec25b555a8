#include "analysis/verdict/comparison.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace flare::analysis {
namespace {

Compared answer(double value, double half, bool passes = true) {
  return {value, value - half, value + half, passes, ""};
}

TEST(Comparison, ADifferenceCountsBeyondBothIntervalsTogether) {
  EXPECT_EQ(difference_of(answer(6.0, 0.3), answer(6.49, 0.4)), Difference::none);
  EXPECT_EQ(difference_of(answer(6.0, 0.3), answer(6.51, 0.4)), Difference::beyond_intervals);
  EXPECT_EQ(difference_of(answer(6.51, 0.4), answer(6.0, 0.3)), Difference::beyond_intervals);
  EXPECT_EQ(difference_of(answer(6.0, 0.0), answer(6.0, 0.0)), Difference::none);
}

// What the interval is on the other side does not matter.
TEST(Comparison, TheSidesThatFaceEachOtherDecide) {
  Compared low = answer(6.0, 0.1);
  low.low = 1.0;
  EXPECT_EQ(difference_of(low, answer(6.3, 0.1)), Difference::beyond_intervals);
  Compared high = answer(6.3, 0.1);
  high.low = 5.0;
  EXPECT_EQ(difference_of(low, high), Difference::none);
}

TEST(Comparison, VerdictsRowsAndRefusals) {
  EXPECT_EQ(difference_of(answer(6.0, 0.3, true), answer(6.0, 0.3, false)), Difference::verdict);
  EXPECT_EQ(difference_of(answer(6.0, 0.3), std::nullopt), Difference::only_before);
  EXPECT_EQ(difference_of(std::nullopt, answer(6.0, 0.3)), Difference::only_after);
  EXPECT_EQ(difference_of(answer(NAN, 0.3), answer(6.0, 0.3)), Difference::verdict);
  EXPECT_EQ(difference_of(answer(NAN, 0.3), answer(NAN, 0.3)), Difference::none);
}

}  // namespace
}  // namespace flare::analysis
