#include "engine/measures/expression.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/measures/measure_set.hpp"

namespace flare::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

double value_of(const std::string& text, std::vector<double> values = {}) {
  return Expression(text).value(values);
}

std::string unit_of(const std::string& text, std::vector<std::string> units) {
  return Expression(text).unit(units);
}

std::string unit_error(const std::string& text, std::vector<std::string> units) {
  try {
    Expression(text).unit(units);
  } catch (const ExpressionError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Expression, Arithmetic) {
  EXPECT_EQ(value_of("1 + 2 * 3"), 7.0);
  EXPECT_EQ(value_of("-(1 + 2) * 3 / 2"), -4.5);
  EXPECT_EQ(value_of("2 - -3"), 5.0);
  EXPECT_EQ(value_of("1.5e-12 * 2"), 3e-12);
  EXPECT_EQ(value_of("abs(-2) + min(3, 1, 2) + max(3, 1, 2) + sqrt(16)"), 10.0);
  EXPECT_DOUBLE_EQ(value_of("log(exp(1.25))"), 1.25);
  EXPECT_DOUBLE_EQ(value_of("db(-100)"), 40.0);
}

TEST(Expression, NamesAreThoseUsed) {
  Expression e("t_c - t_b + 0 * max(t_c, x1)");
  EXPECT_THAT(e.names(), ElementsAre("t_b", "t_c", "x1"));
  EXPECT_EQ(e.value(std::vector{2.0, 5.0, 9.0}), 3.0);
  EXPECT_EQ(e.value(std::vector{1.0, 5.0, 9.0}), 4.0);
  Expression moved = std::move(e);
  EXPECT_EQ(moved.value(std::vector{2.0, 6.0, 9.0}), 4.0);
}

TEST(Expression, WhatIsUndefinedStaysUndefined) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(value_of("max(a, b)", {1.0, nan})));
  EXPECT_TRUE(std::isnan(value_of("min(a, b)", {nan, 1.0})));
  EXPECT_TRUE(std::isnan(value_of("0 * a", {nan})));
  EXPECT_TRUE(std::isnan(value_of("max(sqrt(a), 1)", {-1.0})));
  EXPECT_TRUE(std::isnan(value_of("log(a)", {-1.0})));
  EXPECT_FALSE(std::isfinite(value_of("1 / a", {0.0})));
}

TEST(Expression, WhatIsNoneSaysSo) {
  for (const char* bad : {"", "a +", "a b", "(a", "a)", "foo(a)", "a = 2", "a ? 1 : 2", "a > b", "a ^ 2",
                          "1, 2", "min()", "sqrt(a, b)", "system(\"x\")", "10p"})
    EXPECT_THROW(Expression{bad}, ExpressionError) << bad;
}

TEST(Expression, UnitsFollow) {
  EXPECT_EQ(unit_of("a - b", {"s", "s"}), "s");
  EXPECT_EQ(unit_of("a / b", {"V", "V"}), "1");
  EXPECT_EQ(unit_of("a * b", {"V", "A"}), "W");
  EXPECT_EQ(unit_of("v / i", {"A", "V"}), "Ohm");
  EXPECT_EQ(unit_of("i / v", {"A", "V"}), "A/V");
  EXPECT_EQ(unit_of("1 / t", {"s"}), "Hz");
  EXPECT_EQ(unit_of("area / t", {"V s", "s"}), "V");
  EXPECT_EQ(unit_of("3 * abs(a) + max(a, b) - min(a, b) / 2", {"V", "V"}), "V");
  EXPECT_EQ(unit_of("sqrt(a * b)", {"V", "V"}), "V");
  EXPECT_EQ(unit_of("db(a / b) + log(a / b) + exp(a / b)", {"V", "V"}), "1");
  EXPECT_EQ(unit_of("a * a / b", {"V", "A"}), "V2/A");
  EXPECT_EQ(unit_of("(a - b) * 1e-18", {"A", "A"}), "A");
}

TEST(Expression, UnitsThatDoNotFitAreErrors) {
  EXPECT_THAT(unit_error("a + b", {"V", "s"}), HasSubstr("a in V, b in s"));
  EXPECT_THAT(unit_error("min(a, b)", {"V", "A"}), HasSubstr("do not fit"));
  EXPECT_THAT(unit_error("a + 1", {"V"}), HasSubstr("do not fit"));
  EXPECT_THAT(unit_error("t - 20e-12", {"s"}), HasSubstr("do not fit"));
  EXPECT_THAT(unit_error("t - 1e-18", {"s"}), HasSubstr("do not fit"));  // however small beside 1
  EXPECT_THAT(unit_error("log(a)", {"V"}), HasSubstr("do not fit"));
  EXPECT_THAT(unit_error("exp(a)", {"V"}), HasSubstr("do not fit"));
  EXPECT_THAT(unit_error("db(a)", {"A"}), HasSubstr("do not fit"));
  EXPECT_THAT(unit_error("sqrt(a)", {"V"}), HasSubstr("do not fit"));
  EXPECT_THAT(unit_error("a", {"furlong"}), HasSubstr("furlong"));
  EXPECT_THAT(unit_error("a", {"mV"}), HasSubstr("SI unit"));
}

Measure last(const std::string& name, const std::string& vector) {
  Measure m;
  m.name = name;
  m.vector = vector;
  return m;
}

Measure made_of(const std::string& name, const std::string& text) {
  Measure m;
  m.name = name;
  m.kind = MeasureKind::expression;
  m.expression = text;
  return m;
}

Waveforms two_levels() {
  Waveforms w;
  w.time = {0.0, 1.0};
  w.names = {"v(a)", "v(b)"};
  w.values = {{0.0, 5.0}, {0.0, 2.0}};
  return w;
}

TEST(MeasureSet, ExpressionsMayStandBeforeWhatTheyUse) {
  MeasureSet set({made_of("twice", "2 * difference"), made_of("difference", "a - b"), last("a", "v(a)"),
                  last("b", "v(b)")});
  EXPECT_THAT(set.evaluate(two_levels()), ElementsAre(6.0, 3.0, 5.0, 2.0));
  EXPECT_THAT(set.evaluate(two_levels()), ElementsAre(6.0, 3.0, 5.0, 2.0));
}

TEST(MeasureSet, AnUndefinedMeasureMakesOnlyWhatUsesItUndefined) {
  Measure never = last("never", "v(a)");
  never.kind = MeasureKind::crossing;
  never.level = 9.0;
  MeasureSet set({last("a", "v(a)"), never, made_of("late", "max(never, a)"), made_of("other", "a / 2"),
                  made_of("infinite", "a / (a - a)")});
  const std::vector<double> values = set.evaluate(two_levels());
  EXPECT_EQ(values[0], 5.0);
  EXPECT_TRUE(std::isnan(values[1]));
  EXPECT_TRUE(std::isnan(values[2]));
  EXPECT_EQ(values[3], 2.5);
  EXPECT_TRUE(std::isnan(values[4]));
}

TEST(MeasureSet, CirclesAndUnknownNamesAreErrors) {
  EXPECT_THROW(MeasureSet({made_of("x", "y"), made_of("y", "x")}), ExpressionError);
  EXPECT_THROW(MeasureSet({made_of("x", "x + 1")}), ExpressionError);
  EXPECT_THROW(MeasureSet({last("a", "v(a)"), made_of("x", "b + 1")}), ExpressionError);
  const std::vector<Measure> measures{made_of("x", "y"), last("a", "v(a)"), made_of("y", "x"),
                                      made_of("z", "a")};
  EXPECT_THAT(evaluation_order(measures), ElementsAre(1u, 3u));
}

}  // namespace
}  // namespace flare::engine
