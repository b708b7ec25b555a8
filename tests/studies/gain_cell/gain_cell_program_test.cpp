// A gain cell from one study: what is checked and what is refused.
#include "tests/studies/gain_cell/gain_cell_program.hpp"

namespace flare::studies {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(GainCellProgram, CheckSaysWhatWouldRun) {
  const testing::Ended ended = run({"check", write(study("cell = \"gain_cell_4t\"\n")).string()});
  EXPECT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("gain_cell_4t, 8 levels"), HasSubstr("4 variables of a cell"),
                               HasSubstr("20 of each of 5 circuits")));
  for (const char* part : {"cells/gain_cell_6t", "cells/gain_cell_4t", "converters/charge_to_pulse"}) {
    const testing::Ended checked = run({"check", source("netlists/") + part});
    EXPECT_EQ(checked.status, 0) << checked.out;
    EXPECT_THAT(checked.out, HasSubstr("OK"));
  }
}

TEST_F(GainCellProgram, RefusesWhatMakesNoSense) {
  EXPECT_THAT(refused(study("cell = \"sram8t\"\n")), HasSubstr("read by pulses"));
  EXPECT_THAT(refused(study("converter = \"flash\"\n")), HasSubstr("charge_to_pulse"));
  EXPECT_THAT(refused(study("cell = \"gain_cell_5t\"\n")), HasSubstr("gain_cell_4t"));
  EXPECT_THAT(refused(study("levels = 2\n")), HasSubstr("levels"));
  EXPECT_THAT(refused(study("read_pulse = \"0 ns\"\n")), HasSubstr("above 0 s"));
  EXPECT_THAT(refused(study("retention = [\"1 ms\", \"1 ms\"]\n")), HasSubstr("twice"));
  EXPECT_THAT(refused(study("park = \"1.2 V\"\n")), HasSubstr("above the supply"));
  EXPECT_THAT(refused(study("readpulse = \"15 ns\"\n")), HasSubstr("read_pulse"));
  EXPECT_THAT(refused(study("", "[[die]]\ntemperature = true\nsigma = \"10 K\"\n")), HasSubstr("die-wide"));
  EXPECT_THAT(refused(study("", "[adc]\n[[converter]]\nname = \"f\"\ncircuit = \"flash\"\n")),
              HasSubstr("needs one of"));
  EXPECT_THAT(refused(study("", "[[converter]]\nname = \"f\"\n")), HasSubstr("leave the table out"));
  const testing::Ended column =
      run({"check", source("studies/pick_sawl_quick.toml"), "--set", "column.cell=gain_cell_6t"});
  EXPECT_EQ(column.status, 2);
  EXPECT_THAT(column.out, HasSubstr("[gain_cell] of a study takes it"));
}

}  // namespace
}  // namespace flare::studies
