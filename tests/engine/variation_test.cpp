#include "engine/variation.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace flare::engine {
namespace {

TEST(Law, ValuesAreTheQuantilesOfTheLaw) {
  EXPECT_DOUBLE_EQ((Law{LawKind::normal, 1.0, 2.0}).value(-3.0), -5.0);
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

TEST(KnobSettings, AddAndMultiplyWhatVariablesContribute) {
  const std::vector<Knob> knobs{{KnobKind::device_parameter, "m.x0.ma", "delvto", 0.01, Combine::sum},
                                {KnobKind::device_parameter, "m.x0.ma", "mulu0", 2.0, Combine::product}};
  const std::vector<Variable> variables{
      {"local", {LawKind::normal, 0.0, 0.02}, Scope::instance, "V", {{0, 1.0}}},
      {"global", {LawKind::normal, 0.0, 0.03}, Scope::die, "V", {{0, 1.0}, {1, 10.0}}}};
  Eigen::RowVectorXd x(2);
  x << 1.0, -1.0;
  const std::vector<double> settings = knob_settings(knobs, variables, x);
  EXPECT_NEAR(settings[0], 0.01 + 0.02 - 0.03, 1e-15);
  EXPECT_DOUBLE_EQ(settings[1], 2.0 * std::exp(-0.3));
  EXPECT_THROW(knob_settings(knobs, variables, Eigen::RowVectorXd::Zero(3)), std::invalid_argument);
}

}  // namespace
}  // namespace flare::engine
