// What accuracy asks for: the largest SAWL and the least converter whose drop stays within what is allowed.
#include "analysis/verdict/accuracy_pick.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace flare::analysis {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

AccuracyPoint at(int sawl, double drop, double high, const std::string& adc = "flash", double enob = 0) {
  return {"model", "emsbq", "sram8t", adc, "read", sawl, enob, drop, high};
}

TEST(AccuracyPick, TheLargestSawlBeforeTheFirstThatDoesNotHold) {
  // Out of order, and one that holds beyond one that does not: luck, not shown.
  const auto pick =
      largest_sawl({at(8, 0.0, 0.004), at(2, 0.0, 0.003), at(32, 0.0, 0.001), at(16, 0.01, 0.02)}, 0.01);
  ASSERT_TRUE(pick.has_value());
  EXPECT_EQ(pick->at.sawl, 8);
  ASSERT_TRUE(pick->next.has_value());
  EXPECT_EQ(pick->next->sawl, 16);
}

TEST(AccuracyPick, TheUpperEndDecidesAndNoNumberHoldsNothing) {
  EXPECT_FALSE(largest_sawl({at(2, 0.0, 0.011)}, 0.01).has_value());
  EXPECT_FALSE(largest_sawl({at(2, 0.0, std::numeric_limits<double>::quiet_NaN())}, 0.01).has_value());
  EXPECT_FALSE(largest_sawl({}, 0.01).has_value());
  EXPECT_TRUE(largest_sawl({at(2, 0.0, 0.01)}, 0.01).has_value());
}

TEST(AccuracyPick, TheLeastEnobFromTheBestDownward) {
  const auto pick = least_enob({at(8, 0, 0.002, "b", 4.5), at(8, 0, 0.001, "a", 6), at(8, 0.1, 0.2, "c", 3),
                                at(8, 0, 0.001, "unknown", 0)},
                               0.01);
  ASSERT_TRUE(pick.has_value());
  EXPECT_EQ(pick->at.adc, "b");
  EXPECT_EQ(pick->next->adc, "c");
}

TEST(AccuracyPick, OneSentenceBesideWhatTheTargetPicks) {
  const std::vector<AccuracyPoint> points = {at(2, 0.0, 0.003), at(4, 0.0, 0.004), at(8, 0.02, 0.03)};
  const std::string s = accuracy_sentence(points, 0.01, {"6 sigma", 2}, "%");
  EXPECT_THAT(
      s,
      HasSubstr("accuracy allows SAWL 4 (drop 0.00 %, at most 0.40 % with 95 % confidence, 1.00 % allowed)"));
  EXPECT_THAT(s, HasSubstr("SAWL 8 is not shown to"));
  EXPECT_THAT(s, HasSubstr("6 sigma allows SAWL 2"));
  EXPECT_THAT(accuracy_sentence(points, 0.01, {"3.5 sigma", 4}, "%"),
              HasSubstr("3.5 sigma asks for the same"));
  EXPECT_THAT(accuracy_sentence(points, 0.001, {"6 sigma", 0}, "%"),
              AllOf(HasSubstr("accuracy allows no SAWL"), HasSubstr("; 6 sigma is held by no SAWL.")));
  EXPECT_THAT(accuracy_sentence(points, 0.01, {"6 sigma", {}}, "nat"),
              AllOf(HasSubstr("0.0040 nat"), Not(HasSubstr("6 sigma"))));
  EXPECT_EQ(accuracy_sentence({}, 0.01, {"6 sigma", 0}, "%"), "");
}

TEST(AccuracyPick, EnobNeedsTwoConverters) {
  EXPECT_EQ(enob_sentence({at(8, 0, 0.001, "a", 5)}, 0.01, "%"), "");
  EXPECT_THAT(enob_sentence({at(8, 0, 0.001, "a", 5), at(8, 0, 0.002, "b", 4)}, 0.01, "%"),
              HasSubstr("4.00 effective bits (b) are the least"));
  EXPECT_THAT(enob_sentence({at(8, 0, 0.1, "a", 5), at(8, 0, 0.2, "b", 4)}, 0.01, "%"),
              HasSubstr("none of 2"));
}

}  // namespace
}  // namespace flare::analysis
