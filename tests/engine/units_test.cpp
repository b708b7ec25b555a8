#include "engine/units.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare::engine {
namespace {

TEST(Units, QuantitiesComeOutInSi) {
  EXPECT_DOUBLE_EQ(quantity("0.9 V", "V"), 0.9);
  EXPECT_DOUBLE_EQ(quantity("1.3 mV um", "V m"), 1.3e-9);
  EXPECT_DOUBLE_EQ(quantity("1.3 mV*um", "V m"), 1.3e-9);
  EXPECT_DOUBLE_EQ(quantity("0.7 % um", "m"), 0.7e-8);
  EXPECT_DOUBLE_EQ(quantity("20 fF", "F"), 20e-15);
  EXPECT_DOUBLE_EQ(quantity("0.3 fF/um", "F/m"), 0.3e-9);
  EXPECT_DOUBLE_EQ(quantity("0.1 um2", "m2"), 0.1e-12);
  EXPECT_DOUBLE_EQ(quantity("-40 degC", "degC"), -40.0);
  EXPECT_NEAR(quantity("300.15 K", "degC"), 27.0, 1e-9);
  EXPECT_DOUBLE_EQ(quantity("0.03 step", "step"), 0.03);
  EXPECT_DOUBLE_EQ(quantity("0.1 sigma", "sigma"), 0.1);
  EXPECT_DOUBLE_EQ(quantity("5 %", "1"), 0.05);
  EXPECT_DOUBLE_EQ(quantity("5", "1"), 5.0);
}

TEST(Units, WhatIsWrongIsRefusedAndWhatWasExpectedIsSaid) {
  for (const char* bad :
       {"", "V", "0.9", "0.9 A", "0.9 mVV", "0.9 V V", "nan V", "1e999 V", "0.9 V/", "1 degC", "1 %"}) {
    EXPECT_THROW(quantity(bad, "V"), UnitError) << bad;
  }
  try {
    quantity("27 V", "degC");
    FAIL();
  } catch (const UnitError& e) {
    EXPECT_THAT(e.what(), ::testing::AllOf(::testing::HasSubstr("27 V"), ::testing::HasSubstr("degC")));
  }
}

TEST(Units, QuantitiesAreWrittenWithThePrefixThatSuits) {
  EXPECT_EQ(format_quantity(0.9, "V"), "0.9 V");
  EXPECT_EQ(format_quantity(1.234e-3, "V"), "1.23 mV");
  EXPECT_EQ(format_quantity(7.2e-10, "s"), "720 ps");
  EXPECT_EQ(format_quantity(-40.0, "degC"), "-40 degC");
  EXPECT_EQ(format_quantity(0.0, "V"), "0 V");
  EXPECT_EQ(format_quantity(0.5, "1"), "0.5");
}

TEST(Units, DimensionsThereAndBack) {
  for (const char* unit :
       {"1", "V", "A", "s", "V s", "A/V", "Hz", "Ohm", "F", "W", "J", "V2/A", "m3", "V/s2", "step/V"}) {
    const auto dimension = si_dimension(unit);
    ASSERT_TRUE(dimension) << unit;
    EXPECT_EQ(si_unit(*dimension), unit);
  }
  EXPECT_EQ(si_unit({6, 0, -5, 0, 0, 0, 0}), "V4 V2/s4/s");
  EXPECT_EQ(si_dimension(si_unit({6, 0, -5, 0, 0, 0, 0})), (Dimension{6, 0, -5, 0, 0, 0, 0}));
  for (const char* unit : {"mV", "%", "degC", "furlong", "V/"}) EXPECT_FALSE(si_dimension(unit)) << unit;
}

}  // namespace
}  // namespace flare::engine
