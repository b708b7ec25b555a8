// Manifests of converters: what the shipped ones say, and what is said of a bad one.
#include "studies/parts/converter_part.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <regex>
#include <sstream>

namespace flare::studies {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;

TEST(ConverterPart, ShippedOnesSayWhatTheyAre) {
  for (const char* name : {"strongarm", "strongarm_slim", "strongarm_a", "strongarm_b"}) {
    EXPECT_EQ(shipped_converter(name).circuit, ConverterCircuit::comparator) << name;
  }
  const ConverterPart flash = shipped_converter("flash");
  ASSERT_TRUE(flash.reference && flash.trim && !flash.array);
  EXPECT_FALSE(flash.reference->ladder);
  EXPECT_DOUBLE_EQ(flash.reference->parameters.at("c"), 11e-15);
  EXPECT_EQ(flash.sizes, shipped_converter("strongarm_a").sizes);
  EXPECT_EQ(shipped_converter("flash_shipped").sizes, shipped_converter("strongarm").sizes);
  EXPECT_TRUE(shipped_converter("flash_ladder").reference->ladder);
  const ConverterPart sar = shipped_converter("sar");
  ASSERT_TRUE(sar.array && !sar.reference);
  EXPECT_EQ(sar.codes(), 16);
  EXPECT_DOUBLE_EQ(sar.array->unit_capacitance(), 1e-15);
}

TEST(Trim, LeavesHalfAnLsbWithinItsRangeAndTheRestBeyond) {
  const Trim trim{6, 63e-3, 1e-12};
  EXPECT_DOUBLE_EQ(trim.lsb(), 2e-3);
  for (double offset = -63e-3; offset <= 63e-3; offset += 0.37e-3) {
    EXPECT_LE(std::fabs(trim.residual(offset)), 1e-3 + 1e-12) << offset;
  }
  EXPECT_NEAR(trim.residual(70e-3), 7e-3, 1e-12);
  EXPECT_NEAR(trim.residual(-70e-3), -7e-3, 1e-12);
  EXPECT_EQ(to_string(trim), "trim of 6 bits over +-63 mV (LSB 2 mV), 1 um2 each");
}

// A copy of a shipped folder that a test may spoil.
class ConverterManifest : public ::testing::Test {
 protected:
  ConverterManifest() {
    std::string name = (fs::temp_directory_path() / "flare-converter-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    fs::copy(netlists_folder() / "converters", folder_, fs::copy_options::recursive);
  }
  ~ConverterManifest() override { fs::remove_all(folder_); }

  // What reading `converter` throws with `from` (a pattern) replaced by `to` in its manifest; empty: nothing.
  std::string error(const std::string& converter, const std::string& from, const std::string& to) {
    const fs::path file = folder_ / converter / "converter.toml";
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    const std::string changed = std::regex_replace(text.str(), std::regex(from), to);
    EXPECT_NE(changed, text.str()) << from;
    std::ofstream(file) << changed;
    try {
      read_converter_part({file, "", converter});
    } catch (const StudyError& e) {
      return e.what();
    }
    return {};
  }

  fs::path folder_;
};

TEST_F(ConverterManifest, APortThatTheNetlistLacksIsNamed) {
  const std::string said = error("flash", R"(\["source", "reference", "sample"\])",
                                 R"(["source", "reference", "sample", "ground"])");
  EXPECT_THAT(said, HasSubstr("converter.toml:"));
  EXPECT_THAT(said, HasSubstr("'ground' is no role here"));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 0);
}

TEST_F(ConverterManifest, AsManyRolesAsPorts) {
  EXPECT_THAT(error("sar", R"(\["input", "top", "sample"\])", R"(["input", "top"])"),
              HasSubstr("names 2 roles, but sar_sample has 3 ports"));
}

TEST_F(ConverterManifest, AComparatorNeedsBothOutputs) {
  EXPECT_THAT(error("flash", R"("output", "output_bar")", R"("output", "output")"),
              HasSubstr("no port is the output_bar"));
}

TEST_F(ConverterManifest, ParametersMustBeThoseOfTheNetlist) {
  EXPECT_THAT(error("flash", R"(\{ c = )", "{ cc = "), HasSubstr("did you mean 'c'?"));
  EXPECT_THAT(error("sar", R"(weight = "weight")", R"(weight = "weigth")"),
              HasSubstr("did you mean 'weight'?"));
}

TEST_F(ConverterManifest, KeysOfAnotherKindAreUnknown) {
  EXPECT_THAT(error("sar", R"(kind = "sar")", R"(kind = "flash")"), HasSubstr("converter.toml:"));
}

TEST_F(ConverterManifest, ATrimHasBitsRangeAndArea) {
  EXPECT_THAT(error("flash", "bits = 6", "bits = 0"), HasSubstr("trim.bits"));
  EXPECT_THAT(error("flash_ladder", "area = [^#]*", ""), HasSubstr("trim: needs the key 'area'"));
}

}  // namespace
}  // namespace flare::studies
