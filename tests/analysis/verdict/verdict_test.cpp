#include "analysis/verdict/verdict.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/analysis/verdict/verdict_points.hpp"

namespace flare::analysis {
namespace {

using ::testing::HasSubstr;

using testing::point;
using testing::some_points;

TEST(Verdict, TakesTheWorstCornerAndTheUpperBound) {
  const std::vector<VerdictRow> rows = make_verdict(some_points());
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1].key.corner, "ss_0.81V_-40C");
  EXPECT_TRUE(rows[0].passes);
  EXPECT_FALSE(rows[1].passes) << "6.2 +- 0.5 sigma is not shown to hold 6";
  EXPECT_FALSE(rows[2].passes);
  VerdictOptions lenient;
  lenient.rule = PassRule::estimate;
  EXPECT_TRUE(make_verdict(some_points(), lenient)[1].passes);
}

TEST(Verdict, ExactlySixSigmaPasses) {
  EXPECT_TRUE(passes(point(4, "c", 6.0, 0.0, TailStatus::estimated).error, PassRule::upper_bound,
                     six_sigma_probability()));
  EXPECT_FALSE(passes(point(4, "c", 5.9999, 0.0, TailStatus::estimated).error, PassRule::upper_bound,
                      six_sigma_probability()));
  EXPECT_FALSE(passes(point(4, "c", 9.0, 0.0, TailStatus::refused).error, PassRule::upper_bound,
                      six_sigma_probability()));
}

TEST(Verdict, SentenceNamesThePickAndWhatLimitsTheNext) {
  const std::string text = pick_sentence(make_verdict(some_points()), "sram8t", "ideal");
  EXPECT_THAT(text, HasSubstr("pick SAWL 4"));
  EXPECT_THAT(text, HasSubstr("7.50 sigma"));
  EXPECT_THAT(text, HasSubstr("SAWL 8 is not shown to hold: 6.20 sigma"));
  EXPECT_THAT(text, HasSubstr("level 8 read as too low at ss 0.81 V -40 degC"));
  EXPECT_THAT(text, HasSubstr("extrapolated"));
}

TEST(Verdict, SentenceWithoutAPick) {
  const std::string text =
      pick_sentence(make_verdict({point(8, "tt_0.90V_27C", 4.0, 0.3, TailStatus::estimated),
                                  point(4, "tt_0.90V_27C", 5.0, 0.3, TailStatus::estimated)}),
                    "sram8t", "ideal");
  EXPECT_THAT(text, HasSubstr("no SAWL holds 6 sigma"));
  EXPECT_THAT(text, HasSubstr("SAWL 4 misses: 5.00 sigma"));
}

TEST(Verdict, EveryCornerIsSaidOnlyWhereTheArgumentHolds) {
  std::vector<VerdictRow> rows = make_verdict({point(4, "tt_0.90V_27C", 7.0, 0.3, TailStatus::estimated)});
  EXPECT_THAT(pick_text(rows), HasSubstr("at every corner run: 7.00"));  // nothing known of other corners
  rows[0].corners = {3, 3, 0.0};
  EXPECT_THAT(pick_text(rows), HasSubstr("at every corner: 7.00"));
  rows[0].corners = {27, 3, 0.012};
  EXPECT_THAT(pick_text(rows),
              HasSubstr("at every corner (24 of 27 only screened, chance that one of them is worse: 1.2 %)"));
  rows[0].corners = {27, 3, 0.0004};
  EXPECT_THAT(pick_text(rows), HasSubstr("is worse: below 0.1 %)"));
  rows[0].corners = {27, 3, 0.2};
  EXPECT_THAT(pick_text(rows),
              HasSubstr("at every corner run (24 of 27 only screened: one of them may be worse)"));
}

TEST(Verdict, UnknownRunsAreNamedAsTheReason) {
  NamedPoint holed = point(8, "tt_0.90V_27C", 7.0, 0.3, TailStatus::extrapolated);
  holed.error.unknown = 2;
  holed.error.high = Probability(2.0 / 502.0);
  const std::string text = pick_sentence(make_verdict({holed}), "sram8t", "ideal");
  EXPECT_THAT(text, HasSubstr("2 of 502 runs have no answer"));
}

TEST(Verdict, ARefusedCornerIsTheWorst) {
  std::vector<NamedPoint> points = some_points();
  points.push_back(point(4, "ff_0.99V_125C", 20.0, 0.0, TailStatus::refused));
  const std::vector<VerdictRow> rows = make_verdict(points);
  EXPECT_EQ(rows[0].key.corner, "ff_0.99V_125C");
  EXPECT_FALSE(rows[0].passes);
  EXPECT_THAT(pick_text(rows), HasSubstr("no SAWL holds"));
}

// One tail without a number hides nothing of what another already misses by; it hides all of it where the other holds.
TEST(Verdict, WhatAnAnswerAloneMissesIsSaidBesideARefusedOne) {
  const auto with_known = [](const std::string& corner, double sigma, TailStatus status) {
    NamedPoint refused = point(4, corner, 20.0, 0.0, TailStatus::refused);
    refused.error.method = "level 0 up: automatic: too few runs";
    refused.known = {2, Direction::up, point(4, corner, sigma, 0.2, status).error};
    return refused;
  };
  const std::vector<NamedPoint> points{with_known("tt_0.90V_27C", 5.0, TailStatus::estimated),
                                       with_known("ss_0.81V_-40C", 4.0, TailStatus::estimated)};
  const std::vector<VerdictRow> rows = make_verdict(points);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].error.status, TailStatus::bound);
  EXPECT_FALSE(rows[0].error.is_upper_bound());
  EXPECT_NEAR(rows[0].error.sigma(), 4.2, 1e-12);  // the end nearer to holding
  EXPECT_EQ(rows[0].error.high, Probability(1.0));
  EXPECT_EQ(rows[0].key.corner, "ss_0.81V_-40C");
  EXPECT_EQ(rows[0].level, 2U);
  EXPECT_EQ(rows[0].direction, Direction::up);
  EXPECT_FALSE(rows[0].passes);
  EXPECT_THAT(pick_text(rows),
              HasSubstr("SAWL 4 misses: at most 4.20 sigma (bound), limited by level 2 read as "
                        "too high at ss 0.81 V -40 degC"));
  EXPECT_THAT(rows[0].error.method, HasSubstr("level 0 up: automatic: too few runs"));
  // Not where it does not decide, nor where it is a law's word.
  EXPECT_EQ(make_verdict({with_known("c", 5.9, TailStatus::estimated)})[0].error.status, TailStatus::refused);
  EXPECT_EQ(make_verdict({with_known("c", 4.0, TailStatus::extrapolated)})[0].error.status,
            TailStatus::refused);
  // Nor where the worst has a number.
  NamedPoint answered = with_known("c", 4.0, TailStatus::estimated);
  answered.error = point(4, "c", 3.9, 0.1, TailStatus::estimated).error;
  EXPECT_NEAR(make_verdict({answered})[0].error.sigma(), 3.9, 1e-12);
}

TEST(Verdict, CornerNamesReadWell) {
  EXPECT_EQ(corner_text("ss_0.81V_-40C"), "ss 0.81 V -40 degC");
  EXPECT_EQ(corner_text("die"), "die");
}

}  // namespace
}  // namespace flare::analysis
