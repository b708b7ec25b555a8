#include "studies/study/study.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace flare::studies {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path shipped = std::filesystem::path(FLARE_SOURCE_DIR) / "studies";

/// The shipped quick study with one line changed, beside the shipped one so that its paths hold.
std::string quick_with(const std::string& from, const std::string& to) {
  std::ifstream in(shipped / "pick_sawl_quick.toml");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string error_of(const std::string& text) {
  try {
    parse_study(text, shipped / "edited.toml");
  } catch (const StudyError& e) {
    return e.what();
  }
  return "no error";
}

TEST(Study, TheShippedStudiesRead) {
  const Study study = read_study(shipped / "pick_sawl.toml");
  EXPECT_EQ(study.column->sawl, (std::vector<int>{2, 4, 8, 16}));
  EXPECT_EQ(study.corners.size(), 27U);
  EXPECT_EQ(study.nominal, (Corner{"", "tt", 0.9, 27.0, {}, {}, {}}));
  EXPECT_EQ(study.nominal.name(), "tt_0.90V_27C");
  EXPECT_DOUBLE_EQ(study.devices.front().pelgrom, 1.3e-9);
  EXPECT_DOUBLE_EQ(study.devices.back().pelgrom, 0.7e-8);
  EXPECT_NO_THROW(read_study(shipped / "pick_sawl_quick.toml"));
}

TEST(Study, MistakesNameTheFileTheLineTheKeyAndTheRemedy) {
  std::string error = error_of(quick_with("swing = ", "swign = "));
  EXPECT_THAT(error, HasSubstr("edited.toml:"));
  EXPECT_THAT(error, HasSubstr("column.swign"));
  EXPECT_THAT(error, HasSubstr("did you mean 'swing'"));

  error = error_of(quick_with("\"0.4 V\"", "\"0.4 A\""));
  EXPECT_THAT(error, HasSubstr("column.swing"));
  EXPECT_THAT(error, HasSubstr("wrong unit"));

  EXPECT_THAT(error_of(quick_with("\"0.4 V\"", "0.4")), HasSubstr("with its unit"));
  EXPECT_THAT(error_of(quick_with("cell = \"sram8t\"", "cell = \"sram9t\"")), HasSubstr("sram8t_min"));
  EXPECT_THAT(error_of(quick_with("cmos28.lib", "cmos82.lib")), HasSubstr("no file"));
  EXPECT_THAT(error_of(quick_with("sawl = [4, 8]", "sawl = [4, 80]")), HasSubstr("from 1 to 64"));
  EXPECT_THAT(error_of(quick_with("seed = 28", "seed = ")), HasSubstr("not TOML"));
  EXPECT_THAT(error_of(quick_with("kind = \"ideal\"", "kind = \"sar\"")), HasSubstr("ideal, enob"));
  EXPECT_THAT(error_of(quick_with("converter = \"flash\"", "converter = \"flush\"")), HasSubstr("flush"));
  EXPECT_THAT(error_of(quick_with("pelgrom = \"1.3 mV um\"", "pelgrom = \"1.3 mV\"")), HasSubstr("V m"));
  EXPECT_THAT(error_of(quick_with("\"tt 0.9 V 27 degC\"", "\"typical\"")), HasSubstr("corner"));
}

TEST(Study, ASwingIsOfTheSupplyWhereItIsAPercentage) {
  const Corner high{"", "tt", 0.99, 27.0, {}, {}, {}};
  EXPECT_EQ(parse_study(quick_with("\"0.4 V\"", "\"0.4 V\""), shipped / "edited.toml").column->swing.at(high),
            0.4);
  const Study study = parse_study(quick_with("\"0.4 V\"", "\"40 %\""), shipped / "edited.toml");
  EXPECT_DOUBLE_EQ(study.column->swing.at(high), 0.396);
  EXPECT_THAT(error_of(quick_with("\"0.4 V\"", "\"100 %\"")), HasSubstr("below 100 % of the supply"));
  EXPECT_THAT(error_of(quick_with("\"0.4 V\"", "\"-1 %\"")), HasSubstr("above 0"));
}

TEST(Study, OverridesChangeTheStudyAndItsText) {
  const Study study = read_study(shipped / "pick_sawl_quick.toml", {"estimator.runs=77", "column.sawl=[2]"});
  EXPECT_EQ(study.estimator.runs, 77);
  EXPECT_EQ(study.column->sawl, (std::vector<int>{2}));
  const Study again = parse_study(study.text, study.file);
  EXPECT_EQ(again.estimator.runs, 77);
  EXPECT_EQ(again.column->sawl, (std::vector<int>{2}));
  EXPECT_THROW(read_study(shipped / "pick_sawl_quick.toml", {"estimator.rnus=77"}), StudyError);
  EXPECT_THROW(read_study(shipped / "pick_sawl_quick.toml", {"nothing"}), StudyError);
  EXPECT_THROW(read_study(shipped / "nowhere.toml"), StudyError);
}

}  // namespace
}  // namespace flare::studies
