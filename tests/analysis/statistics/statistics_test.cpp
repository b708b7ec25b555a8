// Published worked examples, closed forms, and coverage in simulation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "analysis/statistics/bootstrap.hpp"
#include "analysis/statistics/proportions.hpp"
#include "analysis/tails/interval.hpp"
#include "engine/base/random_stream.hpp"

namespace flare::analysis {
namespace {

void expect_limits(const Limits& got, double low, double high, double tolerance) {
  EXPECT_NEAR(got.low, low, tolerance);
  EXPECT_NEAR(got.high, high, tolerance);
}

TEST(Wilson, NewcombesTable) {
  // Newcombe, Statistics in Medicine 17, 857 (1998), table I.
  expect_limits(wilson(81, 263), 0.2553, 0.3662, 5e-5);
  expect_limits(wilson(15, 148), 0.0624, 0.1605, 5e-5);
  expect_limits(wilson(0, 20), 0.0000, 0.1611, 5e-5);
  expect_limits(wilson(1, 29), 0.0061, 0.1718, 5e-5);
  EXPECT_EQ(wilson(0, 20).low, 0);
  EXPECT_EQ(wilson(20, 20).high, 1);
  EXPECT_THROW(wilson(3, 2), std::invalid_argument);
  EXPECT_THROW(wilson(0, 0), std::invalid_argument);
}

TEST(ClopperPearson, NewcombesTableAndCleanDies) {
  const BinomialInterval i = clopper_pearson(81, 263);
  EXPECT_NEAR(i.low, 0.2527, 5e-5);
  EXPECT_NEAR(i.high, 0.3676, 5e-5);
  EXPECT_GE(clopper_pearson(59, 59).low, 0.95);
  EXPECT_LT(clopper_pearson(58, 58).low, 0.95);
}

// Airway hyper-responsiveness before and after a transplantation (Bentur et al., 2009), as Fagerland, Lydersen and Laake
// work it out (BMC Med. Res. Methodol. 13, 91, 2013; Statistics in Medicine 33, 2850, 2014).
constexpr PairedCounts transplantation{1, 1, 7, 12};

TEST(McNemar, PublishedExamples) {
  EXPECT_NEAR(mcnemar(transplantation), 0.0703, 5e-5);
  // 121 against 59 changed: the sum of the binomial law itself.
  EXPECT_NEAR(mcnemar({101, 121, 59, 33}), 4.434e-6, 1e-9);
  EXPECT_EQ(mcnemar({10, 0, 0, 3}), 1);
  EXPECT_EQ(mcnemar({10, 2, 2, 3}), 1);
  EXPECT_DOUBLE_EQ(mcnemar({0, 6, 0, 0}), 2 * std::pow(0.5, 6));
}

TEST(Newcombe, PublishedExample) {
  // Of the loss: the first share less the second.
  expect_limits(newcombe(transplantation), -0.507, -0.026, 5e-4);
  // No pair changes: what remains is the doubt of either share, and it lies around 0.
  const Limits none = newcombe({95, 0, 0, 5});
  EXPECT_LT(none.low, 0);
  EXPECT_DOUBLE_EQ(none.low, -none.high);
}

TEST(Newcombe, CoversTheTruth) {
  // Of 200 examples 90 % right, 6 % lost, 2 % gained.
  const double truth = 0.04;
  int covered = 0;
  constexpr int repeats = 2000;
  for (int r = 0; r < repeats; ++r) {
    engine::RandomStream random(3, "newcombe", static_cast<std::uint64_t>(r));
    PairedCounts c;
    for (int i = 0; i < 200; ++i) {
      const double u = static_cast<double>(random() >> 11) * 0x1p-53;
      ++(u < 0.84 ? c.both : u < 0.90 ? c.lost : u < 0.92 ? c.gained : c.neither);
    }
    const Limits l = newcombe(c);
    covered += l.low <= truth && truth <= l.high ? 1 : 0;
  }
  // 95 % within three standard deviations of the count, and what the method's paper reports of it (0.94 to 0.97).
  EXPECT_GT(covered, 0.93 * repeats);
  EXPECT_LT(covered, 0.985 * repeats);
}

TEST(DetectableLoss, IsTheSmallestWithPower) {
  // Three lost for one gained: exact power, counted.
  for (const std::int64_t n : {250, 500, 1000, 5000}) {
    const double loss = detectable_loss(n);
    EXPECT_NEAR(loss * static_cast<double>(n), detectable_loss(250) * 250, 1e-9);
    int seen = 0;
    const auto changed = static_cast<int>(std::lround(2 * loss * static_cast<double>(n)));
    for (int r = 0; r < 4000; ++r) {
      engine::RandomStream random(5, "power", static_cast<std::uint64_t>(r));
      PairedCounts c{n, 0, 0, 0};
      for (int i = 0; i < changed; ++i) ++(random() % 4 == 0 ? c.gained : c.lost);
      seen += mcnemar(c) <= 0.05 ? 1 : 0;
    }
    EXPECT_GT(seen, 0.78 * 4000) << changed;
    EXPECT_LT(seen, 0.88 * 4000) << changed;
  }
  EXPECT_NEAR(detectable_loss(1000), 0.0175, 1e-12);  // 35 changed answers, by the exact power
  EXPECT_GT(detectable_loss(5), 1);
}

TEST(Differences, SayWhatWasSeenAndWhatCouldHaveBeen) {
  const PairedCounts few{240, 3, 2, 5}, many{900, 40, 4, 56};
  EXPECT_THAT(difference_text(few, mcnemar(few)),
              testing::HasSubstr("no difference seen (lost 3, gained 2 of 250"));
  EXPECT_THAT(difference_text(few, mcnemar(few)), testing::HasSubstr("% would have been"));
  EXPECT_THAT(difference_text(many, mcnemar(many)),
              testing::HasSubstr("lost 40, gained 4 of 1000: a loss of 3.60 %"));
  EXPECT_THAT(difference_text({10, 6, 6, 3}, std::numeric_limits<double>::quiet_NaN()),
              testing::HasSubstr("no difference seen"));
}

TEST(PairedCounts, ExampleByExample) {
  const PairedCounts c = paired_counts({true, true, false, false, true}, {true, false, true, false, true});
  EXPECT_EQ(c.both, 2);
  EXPECT_EQ(c.lost, 1);
  EXPECT_EQ(c.gained, 1);
  EXPECT_EQ(c.neither, 1);
  EXPECT_THROW(paired_counts({true}, {}), std::invalid_argument);
  EXPECT_THROW(mcnemar({}), std::invalid_argument);
}

TEST(Holm, WorkedExample) {
  const std::vector<double> adjusted = holm({0.01, 0.04, 0.03, 0.005});
  const std::vector<double> expected = {0.03, 0.06, 0.06, 0.02};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(adjusted[i], expected[i], 1e-12) << i;
  const std::vector<double> part = holm({0.6, std::numeric_limits<double>::quiet_NaN(), 0.02});
  EXPECT_DOUBLE_EQ(part[0], 0.6);
  EXPECT_TRUE(std::isnan(part[1]));
  EXPECT_DOUBLE_EQ(part[2], 0.04);
  EXPECT_TRUE(holm({}).empty());
}

TEST(Bootstrap, MeanOfExamplesAsTheNormalLaw) {
  // One die, 400 values of deviation 1: +- 1.96 / 20.
  std::vector<double> values;
  values.reserve(400);
  for (int i = 0; i < 400; ++i) values.push_back(i % 2 == 0 ? 1 : -1);
  const Limits l = crossed_bootstrap({values}, {std::vector<double>(400, 1)});
  EXPECT_NEAR(l.low, -0.098, 0.004);
  EXPECT_NEAR(l.high, 0.098, 0.004);
}

TEST(Bootstrap, IsTheSameForTheSameSeedAndRefusesNothingToDraw) {
  const std::vector<std::vector<double>> sums = {{1, 0, 1, 1, 0}, {1, 1, 1, 0, 0}},
                                         ones(2, std::vector<double>(5, 1));
  const Limits a = crossed_bootstrap(sums, ones), b = crossed_bootstrap(sums, ones);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
  EXPECT_THROW(crossed_bootstrap({}, {}), std::invalid_argument);
  EXPECT_THROW(crossed_bootstrap({{1, 2}, {1}}, {{1, 1}, {1}}), std::invalid_argument);
  EXPECT_TRUE(std::isnan(crossed_bootstrap({{0, 0}}, {{0, 0}}).low));
}

/// Normal effects of dies, of examples and of both: how often the interval of the mean holds the true mean.
double coverage(double die_sigma, double example_sigma, double rest_sigma) {
  constexpr int repeats = 200, dies = 20, examples = 60;
  int covered = 0;
  for (int r = 0; r < repeats; ++r) {
    const engine::CounterKey key(7, 1, static_cast<std::uint32_t>(r));
    std::vector<std::vector<double>> sums(dies, std::vector<double>(examples));
    for (std::uint32_t d = 0; d < dies; ++d)
      for (std::uint32_t i = 0; i < examples; ++i)
        sums[d][i] = die_sigma * engine::standard_normal(key, 0, d, 0, 0) +
                     example_sigma * engine::standard_normal(key, 1, i, 0, 0) +
                     rest_sigma * engine::standard_normal(key, 2, d, i, 0);
    const std::vector<std::vector<double>> ones(dies, std::vector<double>(examples, 1));
    const Limits l = crossed_bootstrap(sums, ones, {500, static_cast<std::uint64_t>(r)});
    covered += l.low <= 0 && 0 <= l.high ? 1 : 0;
  }
  return static_cast<double>(covered) / repeats;
}

TEST(Bootstrap, CoversDiesAndExamplesTogether) {
  // 200 repeats: 95 % +- 5 % is three deviations. Percentiles of 20 dies are a little short; the crossed draw of what
  // belongs to neither is on the safe side.
  EXPECT_GT(coverage(1, 1, 1), 0.88);
  EXPECT_GT(coverage(0, 1, 0.5), 0.88);
  EXPECT_GT(coverage(1, 0, 0), 0.87);
  EXPECT_GT(coverage(0, 0, 1), 0.95);
}

}  // namespace
}  // namespace flare::analysis
