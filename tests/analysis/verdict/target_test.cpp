#include "analysis/verdict/target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/math/distributions/binomial.hpp>
#include <cmath>

#include "analysis/verdict/verdict.hpp"
#include "tests/analysis/verdict/verdict_points.hpp"

namespace flare::analysis {
namespace {

using ::testing::HasSubstr;
using testing::point;

Target of_macro(double yield, Macro macro) {
  Target target;
  target.yield = yield;
  target.macro = macro;
  return target;
}

TEST(Target, SixSigmaUnlessSaid) {
  EXPECT_EQ(Target().largest(), six_sigma_probability());
  EXPECT_EQ(Target().text(), "6 sigma");
  EXPECT_EQ(Target::of_sigma(3.5).text(), "3.5 sigma");
  EXPECT_NEAR(Target::of_sigma(3.5).largest(), 2.3263e-4, 1e-8);
}

// Without spare columns all must be good: (1 - q)^n = yield.
TEST(Target, AMacroWithoutSpareColumns) {
  Macro macro;
  macro.columns = 128;
  EXPECT_NEAR(column_allowance(macro, 0.99), -std::expm1(std::log(0.99) / 128), 1e-14);
}

// With spare ones the yield of the allowance is the yield that was asked for, summed term by term.
TEST(Target, AMacroWithSpareColumns) {
  Macro macro;
  macro.columns = 100;
  macro.spare_columns = 3;
  for (const double yield : {0.5, 0.99, 0.999999}) {
    const double q = column_allowance(macro, yield);
    double sum = 0.0;
    for (int bad = 0; bad <= 3; ++bad) sum += pdf(boost::math::binomial(103, q), bad);
    EXPECT_NEAR(sum, yield, 1e-10);
  }
}

TEST(Target, FrozenErrorsCountPatternsAndNoiseCountsReads) {
  Macro macro;
  macro.rows = 256;
  macro.reads = 1e12;
  EXPECT_EQ(chances_of_column(macro, {8, false}), 32 * 256);  // groups of 2^8 patterns
  EXPECT_EQ(chances_of_column(macro, {8, true}), 1e12);
  macro.reads = 1000;
  EXPECT_EQ(chances_of_column(macro, {8, false}), 1000) << "no more patterns than reads";
  macro.reads = 1e12;
  macro.patterns = 77;
  EXPECT_EQ(chances_of_column(macro, {8, false}), 77);
  EXPECT_EQ(chances_of_column(macro, {}), 256) << "a circuit: one a row";
  const Target target = of_macro(0.99, macro);
  const double p = target.largest({8, false});
  EXPECT_NEAR(1.0 - std::pow(1.0 - p, 77), column_allowance(macro, 0.99), 1e-12);
  EXPECT_LT(target.largest({8, true}), p);
  EXPECT_EQ(target.text(), "99 % of macros");
  EXPECT_THAT(target.arithmetic({8, false}), HasSubstr("77 distinct patterns"));
  EXPECT_THAT(target.arithmetic({8, true}), HasSubstr("1e+12 reads"));
}

TEST(Target, VerdictAndSentenceFollowIt) {
  const std::vector<NamedPoint> points{point(4, "tt_0.90V_27C", 4.0, 0.1, TailStatus::estimated)};
  EXPECT_FALSE(make_verdict(points)[0].passes);
  const VerdictOptions options{PassRule::upper_bound, Target::of_sigma(3.5)};
  const std::vector<VerdictRow> rows = make_verdict(points, options);
  EXPECT_TRUE(rows[0].passes);
  EXPECT_EQ(rows[0].target, options.target.p);
  EXPECT_THAT(pick_text(rows, options), HasSubstr("the largest that holds 3.5 sigma"));
  EXPECT_THAT(rule_text(options, rows), HasSubstr("at most 0.0002326 (3.5 sigma)"));
}

TEST(Target, AMacrosArithmeticStandsInTheRule) {
  Macro macro;
  macro.columns = 128;
  macro.spare_columns = 2;
  macro.rows = 64;
  macro.reads = 1e6;
  const VerdictOptions options{PassRule::upper_bound, of_macro(0.99, macro)};
  NamedPoint noisy = point(8, "tt_0.90V_27C", 7.0, 0.1, TailStatus::estimated);
  noisy.per_read = true;
  noisy.key.adc = "enob";
  const std::vector<VerdictRow> rows =
      make_verdict({point(4, "tt_0.90V_27C", 7.0, 0.1, TailStatus::estimated), noisy}, options);
  EXPECT_GT(rows[0].target, rows[1].target);
  const std::string rule = rule_text(options, rows);
  EXPECT_THAT(rule, HasSubstr("SAWL 4: 99 % of macros of 128 columns with 2 spare"));
  EXPECT_THAT(rule, HasSubstr("256 distinct patterns"));
  EXPECT_THAT(rule, HasSubstr("SAWL 8: "));
}

}  // namespace
}  // namespace flare::analysis
