// Converters as circuits from one study: tables, report, bad input, and a column that reads with what was measured.
#include <gmock/gmock.h>

#include <cmath>

#include "analysis/results/adc_table.hpp"
#include "engine/base/hdf5_io.hpp"
#include "tests/studies/program_fixture.hpp"

namespace flare::studies {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class ConverterProgram : public testing::ProgramFixture {
 protected:
  fs::path write(const char* name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  static std::string common() {
    return "seed = 5\n[technology]\ncards = \"" + std::string(FLARE_SOURCE_DIR) +
           "/netlists/cards/cmos28.lib\"\n"
           "[[variation]]\nparameter = \"vth\"\npelgrom = \"1.3 mV um\"\n"
           "[corners]\nprocess = [\"tt\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 degC\"]\n"
           "[estimator]\nmethod = \"fit\"\nruns = 20\n";
  }
  static std::string adc(const std::string& thresholds, const std::string& converters) {
    return common() + "[adc]\nthresholds = " + thresholds + "\nswing = \"0.2 V\"\n" + converters;
  }
  static std::string converter(const std::string& name, const std::string& more) {
    return "[[converter]]\nname = \"" + name + "\"\n" + more + "\n";
  }
};

TEST_F(ConverterProgram, AStudyMeasuresThemAndAColumnReadsWithThem) {
  const fs::path study =
      write("adc.toml", adc("4", converter("flash", "circuit = \"flash\"") +
                                     converter("plain", "circuit = \"flash\"\ntrim = false") +
                                     converter("sar", "circuit = \"sar\"")));
  const testing::Ended ended = run({"run", study.string(), "-o", "adc.h5"});
  ASSERT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("trim of 6 bits over +-64 mV (LSB 2.03 mV), 0.46 um2 each"));
  EXPECT_THAT(ended.out, HasSubstr("no trim"));

  const auto adcs = analysis::read_adcs(engine::open_result(folder_ / "adc.h5"));
  ASSERT_EQ(adcs.size(), 3u);
  for (const analysis::AdcResult& one : adcs) {
    ASSERT_EQ(one.thresholds.size(), 4u) << one.name;
    ASSERT_EQ(one.figures.size(), 1u);
    const analysis::AdcFigureRow& figures = one.figures.front();
    EXPECT_EQ(figures.codes, 5);
    EXPECT_NEAR(figures.energy, figures.comparator_energy + figures.array_energy + figures.clock_energy,
                1e-18);
    EXPECT_LT(figures.die_enob, std::log2(5.0));
    EXPECT_GT(figures.die_enob, 1.8);
    for (const analysis::AdcThresholdRow& row : one.thresholds) {
      EXPECT_EQ(row.unknown, 0);
      EXPECT_LE(row.offset_sigma_low, row.offset_sigma);
      EXPECT_GE(row.offset_sigma_high, row.offset_sigma);
      if (one.name == "plain") {
        EXPECT_NEAR(row.left_sigma, row.offset_sigma, 1e-9);
      }
      if (one.name == "flash") {
        EXPECT_LT(row.left_sigma, 0.8e-3);
      }
    }
  }

  const std::string measured = "kind = \"measured\"\nmeasured = \"adc.h5\"";
  const fs::path column =
      write("column.toml", common() + "[column]\nsawl = [4]\nswing = \"0.2 V\"\n" +
                               converter("flash", measured) + converter("plain", measured) +
                               converter("sar", measured) + converter("none", "kind = \"ideal\""));
  const testing::Ended read = run({"run", column.string(), "-o", "column.h5", "--set", "estimator.runs=150"});
  ASSERT_EQ(read.status, 0) << read.out;
  const H5::H5File file = engine::open_result(folder_ / "column.h5");
  const engine::Table verdict = engine::read_table(file, "/verdict");
  const auto sigma = [&](const std::string& name) {
    const std::vector<std::string>& names = verdict.texts("adc");
    const std::vector<double>& sigmas = verdict.numbers("sigma");
    return sigmas.at(static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin()));
  };
  EXPECT_LT(sigma("plain"), sigma("flash"));
  EXPECT_LT(sigma("flash"), sigma("none"));
  EXPECT_LT(sigma("sar"), sigma("none"));
  EXPECT_GT(sigma("sar"), sigma("plain"));
}

TEST_F(ConverterProgram, AConverterWithTooFewCodesIsNamed) {
  const fs::path study = write("few.toml", adc("16", converter("sar", "circuit = \"sar\"")));
  const testing::Ended ended = run({"check", study.string()});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.out, HasSubstr("few.toml:"));
  EXPECT_THAT(ended.out, HasSubstr("sar gives 16 codes, but [adc] thresholds = 16 tells 17 levels apart"));
  EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 1) << ended.out;
}

TEST_F(ConverterProgram, WhatItCannotTakeIsSaidInALine) {
  const auto said = [&](const std::string& text) {
    const testing::Ended ended = run({"check", write("bad.toml", text).string()});
    EXPECT_EQ(ended.status, 2) << ended.out;
    EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 1) << ended.out;
    return ended.out;
  };
  const std::string flash = converter("flash", "circuit = \"flash\"");
  EXPECT_THAT(said(adc("4", converter("x", "circuit = \"flsh\""))), HasSubstr("did you mean 'flash'?"));
  EXPECT_THAT(said(adc("4", converter("x", "circuit = \"strongarm\"\ntrim = true"))),
              HasSubstr("has no [trim]"));
  EXPECT_THAT(said(adc("4", flash) + "[[die]]\ntemperature = true\nsigma = \"5 K\"\n"),
              HasSubstr("die-wide"));
  EXPECT_THAT(said(adc("4", flash) + "[column]\nsawl = [2]\n"),
              HasSubstr("one of [column], [circuit], [adc] and [gain_cell]"));
  EXPECT_THAT(said(common() + "[column]\nsawl = [2]\n" +
                   converter("x", "kind = \"measured\"\nmeasured = \"bad.toml\"")),
              HasSubstr("converter"));
}

}  // namespace
}  // namespace flare::studies
