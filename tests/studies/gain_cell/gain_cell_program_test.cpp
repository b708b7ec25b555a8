// A gain cell from one study: tables, report, replay, resumption, and what is refused.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "engine/base/gain_cell_tables.hpp"
#include "tests/studies/program_fixture.hpp"

namespace flare::studies {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class GainCellProgram : public testing::ProgramFixture {
 protected:
  fs::path write(const std::string& text) const {
    std::ofstream(folder_ / "study.toml") << text;
    return folder_ / "study.toml";
  }
  static std::string study(const std::string& gain_cell, const std::string& more = "") {
    return "seed = 5\n[technology]\ncards = \"" + source("netlists/cards/cmos28.lib") +
           "\"\n[[variation]]\nparameter = \"vth\"\npelgrom = \"1.3 mV um\"\n"
           "[corners]\nprocess = [\"tt\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 degC\"]\n"
           "[estimator]\nruns = 20\n[gain_cell]\n" +
           gain_cell + more;
  }
  std::string refused(const std::string& text) const {
    const testing::Ended ended = run({"check", write(text).string()});
    EXPECT_EQ(ended.status, 2) << ended.out;
    EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 1) << ended.out;
    return ended.out;
  }
};

TEST_F(GainCellProgram, AStudyMeasuresTheCellAndItsConverter) {
  const fs::path file = write(study("levels = 4\nretention = [\"1 ms\"]\n"));
  const testing::Ended ended = run({"run", file.string(), "-o", "cell.h5"});
  ASSERT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("Current drawn from the bitline"), HasSubstr("Charge to pulse")));

  const H5::H5File result = engine::open_result(folder_ / "cell.h5");
  const engine::GainCellTables t = engine::read_gain_cell(result, "gain_cell_6t", "tt_0.90V_27C");
  ASSERT_EQ(t.transfer.size(), 4u);
  for (const engine::TransferRow& row : t.transfer) {
    EXPECT_EQ(row.runs, 20);
    EXPECT_GT(row.sigma, 0.02e-6);
    EXPECT_LT(row.sigma, 1.2e-6);
  }
  EXPECT_TRUE(t.monotone());
  EXPECT_EQ(t.pulses.size(), 4u * 15u);
  ASSERT_EQ(t.retention.size(), 4u);
  EXPECT_GT(t.retention[0].mean, 0.02) << "the lowest level rises";
  EXPECT_LT(t.retention[3].mean, 0.88) << "the highest falls";
  ASSERT_EQ(t.converters.size(), 2u);
  EXPECT_EQ(t.converters[0].mode, "rectifier");
  EXPECT_NEAR(t.converters[0].gain, 1.013, 0.02);
  EXPECT_GT(t.converters[1].gain_sigma, 0.001);
  ASSERT_EQ(t.columns.size(), 4u);
  for (const engine::ColumnCheckRow& row : t.columns)
    EXPECT_NEAR(row.charge, row.sum, 0.03 * t.full_scale * t.read_pulse) << row.pattern;
  for (const engine::EnergyRow& row : t.energy) EXPECT_GT(row.energy, 0.0) << row.use;

  // The same to the bit for another number of workers, and a recorded sample again.
  const testing::Ended again = run({"run", file.string(), "-o", "one.h5", "-j", "1"});
  ASSERT_EQ(again.status, 0) << again.out;
  const engine::GainCellTables one =
      engine::read_gain_cell(engine::open_result(folder_ / "one.h5"), "gain_cell_6t", "tt_0.90V_27C");
  EXPECT_EQ(one.polynomial.g, t.polynomial.g);
  EXPECT_EQ(one.polynomial.covariance, t.polynomial.covariance);
  for (std::size_t i = 0; i < t.widths.size(); ++i) EXPECT_EQ(one.widths[i].sigma, t.widths[i].sigma);
  for (const char* what : {"read", "hold", "signed"}) {
    const testing::Ended replay =
        run({"replay", "cell.h5", fmt::format("gain_cell/gain_cell_6t/tt_0.90V_27C/samples/{}", what), "7",
             "-o", "waves.csv"});
    EXPECT_EQ(replay.status, 0) << replay.out;
    EXPECT_THAT(replay.out, HasSubstr("(the same)"));
  }
}

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
