#include "analysis/levels/moments.hpp"

#include <gtest/gtest.h>

#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <limits>

#include "engine/base/random_stream.hpp"

namespace flare::analysis {
namespace {

// scipy.stats: skew and kurtosis with bias=False.
TEST(Moments, AgreeWithScipy) {
  const Moments m = estimate_moments({1.2, 0.7, 3.1, 2.2, 1.9, 0.4, 2.6, 1.1, 5.0, 1.6}, 3);
  EXPECT_NEAR(m.mean, 1.98, 1e-14);
  EXPECT_NEAR(m.sigma, 1.353021310499826, 1e-14);
  EXPECT_NEAR(m.skewness, 1.2305012337371406, 1e-13);
  EXPECT_NEAR(m.kurtosis, 4.835314813241652, 1e-13);
  EXPECT_EQ(m.runs, 10U);
  EXPECT_EQ(m.unknown, 3U);
}

TEST(Moments, SurviveALargeOffset) {
  std::vector<double> x = {1.2, 0.7, 3.1, 2.2, 1.9, 0.4, 2.6, 1.1, 5.0, 1.6};
  for (double& v : x) v += 1e6;
  EXPECT_NEAR(estimate_moments(x).skewness, 1.2305012337371406, 1e-7);
}

TEST(Moments, EqualSamplesHaveNoSpread) {
  const Moments m = estimate_moments(std::vector<double>(20, 0.3));
  EXPECT_EQ(m.sigma, 0.0);
  EXPECT_EQ(m.sigma_interval().high, 0.0);
  EXPECT_EQ(m.kurtosis, 3.0);
}

TEST(Moments, RefuseWhatIsNotASample) {
  EXPECT_THROW(estimate_moments({1, 2, 3}), std::invalid_argument);
  std::vector<double> x(20, 1.0);
  x[7] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(estimate_moments(x), std::invalid_argument);
}

TEST(Moments, AffineMapMovesThemAsTheSamplesMove) {
  std::vector<double> x = {1.2, 0.7, 3.1, 2.2, 1.9, 0.4, 2.6, 1.1, 5.0, 1.6};
  const Moments mapped = affine(estimate_moments(x), 0.9, -0.05);
  for (double& v : x) v = 0.9 - 0.05 * v;
  const Moments direct = estimate_moments(x);
  EXPECT_NEAR(mapped.mean, direct.mean, 1e-15);
  EXPECT_NEAR(mapped.sigma, direct.sigma, 1e-15);
  EXPECT_NEAR(mapped.skewness, direct.skewness, 1e-12);
  EXPECT_LT((mapped.covariance - direct.covariance).cwiseAbs().maxCoeff(), 1e-12);
}

// Coverage on laws with closed-form moments: normal, and a lognormal of width w. 600 repeats: the binomial
// standard error of a coverage of 0.95 is 0.009, so [0.92, 0.985] holds with a false-alarm rate below 1e-3.
// The skewness of a lognormal needs more runs than these before its interval holds fully; 0.90 is asked there.
TEST(Moments, IntervalsCover) {
  constexpr std::size_t repeats = 600;
  constexpr std::size_t runs = 400;
  for (const double w : {0.0, 0.08}) {
    const double c = std::exp(w * w);
    const double mean = w == 0.0 ? 0.0 : std::sqrt(c);
    const double sigma = w == 0.0 ? 1.0 : std::sqrt(c * (c - 1.0));
    const double skewness = w == 0.0 ? 0.0 : (c + 2.0) * std::sqrt(c - 1.0);
    std::size_t covered[3] = {0, 0, 0};
    for (std::size_t repeat = 0; repeat < repeats; ++repeat) {
      engine::RandomStream stream(11, "moments_test", repeat);
      boost::random::normal_distribution<double> normal;
      std::vector<double> x(runs);
      for (double& v : x) v = w == 0.0 ? normal(stream) : std::exp(w * normal(stream));
      const Moments m = estimate_moments(x);
      const auto holds = [](Interval i, double truth) { return i.low <= truth && truth <= i.high ? 1U : 0U; };
      covered[0] += holds(m.mean_interval(), mean);
      covered[1] += holds(m.sigma_interval(), sigma);
      covered[2] += holds(m.skewness_interval(), skewness);
    }
    for (int i = 0; i < 3; ++i) {
      const double coverage = static_cast<double>(covered[i]) / static_cast<double>(repeats);
      EXPECT_GE(coverage, i == 2 && w > 0.0 ? 0.90 : 0.92) << "moment " << i << ", w " << w;
      EXPECT_LE(coverage, 0.985) << "moment " << i << ", w " << w;
    }
  }
}

}  // namespace
}  // namespace flare::analysis
