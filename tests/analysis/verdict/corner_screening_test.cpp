#include "analysis/verdict/corner_screening.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace flare::analysis {
namespace {

ScreenedCorner estimated(double screened, double log_ratio) {
  return {screened, screened * std::exp(log_ratio), CornerState::estimated};
}
ScreenedCorner only_screened(double sigma) { return {sigma, std::nan(""), CornerState::screened}; }

// Two SAWLs whose ratios lie at a mean of 3 % and of -5 %, -a, 0 and a about it: scatter a with 4 degrees of freedom.
std::vector<ScreenedCorners> two_sawls(double a) {
  return {{estimated(6.0, 0.03 - a), estimated(6.5, 0.03), estimated(7.0, 0.03 + a)},
          {estimated(4.0, -0.05 + a), estimated(4.4, -0.05 - a), estimated(4.8, -0.05)}};
}

TEST(CornerScreening, ScatterIsThatAboutTheMeanOfEachSawl) {
  const ScreeningError error = screening_error(two_sawls(0.02));
  EXPECT_EQ(error.corners, 6u);
  EXPECT_DOUBLE_EQ(error.freedom, 4.0);
  EXPECT_NEAR(error.scatter, 0.02, 1e-12);
  EXPECT_NEAR(error.least, std::exp(-0.07), 1e-12);
  EXPECT_NEAR(error.most, std::exp(0.05), 1e-12);
}

// 2.5 % and 0.5 % points of Student's t with 4 degrees of freedom, from its tables.
TEST(CornerScreening, ChanceIsThatOfAPredictionFromStudentsT) {
  const std::vector<ScreenedCorners> sawls = two_sawls(0.02);
  const ScreeningError error = screening_error(sawls);
  ScreenedCorners corners = sawls[0];
  const double worst = corners[0].estimated;
  const double spread = 0.02 * std::sqrt(1.0 + 1.0 / 3.0);
  corners.push_back(only_screened(worst * std::exp(-0.03 + 2.776445 * spread)));
  const CornerCoverage one = corner_coverage(corners, error);
  EXPECT_EQ(one.corners, 4u);
  EXPECT_EQ(one.full, 3u);
  EXPECT_NEAR(one.chance_worse, 0.025, 1e-6);
  EXPECT_TRUE(one.every_corner());
  corners.push_back(only_screened(worst * std::exp(-0.03 + 4.604095 * spread)));
  EXPECT_NEAR(corner_coverage(corners, error).chance_worse, 0.030, 1e-6);
  corners.push_back(only_screened(worst * std::exp(-0.03 + 2.776445 * spread)));
  EXPECT_FALSE(corner_coverage(corners, error).every_corner());
}

// Three ratios that agree to the last digit are no proof: the scatter counts as that of 4 more corners at 1 %.
TEST(CornerScreening, FewRatiosThatAgreeByChanceAreNoCertainty) {
  ScreenedCorners corners = {estimated(6.0, 0.01), estimated(6.5, 0.01), estimated(7.0, 0.01)};
  const ScreeningError error = screening_error({corners});
  EXPECT_NEAR(error.scatter, 0.0, 1e-12);
  const double spread = 0.01 * std::sqrt(4.0 / 6.0) * std::sqrt(4.0 / 3.0);
  corners.push_back(only_screened(6.0 * std::exp(4.302653 * spread)));  // 2.5 % point of t with 2
  EXPECT_NEAR(corner_coverage(corners, error).chance_worse, 0.025, 1e-6);
}

TEST(CornerScreening, WhereNothingIsKnownNothingIsClaimed) {
  const ScreeningError error = screening_error(two_sawls(0.005));
  const double none = -std::numeric_limits<double>::infinity();
  // No ratio of this SAWL; no freedom; a corner without a screening; one beyond its threshold from the start.
  EXPECT_EQ(corner_coverage({only_screened(9.0), {6.0, 3.1, CornerState::bound}}, error).chance_worse, 1.0);
  const ScreenedCorners single = {estimated(6.0, 0.0), only_screened(20.0)};
  EXPECT_EQ(corner_coverage(single, screening_error({single})).chance_worse, 1.0);
  EXPECT_TRUE(std::isnan(screening_error({single}).scatter));
  EXPECT_EQ(
      corner_coverage({estimated(6.0, 0.0), estimated(6.1, 0.0), only_screened(none)}, error).chance_worse,
      1.0);
  EXPECT_EQ(
      corner_coverage({estimated(6.0, 0.0), estimated(6.1, 0.0), only_screened(-0.1)}, error).chance_worse,
      1.0);
  EXPECT_EQ(screening_error({}).corners, 0u);
  EXPECT_FALSE(CornerCoverage().every_corner());
}

TEST(CornerScreening, ARefusedCornerIsTheWorstAlready) {
  const ScreeningError error = screening_error(two_sawls(0.02));
  const ScreenedCorners corners = {{3.0, std::nan(""), CornerState::refused}, only_screened(3.01)};
  EXPECT_EQ(corner_coverage(corners, error).chance_worse, 0.0);
}

TEST(CornerScreening, AllRunInFullNeedsNoArgument) {
  const std::vector<ScreenedCorners> sawls = two_sawls(0.5);
  EXPECT_TRUE(corner_coverage(sawls[0], screening_error(sawls)).every_corner());
}

// Corners whose ratios scatter by a normal law, run worst first until the argument holds: how often is another one the
// worst after all? Stopping as soon as it holds is part of what is tested.
double wrong_claims(double scatter, double step, int trials) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  int wrong = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<ScreenedCorners> sawls(2);
    std::vector<std::vector<double>> truth(2);
    for (std::size_t s = 0; s < 2; ++s) {
      const double mean = 0.03 * normal(random);
      for (int i = 0; i < 12; ++i) {
        sawls[s].push_back(only_screened(6.0 * std::exp(step * i)));
        truth[s].push_back(sawls[s].back().screened * std::exp(mean + scatter * normal(random)));
      }
    }
    const auto run = [&](std::size_t s, std::size_t i) {
      sawls[s][i].estimated = truth[s][i];
      sawls[s][i].state = CornerState::estimated;
    };
    for (std::size_t s = 0; s < 2; ++s) {
      for (const std::size_t i : {0, 1, 6}) run(s, i);
    }
    for (bool more = true; more;) {
      more = false;
      const ScreeningError error = screening_error(sawls);
      for (std::size_t s = 0; s < 2; ++s) {
        if (corner_coverage(sawls[s], error).every_corner()) continue;
        const auto next =
            std::find_if(sawls[s].begin(), sawls[s].end(), [](const auto& c) { return !c.full(); });
        run(s, static_cast<std::size_t>(next - sawls[s].begin()));
        more = true;
      }
    }
    for (std::size_t s = 0; s < 2; ++s) {
      const double worst = *std::min_element(truth[s].begin(), truth[s].end());
      const bool found = std::any_of(sawls[s].begin(), sawls[s].end(), [&](const ScreenedCorner& c) {
        return c.full() && c.estimated == worst;
      });
      wrong += found ? 0 : 1;
    }
  }
  return wrong / (2.0 * trials);
}

TEST(CornerScreening, TheWorstCornerIsMissedLessOftenThanStated) {
  for (const double scatter : {0.002, 0.008, 0.03, 0.1}) {
    for (const double step : {0.5 * scatter, scatter, 3.0 * scatter}) {
      EXPECT_LT(wrong_claims(scatter, step, 2000), 0.05) << "scatter " << scatter << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace flare::analysis
