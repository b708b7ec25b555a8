#include "engine/base/sampling.hpp"

#include <gtest/gtest.h>

#include <boost/math/distributions/normal.hpp>
#include <set>

#include "engine/base/random_stream.hpp"

namespace flare::engine {
namespace {

const std::vector<Design> designs{Design::random, Design::sobol, Design::latin_hypercube};

TEST(Sampling, ASampleDependsOnNothingButSeedStreamAndIndex) {
  for (const Design design : designs) {
    const SampleSource source{7, "points/a", design, 1000};
    const Matrix all = draw(source, 0, 1000, 5);
    EXPECT_EQ(draw(source, 400, 13, 5), all.middleRows(400, 13));
    EXPECT_EQ(draw(source, 999, 1, 5), all.bottomRows(1));
    EXPECT_NE(draw({8, "points/a", design, 1000}, 0, 1000, 5), all);
    EXPECT_NE(draw({7, "points/b", design, 1000}, 0, 1000, 5), all);
  }
}

TEST(Sampling, PhiloxGivesTheBitsOfItsPublishedTestVector) {
  // Random123 1.14 tests/kat_vectors: philox4x64 10 rounds, counter and key all zero.
  RandomStream stream(0, std::uint64_t{0}, 0);
  EXPECT_EQ(stream(), 0x16554d9eca36314cULL);
  EXPECT_EQ(stream(), 0xdb20fe9d672d0fdcULL);
  EXPECT_EQ(stream(), 0xd7e772cee186176bULL);
  EXPECT_EQ(stream(), 0x7e68b68aec7ba23bULL);
}

TEST(Sampling, CoordinatesAreStandardNormalAndUncorrelated) {
  const std::size_t n = 20'000;
  for (const Design design : designs) {
    const Matrix x = draw({3, "moments", design, n}, 0, n, 6);
    for (Eigen::Index c = 0; c < x.cols(); ++c) {
      const double mean = x.col(c).mean();
      const double variance = (x.col(c).array() - mean).square().mean();
      const double kurtosis = (x.col(c).array() - mean).pow(4).mean() / (variance * variance);
      EXPECT_NEAR(mean, 0.0, 5.0 / std::sqrt(n));
      EXPECT_NEAR(variance, 1.0, 5.0 * std::sqrt(2.0 / n));
      EXPECT_NEAR(kurtosis, 3.0, 5.0 * std::sqrt(24.0 / n));
      for (Eigen::Index other = 0; other < c; ++other) {
        EXPECT_NEAR(x.col(c).dot(x.col(other)) / n, 0.0, 5.0 / std::sqrt(n));
      }
    }
  }
}

TEST(Sampling, ALatinHypercubeHasOnePointInEveryStratum) {
  const std::size_t n = 1003;  // not a power of anything
  const Matrix x = draw({3, "strata", Design::latin_hypercube, n}, 0, n, 3);
  const boost::math::normal standard;
  for (Eigen::Index c = 0; c < x.cols(); ++c) {
    std::set<int> strata;
    for (Eigen::Index r = 0; r < x.rows(); ++r) {
      strata.insert(static_cast<int>(boost::math::cdf(standard, x(r, c)) * static_cast<double>(n)));
    }
    EXPECT_EQ(strata.size(), n);
  }
}

TEST(Sampling, SobolBeatsRandomDrawsOnASmoothIntegral) {
  const auto error = [](Design design) {
    double worst = 0.0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      const Matrix x = draw({seed, "integral", design, 1024}, 0, 1024, 4);
      const double estimate = (0.5 * x.rowwise().sum().array()).exp().mean();
      worst = std::max(worst, std::abs(estimate / std::exp(0.5 * 0.25 * 4) - 1.0));
    }
    return worst;
  };
  EXPECT_LT(error(Design::sobol), 0.5 * error(Design::random));
}

TEST(Sampling, ImpossibleDesignsAreRefused) {
  EXPECT_THROW(draw({1, "x", Design::sobol, 0}, 0, 1, max_sobol_dimension() + 1), std::invalid_argument);
  EXPECT_THROW(draw({1, "x", Design::latin_hypercube, 0}, 0, 1, 2), std::invalid_argument);
  EXPECT_THROW(draw({1, "x", Design::latin_hypercube, 10}, 5, 6, 2), std::invalid_argument);
  EXPECT_EQ(draw({1, "x", Design::random, 0}, 0, 0, 4).rows(), 0);
}

}  // namespace
}  // namespace flare::engine
