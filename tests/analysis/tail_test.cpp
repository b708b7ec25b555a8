#include "analysis/tail.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace flare::analysis {
namespace {

// Reference values: mpmath, 30 digits.
TEST(Tail, NormalTailKeepsItsDigits) {
  EXPECT_NEAR(normal_tail(6.0) / 9.865876450376981e-10, 1.0, 1e-13);
  EXPECT_NEAR(normal_tail(20.0) / 2.753624118606234e-89, 1.0, 1e-12);
  EXPECT_NEAR(normal_tail(-6.0), 1.0, 1e-8);
  EXPECT_DOUBLE_EQ(six_sigma_probability(), normal_tail(6.0));
}

TEST(Tail, LogarithmContinuesWhereTheDoubleEnds) {
  EXPECT_NEAR(log_normal_tail(3.0), std::log(normal_tail(3.0)), 1e-12);
  // The series takes over at 35 without a step.
  EXPECT_NEAR(log_normal_tail(std::nextafter(35.0, 0.0)), log_normal_tail(35.0), 1e-9);
  EXPECT_NEAR(log_normal_tail(50.0), -1254.83136113942, 1e-8);
}

TEST(Tail, SigmaIsTheInverse) {
  for (const double beta : {-8.0, -3.0, 0.0, 0.5, 4.0, 6.0, 12.0, 30.0}) {
    EXPECT_NEAR(sigma_of_probability(normal_tail(beta)), beta, beta < -5.0 ? 0.2 : 1e-9) << beta;
  }
  EXPECT_GE(sigma_of_probability(0.0), 37.0);
  EXPECT_THROW(sigma_of_probability(std::nan("")), std::invalid_argument);
}

TEST(Tail, StatusWordsAreThoseOfTheFile) {
  for (const TailStatus status :
       {TailStatus::estimated, TailStatus::bound, TailStatus::extrapolated, TailStatus::refused}) {
    EXPECT_EQ(tail_status(to_string(status)), status);
  }
  EXPECT_THROW(tail_status("sure"), std::invalid_argument);
  EXPECT_EQ(weaker(TailStatus::estimated, TailStatus::extrapolated), TailStatus::extrapolated);
}

}  // namespace
}  // namespace flare::analysis
