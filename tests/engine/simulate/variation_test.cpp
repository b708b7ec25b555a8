#include "engine/simulate/variation.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace flare::engine {
namespace {

TEST(Law, ValuesAreTheQuantilesOfTheLaw) {
  EXPECT_DOUBLE_EQ((Law{LawKind::normal, 1.0, 2.0}).value(-3.0), -5.0);
  EXPECT_DOUBLE_EQ((Law{LawKind::normal, 1.0, 2.0}).value(45.0), 91.0);  // as far as it is asked
  EXPECT_DOUBLE_EQ((Law{LawKind::lognormal, 2.0, 0.5}).value(2.0), 2.0 * std::exp(1.0));
  EXPECT_DOUBLE_EQ((Law{LawKind::uniform, 5.0, 1.0}).value(0.0), 5.0);
  EXPECT_NEAR((Law{LawKind::uniform, 5.0, 1.0}).value(40.0), 6.0, 1e-15);
  // Gumbel: F(v) = exp(-exp(-(v - mode)/scale)); the median is mode - scale ln ln 2.
  const Law gumbel{LawKind::gumbel, 1.0, 3.0};
  EXPECT_NEAR(gumbel.value(0.0), 1.0 - 3.0 * std::log(std::log(2.0)), 1e-12);
  for (const double x : {-6.0, -1.0, 2.0, 5.9, 6.1, 8.0}) {
    const double upper = 0.5 * std::erfc(x / std::sqrt(2.0));
    const double y = (gumbel.value(x) - 1.0) / 3.0;
    EXPECT_NEAR(-std::expm1(-std::exp(-y)) / upper, 1.0, 1e-9) << x;
  }
}

TEST(Law, ValuesRiseWithTheCoordinateAndStayFinite) {
  for (const LawKind kind : {LawKind::normal, LawKind::lognormal, LawKind::uniform, LawKind::gumbel}) {
    const Law law{kind, 1.0, 0.3};
    double previous = -INFINITY;
    for (double x = -45.0; x <= 45.0; x += 0.25) {
      const double value = law.value(x);
      EXPECT_TRUE(std::isfinite(value));
      EXPECT_GE(value, previous);
      previous = value;
    }
  }
}

TEST(KnobSettings, ShiftScaleAndReplaceWhatTheCircuitSays) {
  const std::vector<Knob> knobs{{KnobKind::instance, "m.x0.ma", "delvto"},
                                {KnobKind::instance, "m.x0.ma", "mulu0"},
                                {KnobKind::instance, "r1", "resistance"}};
  const std::vector<double> nominals{0.01, 2.0, 1e3};
  const std::vector<Variable> variables{
      {"local", {LawKind::normal, 0.0, 0.02}, Scope::instance, "V", {{0, Action::shift}}},
      {"global", {LawKind::normal, 0.0, 0.03}, Scope::die, "V", {{0, Action::shift}}},
      {"beta", {LawKind::lognormal, 1.0, 0.3}, Scope::instance, "1", {{1, Action::scale}}},
      {"r", {LawKind::normal, 1.0, 0.01}, Scope::instance, "1", {{2, Action::scale}}},
      {"other r", {LawKind::normal, 5e3, 50.0}, Scope::die, "Ohm", {{2, Action::replace}}}};
  Eigen::RowVectorXd x(5);
  x << 1.0, -1.0, -1.0, 2.0, 3.0;
  const std::vector<double> settings = knob_settings(knobs, variables, nominals, x);
  EXPECT_NEAR(settings[0], 0.01 + 0.02 - 0.03, 1e-15);
  EXPECT_DOUBLE_EQ(settings[1], 2.0 * std::exp(-0.3));
  EXPECT_DOUBLE_EQ(settings[2], (5e3 + 150.0) * 1.02);
  EXPECT_THROW(knob_settings(knobs, variables, nominals, Eigen::RowVectorXd::Zero(3)), std::invalid_argument);
  EXPECT_THROW(knob_settings(knobs, variables, {0.0}, x), std::invalid_argument);
  std::vector<Variable> twice = variables;
  twice[0].effects = {{2, Action::replace}};
  EXPECT_THROW(knob_settings(knobs, twice, nominals, x), std::invalid_argument);
}

}  // namespace
}  // namespace flare::engine
