#include "analysis/verdict/held_limit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cmath>

#include "analysis/verdict/spec_verdict.hpp"

namespace flare::analysis {
namespace {

using ::testing::HasSubstr;

/// Of a normal output of mean 1 and sigma 0.1, known to `half` sigma.
LimitTail tail_at(double limit, Side side, double half, TailStatus status = TailStatus::estimated) {
  const double sigma = (side == Side::below ? 1.0 - limit : limit - 1.0) / 0.1;
  LimitTail t{limit, {}};
  t.tail.p = Probability::of_sigma(sigma);
  t.tail.low = Probability::of_sigma(sigma + half);
  t.tail.high = Probability::of_sigma(sigma - half);
  t.tail.status = status;
  t.tail.runs = 100;
  return t;
}

std::vector<LimitTail> tails(Side side, double half, const std::vector<double>& limits) {
  std::vector<LimitTail> all;
  all.reserve(limits.size());
  for (const double limit : limits) all.push_back(tail_at(limit, side, half));
  return all;
}

TEST(HeldLimit, IsTheQuantileWithItsInterval) {
  const double six = six_sigma_probability();
  const HeldLimit below = held_limit(tails(Side::below, 0.2, {0.5, 0.3, 0.4}), Side::below, six);
  EXPECT_EQ(below.status, TailStatus::estimated);
  EXPECT_NEAR(below.limit, 0.4, 1e-9);
  EXPECT_NEAR(below.low, 0.38, 1e-9) << "where the pessimistic end still holds 6 sigma";
  EXPECT_NEAR(below.high, 0.42, 1e-9);
  const HeldLimit above = held_limit(tails(Side::above, 0.2, {1.5, 1.56, 1.7}), Side::above, six);
  EXPECT_NEAR(above.limit, 1.6, 1e-9);
  EXPECT_NEAR(above.low, 1.58, 1e-9);
  EXPECT_NEAR(above.high, 1.62, 1e-9);
}

TEST(HeldLimit, IsRefusedWhereItIsNotEnclosed) {
  const double six = six_sigma_probability();
  const std::vector<LimitTail> near = tails(Side::below, 0.2, {0.5, 0.41});
  EXPECT_TRUE(std::isnan(held_limit(near, Side::below, six).limit));
  EXPECT_NEAR(*expected_crossing(near, Side::below, six), 0.4, 1e-9) << "continued in a straight line";
  std::vector<LimitTail> refused = tails(Side::below, 0.2, {0.5, 0.3});
  refused.push_back(tail_at(0.4, Side::below, 0.2, TailStatus::refused));
  refused.back().tail.method = "automatic: the budget is spent";
  const HeldLimit none = held_limit(refused, Side::below, six);
  EXPECT_EQ(none.status, TailStatus::refused);
  EXPECT_THAT(none.method, HasSubstr("the budget is spent"));
  EXPECT_TRUE(std::isnan(held_limit({}, Side::below, six).limit));
}

TailProbability estimate(double sigma) { return tail_at(1.0 - 0.1 * sigma, Side::below, 0.1).tail; }

TEST(SpecVerdict, TheWorstCornerDecidesAndOneSpecLimits) {
  std::vector<SpecRow> specs(3);
  specs[0].spec = "gain";
  specs[1].spec = "offset";
  specs[2].spec = "never asked";
  const std::vector<FailureRow> failures{{"tt", estimate(7.0), "gain"},
                                         {"ss", estimate(6.5), "gain"},
                                         {"tt", estimate(6.05), "offset"},
                                         {"ss", estimate(9.0), "offset"}};
  const std::vector<SpecRow> rows = make_spec_verdict(specs, failures);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].corner, "ss");
  EXPECT_TRUE(rows[0].passes);
  EXPECT_FALSE(rows[0].limiting);
  EXPECT_EQ(rows[1].corner, "tt");
  EXPECT_FALSE(rows[1].passes) << "its interval reaches below 6 sigma";
  EXPECT_TRUE(rows[1].limiting);
  const std::string sentence = spec_sentence(rows, {});
  EXPECT_THAT(sentence, HasSubstr("1 of 2 specs do not hold 6 sigma: offset limits: 6.05 sigma"));
  EXPECT_EQ(spec_sentence({}, {}), "");
}

TEST(SpecVerdict, ACornerThatMissesIsSaidBesideOneWithoutANumber) {
  std::vector<SpecRow> specs(1);
  specs[0].spec = "gain";
  TailProbability refused;
  refused.method = "automatic: why";
  const std::vector<FailureRow> failures{{"tt", refused, "gain"}, {"ss", estimate(4.0), "gain"}};
  const SpecRow row = make_spec_verdict(specs, failures).front();
  EXPECT_EQ(row.corner, "ss");
  EXPECT_EQ(row.failure.status, TailStatus::bound);
  EXPECT_EQ(row.failure.p, estimate(4.0).low);
  EXPECT_EQ(row.failure.high, Probability(1.0));
  EXPECT_FALSE(row.passes);
  EXPECT_THAT(spec_sentence({row}, {}), HasSubstr("at most"));
  // A fitted law's word, though larger, does not stand in its way.
  FailureRow fitted{"ff", estimate(3.0), "gain"};
  fitted.tail.status = TailStatus::extrapolated;
  EXPECT_EQ(make_spec_verdict(specs, {failures[0], fitted, failures[1]}).front().corner, "ss");
  const SpecRow open =
      make_spec_verdict(specs, {{"tt", refused, "gain"}, {"ss", estimate(9.0), "gain"}}).front();
  EXPECT_EQ(open.corner, "tt");
  EXPECT_EQ(open.failure.status, TailStatus::refused);
}

TEST(SpecVerdict, TheLimitThatHoldsAtEveryCorner) {
  std::vector<LimitRow> rows(3);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].spec = rows[i].measure = "snm";
    rows[i].unit = std::string("V");
    rows[i].corner = fmt::format("corner {}", i);
    rows[i].held = {0.3 - 0.1 * static_cast<double>(i % 2), 0.1, 0.4, TailStatus::estimated, 10, "m"};
  }
  mark_worst(rows);
  EXPECT_FALSE(rows[0].worst);
  EXPECT_TRUE(rows[1].worst);
  EXPECT_FALSE(rows[2].worst);
  EXPECT_THAT(limit_sentences(rows, {}),
              HasSubstr("snm: snm >= 0.2 V (95 % interval 0.1 V to 0.4 V, estimated) holds "
                        "6 sigma, worst at corner 1"));
  rows[2].held = {};
  mark_worst(rows);
  EXPECT_TRUE(rows[2].worst) << "a refused one may ask nothing at all";
  EXPECT_THAT(limit_sentences(rows, {}), HasSubstr("no limit, refused at corner 2"));
}

}  // namespace
}  // namespace flare::analysis
