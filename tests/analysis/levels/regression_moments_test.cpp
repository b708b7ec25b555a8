#include "analysis/levels/regression_moments.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/analysis/levels/column_function.hpp"

namespace flare::analysis {
namespace {

using testing::ColumnFunction;

// 300 runs with control variates agree with 2,000,000 plain runs, and claim no more than they hold: over 200
// repeats at least 0.91 of the 95 % intervals hold the plain value (binomial standard error 0.015), whose own
// error is allowed for.
TEST(RegressionMoments, HoldWhatTheyClaim) {
  ColumnFunction column;
  column.cells = 8;
  column.compression = 0.16;
  column.sigma_vt = 0.03;
  const Moments many = estimate_moments(column.sample(5, 0, 2'000'000));
  int covered[4] = {0, 0, 0, 0};
  constexpr int repeats = 200;
  for (int repeat = 1; repeat <= repeats; ++repeat) {
    engine::Matrix points;
    const std::vector<double> samples =
        column.sample(6, static_cast<std::uint64_t>(repeat) * 1'000'000, 300, 16, &points);
    const Moments few = estimate_moments(samples, points);
    ASSERT_TRUE(few.regression);
    const auto holds = [](Interval i, double value, double error) {
      return i.low - 2.0 * error <= value && value <= i.high + 2.0 * error ? 1 : 0;
    };
    covered[0] += holds(few.mean_interval(), many.mean, std::sqrt(many.covariance(0, 0)));
    covered[1] += holds(few.sigma_interval(), many.sigma, std::sqrt(many.covariance(1, 1)));
    covered[2] += holds(few.skewness_interval(), many.skewness, std::sqrt(many.covariance(2, 2)));
    covered[3] += holds(few.kurtosis_interval(), many.kurtosis, std::sqrt(many.covariance(3, 3)));
  }
  for (int i = 0; i < 4; ++i) EXPECT_GE(covered[i], repeats * 91 / 100) << "moment " << i;
}

TEST(RegressionMoments, NarrowTheIntervalsOfANearlyLinearLevel) {
  ColumnFunction column;
  engine::Matrix points;
  const std::vector<double> samples = column.sample(6, 0, 300, 16, &points);
  const Moments with = estimate_moments(samples, points);
  const Moments plain = estimate_moments(samples);
  for (Eigen::Index i = 0; i < 4; ++i) {
    EXPECT_LT(std::sqrt(with.covariance(i, i)), 0.3 * std::sqrt(plain.covariance(i, i))) << i;
  }
}

// Inputs that say nothing about the level leave the plain moments, to the bit.
TEST(RegressionMoments, FallBackWhereTheInputsDoNotPredict) {
  ColumnFunction column;
  engine::Matrix points;
  const std::vector<double> samples = column.sample(6, 0, 300, 0, &points);
  engine::Matrix other;
  column.sample(6, 900, 300, 0, &other);
  const Moments plain = estimate_moments(samples);
  const Moments unrelated = estimate_moments(samples, other);
  EXPECT_FALSE(unrelated.regression);
  EXPECT_EQ(unrelated.skewness, plain.skewness);
  EXPECT_FALSE(estimate_moments({samples.begin(), samples.begin() + 50}, points.topRows(50)).regression);
  EXPECT_FALSE(estimate_moments(samples, engine::Matrix(300, 0)).regression);
  EXPECT_FALSE(estimate_moments(std::vector<double>(300, 0.5), points).regression);
  EXPECT_THROW(estimate_moments(samples, points.topRows(299)), std::invalid_argument);
  points(4, 4) = std::nan("");
  EXPECT_THROW(estimate_moments(samples, points), std::invalid_argument);
}

TEST(RegressionMoments, CarryTheUnknownRuns) {
  ColumnFunction column;
  engine::Matrix points;
  const std::vector<double> samples = column.sample(6, 0, 300, 0, &points);
  EXPECT_EQ(estimate_moments(samples, points, 3).unknown, 3U);
}

}  // namespace
}  // namespace flare::analysis
