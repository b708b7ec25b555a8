// Expressions mean what ngspice 39 makes of them; the values here are its own (.csparam, print).
#include "engine/netlist/netlist_expression.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "engine/netlist/formula.hpp"

namespace flare::engine {
namespace {

/// Parameters by name, and one draw called z().
class Known : public Names {
 public:
  NetlistValue name(const std::string& name) override {
    const auto found = values.find(name);
    if (found == values.end()) throw NetlistExpressionError("there is no parameter " + name);
    return number(found->second);
  }
  bool defines(const std::string& name) const override { return name == "z"; }
  NetlistValue call(const std::string& name, std::vector<NetlistValue>, std::string_view) override {
    if (name != "z") throw NetlistExpressionError("no function " + name);
    return draw(0, false);
  }

  std::map<std::string, double> values{{"g", 7.0}, {"off", 0.0}};
};

NetlistValue read(const std::string& text, Operation power = Operation::power) {
  Known names;
  return parse_expression(text, names, power);
}

double value_of(const std::string& text, const std::string& modes = "") {
  const NetlistValue e = read(text, power_of(modes));
  EXPECT_TRUE(is_number(e)) << text;
  return e->number;
}

std::string error_in(const std::string& text) {
  try {
    read(text);
  } catch (const NetlistExpressionError& error) {
    return error.what();
  }
  return {};
}

TEST(NetlistExpression, MeansWhatNgspiceMakesOfIt) {
  const std::map<std::string, double> expected{
      {"2**3**2", 64.0},
      {"-2**2", -4.0},
      {"3*-2**2", 12.0},
      {"2^-1", 0.5},
      {"pwr(-2,3)", 8.0},
      {"int(-2.7)", -2.0},
      {"nint(2.5)", 2.0},
      {"5mil", 5e-3},
      {"7%4", 3.0},
      {"-7\\2", -3.0},
      {"1?2:3", 2.0},
      {"sgn(-3)", -1.0},
      {"pow(-2,3)", -8.0},
      {"!0+1", 2.0},
      {"1-2-3", -4.0},
      {"2*3 ? 4+5 : 6", 9.0},
      {"1>2 || 3>2 && 1", 1.0},
      {"0?1:0?2:3", 3.0},
      {"-g", -7.0},
      {"2meg*1k", 2e9},
      {"{2*'1+1'}", 4.0},
      {"1e-3*G", 7e-3},
      {"max(2,g)/min(2,g)", 3.5},
      {"ternary_fcn(0,1,2)", 2.0},
      {"10/4/5", 0.5},
      {"2 == 2", 1.0},
      {"1 <> 1", 0.0},
      {"+3", 3.0},
  };
  for (const auto& [text, value] : expected) EXPECT_DOUBLE_EQ(value_of(text), value) << text;
  EXPECT_DOUBLE_EQ(value_of("log(10)"), std::log(10.0));
}

TEST(NetlistExpression, APowerIsAMatterOfTheMode) {
  EXPECT_DOUBLE_EQ(value_of("(-2)**3"), 8.0);
  EXPECT_DOUBLE_EQ(value_of("(-2)**3", "hsa"), -8.0);
  EXPECT_DOUBLE_EQ(value_of("(-2)**0.5", "lta"), 0.0);
  EXPECT_DOUBLE_EQ(value_of("off**0", "hs"), 0.0);
}

TEST(NetlistExpression, WhatIsWrongIsSaid) {
  EXPECT_THAT(error_in("2*(3"), ::testing::HasSubstr("')' is missing"));
  EXPECT_THAT(error_in("1+"), ::testing::HasSubstr("missing at the end"));
  EXPECT_THAT(error_in("a+1"), ::testing::HasSubstr("no parameter a"));
  EXPECT_THAT(error_in("spline(1)"), ::testing::HasSubstr("no function spline"));
  EXPECT_THAT(error_in("pow(1)"), ::testing::HasSubstr("pow takes 2 arguments, not 1"));
  EXPECT_THAT(error_in("1 2"), ::testing::HasSubstr("'2' is not understood"));
  // ngspice gives the sign to the next number: 2*-g+3 is 2*g-3 there.
  EXPECT_THAT(error_in("2*-g+3"), ::testing::HasSubstr("misreads a minus"));
}

TEST(NetlistExpression, WhatIsTooDeepOrTooLargeIsRefused) {
  const auto times = [](int n, const std::string& text) {
    std::string all;
    for (int i = 0; i < n; ++i) all += text;
    return all;
  };
  EXPECT_THAT(error_in(times(60'000, "(") + "1" + times(60'000, ")")), ::testing::HasSubstr("parentheses"));
  EXPECT_THAT(error_in(times(60'000, "!") + "1"), ::testing::HasSubstr("parentheses"));
  EXPECT_THAT(error_in(times(60'000, "1?") + "1"), ::testing::HasSubstr("parentheses"));
  EXPECT_THAT(error_in("1" + times(60'000, "+z()*1e-9")), ::testing::HasSubstr("terms"));
  EXPECT_DOUBLE_EQ(nominal(read("1" + times(60'000, "+1"))), 60'001.0);  // numbers alone are one number
}

TEST(NetlistExpression, WhatASwitchTurnsOffIsNotThere) {
  EXPECT_TRUE(is_number(read("off*z()")));
  EXPECT_TRUE(is_number(read("3+off*exp(z())/g")));
  EXPECT_TRUE(is_number(read("off ? z() : 2")));
  EXPECT_TRUE(read("1+g*z()")->draws);
}

TEST(Formula, FollowsItsCoordinates) {
  const Formula formula(read("g*(1+0.1*z())*exp(0.2*z()) + (z() > 1)"), {{0, 1}});
  EXPECT_EQ(formula.size(), 2u);
  for (const double z : {-2.0, 0.0, 0.7, 1.5}) {
    const std::array<double, 2> x{9.0, z};
    EXPECT_DOUBLE_EQ(formula(x), 7.0 * (1.0 + 0.1 * z) * std::exp(0.2 * z) + (z > 1.0 ? 1.0 : 0.0));
  }
  EXPECT_EQ(Formula(formula.steps()), formula);
  EXPECT_DOUBLE_EQ(Formula(read("g+z()"), {})(std::array<double, 1>{5.0}), 7.0);
}

TEST(Formula, RefusesStepsWithoutMeaning) {
  EXPECT_THROW(Formula(std::vector<FormulaStep>{}), std::invalid_argument);
  EXPECT_THROW(Formula({FormulaStep{.operation = Operation::add, .of = {0, 0, 0}}}), std::invalid_argument);
  EXPECT_THROW(Formula(read("temper*z()"), {{0, 0}}), NetlistExpressionError);
}

}  // namespace
}  // namespace flare::engine
