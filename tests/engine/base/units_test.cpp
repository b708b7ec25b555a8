#include "engine/base/units.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

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

TEST(Units, SignsOfDataSheetsAreTaken) {
  EXPECT_DOUBLE_EQ(quantity("10 \u00B5A", "A"), 10e-6);         // micro sign
  EXPECT_DOUBLE_EQ(quantity("1.3 mV \u03BCm", "V m"), 1.3e-9);  // Greek mu
  EXPECT_DOUBLE_EQ(quantity("4.7 k\u03A9", "Ohm"), 4.7e3);      // Greek omega
  EXPECT_DOUBLE_EQ(quantity("50 \u2126", "Ohm"), 50.0);         // ohm sign
  EXPECT_DOUBLE_EQ(quantity("\u221240 \u00B0C", "degC"), -40.0);
  EXPECT_DOUBLE_EQ(quantity("85\u00A0\u00B0C", "degC"), 85.0);
  EXPECT_DOUBLE_EQ(quantity("0.1 \u00B5m\u00B2", "m2"), 0.1e-12);
}

TEST(Units, InductanceAndConductance) {
  EXPECT_DOUBLE_EQ(quantity("2 nH", "H"), 2e-9);
  EXPECT_DOUBLE_EQ(quantity("2 V s/A", "H"), 2.0);
  EXPECT_DOUBLE_EQ(quantity("3 uS", "S"), 3e-6);
  EXPECT_DOUBLE_EQ(quantity("3 1/Ohm", "S"), 3.0);
  EXPECT_DOUBLE_EQ(quantity("5 GHz", "Hz"), 5e9);
}

std::string error_of(std::string_view text, std::string_view expected) {
  try {
    quantity(text, expected);
  } catch (const UnitError& error) {
    return error.what();
  }
  return {};
}

TEST(Units, ErrorsSayWhatIsTaken) {
  using ::testing::HasSubstr;
  EXPECT_EQ(error_of("27 C", "degC"),
            "'27 C' has a unit that is not known; expected a quantity in degC; write degC");
  EXPECT_THAT(error_of("5 hz", "Hz"), HasSubstr("write Hz"));
  EXPECT_THAT(error_of("3 furlong", "m"), HasSubstr("units are V A s m F Ohm S H Hz W J K degC %"));
  EXPECT_THAT(error_of("0.9", "V"), HasSubstr("has no unit; expected a quantity in V; write \"0.9 V\""));
  EXPECT_THAT(error_of("3 V", "1"), HasSubstr("a number without unit or a percentage"));
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
