// Weighted runs against the normal law: draws of N(4, 1) with the weights phi/q of N(0, 1).
#include "analysis/report/tail_runs.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/base/sampling.hpp"

namespace flare::analysis {
namespace {

constexpr double shift = 4.0;

TailRuns drawn(Eigen::Index n) {
  const engine::Matrix z = engine::draw({7, "tail_runs_test"}, 0, static_cast<std::size_t>(n), 1);
  TailRuns runs;
  for (Eigen::Index i = 0; i < n; ++i) {
    const double x = z(i, 0) + shift;
    runs.values.push_back(x);
    runs.weights.push_back(std::exp(0.5 * shift * shift - shift * x));
  }
  return runs;
}

TEST(TailRuns, TheTailIsThatOfTheLaw) {
  const std::vector<TailPoint> tail = weighted_tail(drawn(4000), Side::above);
  ASSERT_GT(tail.size(), 10u);
  EXPECT_LE(tail.size(), 40u);
  EXPECT_LT(tail.front().p, 1e-8) << "further out than the shift";
  for (const TailPoint& point : tail) EXPECT_NEAR(sigma_of_probability(point.p), point.x, 0.15);
}

TEST(TailRuns, WhereFewRunsStandBehindNothingIsShown) {
  // Below zero the weights are those of one or two runs in a thousand.
  EXPECT_TRUE(weighted_tail(drawn(500), Side::below).empty());
}

TEST(TailRuns, TheDensityIsThatOfTheLaw) {
  std::size_t looked = 0;
  for (const DensityPoint& point : weighted_density(drawn(4000), 0.0, 0.25)) {
    if (point.x < 3.0 || point.x > 5.0) continue;
    EXPECT_NEAR(point.density / normal_density(point.x), 1.0, 0.35) << point.x;
    ++looked;
  }
  EXPECT_EQ(looked, 8u);
}

TEST(TailRuns, TheRunningEstimateEndsAtTheProbability) {
  const TailRuns runs = drawn(4000);
  const std::vector<RunningPoint> points = running_estimate(runs, 4.0, Side::above, 0.0);
  ASSERT_FALSE(points.empty());
  EXPECT_EQ(points.back().runs, 4000u);
  EXPECT_LT(points.back().low, normal_tail(4.0));
  EXPECT_GT(points.back().high, normal_tail(4.0));
  EXPECT_GT(points.front().high - points.front().low, points.back().high - points.back().low);
}

TEST(TailRuns, ALimitThatScattersIsFurtherAway) {
  const std::vector<RunningPoint> points = running_estimate(drawn(8000), 5.0, Side::above, 0.75);
  EXPECT_NEAR(sigma_of_probability(points.back().p), 5.0 / std::hypot(1.0, 0.75), 0.05);
}

TEST(TailRuns, ARunWithoutAnAnswerCountsAsNone) {
  TailRuns runs = drawn(2000);
  const double before = running_estimate(runs, 4.0, Side::above, 0.0).back().p;
  runs.values.resize(4000, std::numeric_limits<double>::quiet_NaN());
  runs.weights.resize(4000, 1.0);
  EXPECT_NEAR(running_estimate(runs, 4.0, Side::above, 0.0).back().p, 0.5 * before, 1e-12);
}

}  // namespace
}  // namespace flare::analysis
