// Several columns in one study, replica references beside ideal ones, and the map of it all.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "analysis/results/map_table.hpp"
#include "analysis/results/screening_table.hpp"
#include "engine/base/read_cost.hpp"
#include "tests/studies/program_fixture.hpp"

namespace flare::studies {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class ColumnMap : public testing::ProgramFixture {
 protected:
  static std::string study(const std::string& columns, const std::string& converters) {
    return "seed = 3\n[technology]\ncards = \"" + std::string(FLARE_SOURCE_DIR) +
           "/netlists/cards/cmos28.lib\"\n" + columns +
           "[[variation]]\nparameter = \"vth\"\npelgrom = \"1.3 mV um\"\n"
           "[corners]\nprocess = [\"tt\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 degC\"]\n" +
           converters + "[estimator]\nmethod = \"fit\"\nruns = 60\n";
  }
  static std::string converter(const std::string& name, const std::string& more) {
    return "[[converter]]\nname = \"" + name + "\"\n" + more + "\n";
  }
  testing::Ended run_text(const std::string& text) {
    std::ofstream(folder_ / "study.toml") << text;
    return run({"run", (folder_ / "study.toml").string(), "-o", "out.h5"});
  }
  std::string refused(const std::string& text) {
    std::ofstream(folder_ / "bad.toml") << text;
    const testing::Ended ended = run({"check", (folder_ / "bad.toml").string()});
    EXPECT_EQ(ended.status, 2) << ended.out;
    EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 1) << ended.out;
    return ended.out;
  }
};

// Two studies: 40 % of two supplies, and what that is at the higher one.
TEST_F(ColumnMap, ASwingOfTheSupplyFollowsTheCorner) {
  const auto levels = [&](const std::string& swing) {
    const testing::Ended ended =
        run({"run", (folder_ / "study.toml").string(), "-o", "out.h5", "--fresh", "--set",
             "column.swing=\"" + swing + "\"", "--set", "corners.supply=[\"0.9 V\", \"0.99 V\"]"});
    EXPECT_EQ(ended.status, 0) << ended.out;
    const H5::H5File file = engine::open_result(folder_ / "out.h5");
    return std::pair{engine::read_table(file, "/points/sram8t/sawl2/tt_0.90V_27C/levels").numbers("nominal"),
                     engine::read_table(file, "/points/sram8t/sawl2/tt_0.99V_27C/levels").numbers("nominal")};
  };
  std::ofstream(folder_ / "study.toml") << study("[column]\nsawl = [2]\n", converter("ideal", ""));
  const auto [low, high] = levels("40 %");
  EXPECT_EQ(high, levels("0.396 V").second);
  EXPECT_NEAR((0.9 - low.back()) / (0.99 - high.back()), 0.9 / 0.99, 0.02);
}

// The word line closed by a replica of as many rows as are read: its spread in time, simulated, moves the top level by a little less
// than that level's own sigma, since the current falls with the bitline and edges are a part of the pulse.
TEST_F(ColumnMap, AReplicaThatTimesCostsWhatItsSpreadMoves) {
  const auto screened = [&](const std::string& timing) {
    std::ofstream(folder_ / "study.toml") << study("[column]\nsawl = [8]\n" + timing, converter("ideal", ""));
    const testing::Ended ended =
        run({"run", "study.toml", "-o", "out.h5", "--fresh", "--set", "estimator.runs=20"});
    EXPECT_EQ(ended.status, 0) << ended.out;
    return analysis::read_screening(engine::open_result(folder_ / "out.h5")).front().sigma;
  };
  const double ratio = screened("") / screened("timing = \"replica\"\ntiming_rows = 8\n");
  const double moved = std::sqrt(ratio * ratio - 1.0);  // of the level's sigma
  EXPECT_GT(moved, 0.86);
  EXPECT_LT(moved, 0.91);
}

TEST_F(ColumnMap, HasEveryCellAndConverterWithItsCost) {
  const testing::Ended ended =
      run_text("target = \"3.5 sigma\"\n" +
               study("[[columns]]\nsawl = [2]\n[[columns]]\ncell = \"sram8t_min\"\nsawl = [2]\nconverters = "
                     "[\"ideal\"]\n",
                     converter("ideal", "") + converter("one", "references = \"replica\"") +
                         converter("four", "references = \"replica\"\naverage = 4")) +
               "[map]\nclaim = \"holds\"\n");
  ASSERT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("Claimed elsewhere: holds"));
  EXPECT_THAT(ended.out, HasSubstr("(* holds 3.5 sigma)"));
  EXPECT_THAT(ended.out, HasSubstr("one: references from 1 + 1 replica columns a threshold (replica)"));
  EXPECT_THAT(ended.out, HasSubstr("ideal: ideal references that track the corner"));
  const H5::H5File file = engine::open_result(folder_ / "out.h5");
  const analysis::ResultMap map = analysis::read_map(file);
  ASSERT_EQ(map.rows.size(), 4u);
  const testing::Ended reported = run({"report", (folder_ / "out.h5").string(), "-o", "page"});
  ASSERT_EQ(reported.status, 0) << reported.out;
  for (const char* figure : {"map_sram8t.svg", "map_sram8t_min.svg"})
    EXPECT_TRUE(fs::exists(folder_ / "page" / figure)) << reported.out;
  // To first order, without sampling: what the screening says.
  const auto screened = [&](const std::string& adc) {
    for (const analysis::ScreeningRow& row : analysis::read_screening(file)) {
      if (row.cell == "sram8t" && row.adc == adc) return row.sigma;
    }
    return std::nan("");
  };
  // The last threshold of two has levels of full and of half the variance beside it.
  EXPECT_NEAR(screened("one") / screened("ideal"), 1.0 / std::sqrt(1.0 + 1.5 / 4.0), 0.01);
  EXPECT_NEAR(screened("four") / screened("ideal"), 1.0 / std::sqrt(1.0 + 1.5 / 16.0), 0.01);
  for (const analysis::MapRow& row : map.rows) {
    EXPECT_GT(row.column_energy, 1e-15);
    EXPECT_LT(row.column_energy, 50e-15);
    EXPECT_TRUE(std::isnan(row.conversion_energy));
    EXPECT_FALSE(row.cheapest);  // nobody knows what an ideal converter takes
  }
  const auto cost = engine::read_read_cost(file, {"sram8t", 2, "ideal", "tt_0.90V_27C"});
  ASSERT_TRUE(cost.has_value());
  ASSERT_EQ(cost->column_energy.size(), 3u);
  EXPECT_GT(cost->column_energy[2], cost->column_energy[1]);
  EXPECT_GT(cost->column_energy[1], cost->column_energy[0]);
  EXPECT_NEAR(cost->column_area, 2 * 0.200e-12 + 0.03e-12, 0.01e-12);  // two read ports and the precharge
}

TEST_F(ColumnMap, WhatItCannotTakeIsSaidInALine) {
  const std::string one = "[column]\nsawl = [2]\n";
  EXPECT_THAT(refused(study(one, converter("c", "average = 4"))), HasSubstr("references = \"replica\""));
  EXPECT_THAT(refused(study(one, converter("c", "references = \"replika\""))),
              HasSubstr("did you mean 'replica'?"));
  EXPECT_THAT(refused(study("[column]\nsawl = [2]\ntiming_rows = 4\n", converter("c", ""))),
              HasSubstr("timing = \"replica\""));
  EXPECT_THAT(refused(study(one + "[[columns]]\nsawl = [2]\n", converter("c", ""))),
              HasSubstr("[[columns]]"));
  EXPECT_THAT(refused(study("[[columns]]\nsawl = [2]\n[[columns]]\nsawl = [2]\n", converter("c", ""))),
              HasSubstr("stands there twice"));
  EXPECT_THAT(refused(study("[[columns]]\nsawl = [2]\nconverters = [\"d\"]\n", converter("c", ""))),
              HasSubstr("no [[converter]] called 'd'"));
}

}  // namespace
}  // namespace flare::studies
