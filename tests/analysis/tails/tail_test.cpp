#include "analysis/tails/tail.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "analysis/tails/tail_table.hpp"
#include "analysis/tails/tail_text.hpp"

namespace flare::analysis {
namespace {

// Reference values: mpmath, 30 digits.
TEST(NormalTail, KeepsItsDigits) {
  EXPECT_NEAR(normal_tail(6.0) / 9.865876450376981e-10, 1.0, 1e-13);
  EXPECT_NEAR(normal_tail(20.0) / 2.753624118606234e-89, 1.0, 1e-12);
  EXPECT_NEAR(normal_tail(-6.0), 1.0, 1e-8);
  EXPECT_DOUBLE_EQ(six_sigma_probability(), normal_tail(6.0));
}

TEST(NormalTail, LogarithmContinuesWhereTheDoubleEnds) {
  EXPECT_NEAR(log_upper_tail(3.0), std::log(normal_tail(3.0)), 1e-12);
  EXPECT_NEAR(log_upper_tail(50.0), -1254.83136113942, 1e-8);
}

TEST(NormalTail, SigmaIsTheInverse) {
  for (const double beta : {-8.0, -3.0, 0.0, 0.5, 4.0, 6.0, 12.0, 30.0}) {
    EXPECT_NEAR(sigma_of_probability(normal_tail(beta)), beta, beta < -5.0 ? 0.2 : 1e-9) << beta;
  }
  EXPECT_EQ(sigma_of_probability(0.0), std::numeric_limits<double>::infinity());
  EXPECT_EQ(sigma_of_probability(1.0), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(sigma_of_probability(std::nan(""))));
}

TEST(Probability, IsNotANumberUntilSomethingIsKnown) {
  const TailProbability unset;
  EXPECT_EQ(unset.status, TailStatus::refused);
  for (const Probability& p : {unset.p, unset.low, unset.high}) {
    EXPECT_TRUE(std::isnan(p.value()));
    EXPECT_TRUE(std::isnan(p.log()));
    EXPECT_TRUE(std::isnan(p.sigma()));
  }
}

// 50 sigma is exp(-1254.8): no double holds it, its logarithm and sigma do.
TEST(Probability, SigmaGoesOnBelowWhatADoubleHolds) {
  const Probability far = Probability::of_sigma(50.0);
  EXPECT_TRUE(far.below_shown());
  EXPECT_EQ(far.value(), least_shown_probability);
  EXPECT_NEAR(far.sigma(), 50.0, 1e-9);
  EXPECT_NEAR(far.log(), -1254.83136113942, 1e-8);
  EXPECT_NEAR(Probability::of_log(far.log()).sigma(), 50.0, 1e-9);
  EXPECT_LT(Probability::of_sigma(51.0), far);
  EXPECT_LT(far, Probability(1e-299));
  const Probability near(1e-30);
  EXPECT_EQ(near.value(), 1e-30);
  EXPECT_EQ(near.sigma(), sigma_of_probability(1e-30));
  EXPECT_EQ(Probability(0.0).value(), 0.0) << "an exact zero is not 1e-300";
}

TEST(Tail, ARefusedOneIsWorseThanEveryOther) {
  TailProbability likely;
  likely.p = likely.low = likely.high = Probability(0.5);
  likely.status = TailStatus::estimated;
  EXPECT_TRUE(worse(TailProbability{}, likely));
  EXPECT_FALSE(worse(likely, TailProbability{}));
  TailProbability rare = likely;
  rare.p = Probability(0.1);
  EXPECT_TRUE(worse(likely, rare));
}

TailProbability tail(double p, double low, double high, TailStatus status) {
  TailProbability t;
  t.p = Probability(p);
  t.low = Probability(low);
  t.high = Probability(high);
  t.status = status;
  return t;
}

TEST(TailText, SaysWhatIsKnownAndNoMore) {
  const TailProbability known = tail(3.78e-11, 3.3e-11, 4.4e-11, TailStatus::estimated);
  EXPECT_EQ(probability_text(known), "3.78e-11");
  EXPECT_EQ(probability_interval_text(known), "3.3e-11 .. 4.4e-11");
  EXPECT_EQ(sigma_text(known), "6.51");
  EXPECT_EQ(sigma_sentence(known), "6.51 sigma (95 % interval 6.49 to 6.53, estimated)");
  const TailProbability bound = tail(8.6e-4, 0.0, 8.6e-4, TailStatus::bound);
  EXPECT_EQ(probability_text(bound), "< 8.60e-04");
  EXPECT_EQ(probability_interval_text(bound), "0 .. 8.6e-04");
  EXPECT_EQ(sigma_text(bound), "> 3.13");
  EXPECT_EQ(sigma_interval_text(bound), "3.13 ..");
  EXPECT_EQ(sigma_sentence(bound), "at least 3.13 sigma (bound)");
  const TailProbability certain = tail(0.95, 0.95, 1.0, TailStatus::bound);
  EXPECT_EQ(probability_text(certain), "> 9.50e-01");
  EXPECT_EQ(sigma_text(certain), "< -1.64");
  TailProbability far = known;
  far.p = Probability::of_sigma(45.0);
  EXPECT_EQ(probability_text(far), "< 1e-300");
  EXPECT_EQ(sigma_text(far), "45.00");
  TailProbability refused;
  refused.method = "automatic: the budget is spent; raise it";
  for (const std::string& text : {probability_text(refused), probability_interval_text(refused),
                                  sigma_text(refused), sigma_interval_text(refused)})
    EXPECT_EQ(text, "\u2013");
  EXPECT_EQ(method_name(refused), "automatic");
  EXPECT_EQ(method_reason(refused), "the budget is spent; raise it");
}

// A refused row holds NaN; sigma survives where p is too small to write.
TEST(TailTable, RoundTrips) {
  std::vector<TailProbability> tails = {tail(1e-9, 5e-10, 2e-9, TailStatus::estimated),
                                        tail(1e-3, 0.0, 1e-3, TailStatus::bound), TailProbability{}};
  tails.push_back(tails.front());
  tails.back().p = Probability::of_sigma(50.0);
  tails.back().low = Probability::of_sigma(51.0);
  tails.back().high = Probability::of_sigma(49.0);
  tails[2].method = "automatic: why";
  tails[0].met_half_space = 0.99;
  tails[0].met_corner = 0.25;
  engine::Table table;
  add_tail_columns(table, tails, "p_error", "1/read");
  for (const char* column : {"p_error", "p_low", "p_high", "sigma", "sigma_low", "sigma_high"})
    EXPECT_TRUE(std::isnan(table.numbers(column)[2])) << column;
  for (const double p : table.numbers("p_error")) EXPECT_FALSE(p == 0.0);
  EXPECT_NEAR(table.numbers("sigma")[3], 50.0, 1e-9);
  const std::vector<TailProbability> back = read_tail_columns(table, "p_error");
  ASSERT_EQ(back.size(), tails.size());
  for (std::size_t i = 0; i < tails.size(); ++i) {
    EXPECT_EQ(back[i].status, tails[i].status);
    EXPECT_EQ(back[i].method, tails[i].method);
    EXPECT_EQ(std::isnan(back[i].met_corner), std::isnan(tails[i].met_corner));
    if (i == 2) continue;
    EXPECT_NEAR(back[i].p.log(), tails[i].p.log(), 1e-6);
    EXPECT_EQ(back[i].low.value(), tails[i].low.value());
    EXPECT_NEAR(back[i].sigma_low(), tails[i].sigma_low(), 1e-9);
  }
  EXPECT_TRUE(std::isnan(back[2].p.value()));
  EXPECT_EQ(back[0].met_half_space, 0.99);
  EXPECT_EQ(back[0].met_corner, 0.25);
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
