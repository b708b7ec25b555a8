// Every stage of a study is run at every point of a sweep, too; what cannot be is refused.
#include <gmock/gmock.h>

#include <fstream>

#include "analysis/results/cost_table.hpp"
#include "tests/studies/circuit_fixture.hpp"

namespace flare::studies::testing {
namespace {

using ::testing::HasSubstr;

std::string column_study() {
  const std::string source = FLARE_SOURCE_DIR;
  return "seed = 3\n[technology]\ncards = \"" + source +
         "/netlists/cards/cmos28.lib\"\n[column]\nsawl = [2]\n[[variation]]\nparameter = \"vth\"\npelgrom = "
         "\"1.3 mV um\"\n[corners]\nprocess = [\"tt\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 "
         "degC\"]\n[[converter]]\nname = \"flash\"\nkind = \"ideal\"\noffset_sigma = \"0.03 step\"\n"
         "[estimator]\nmethod = \"fit\"\nruns = 20\n[cost]\narchitecture = \"two.toml\"\nmodel = \"" +
         source + "/data/models/digits_vit\"\ndataset = \"" + source +
         "/data/digits/digits.csv\"\nexamples = 2\n";
}

class Kinds : public CircuitFixture {
 protected:
  void SetUp() override {
    CircuitFixture::SetUp();
    write("two.toml", "[arrays.dynamic]\nsawl = 2\n");
  }
};

TEST_F(Kinds, APointOfASweepHasItsCosts) {
  study_runs(column_study() +
             "[[sweep]]\nkey = \"converter[flash].offset_sigma\"\nvalues = [\"0.03 step\", \"0.06 step\"]\n");
  const H5::H5File file = engine::open_result(folder_ / "o.h5");
  for (const std::string point : {"0", "1"}) {
    const std::string at = "/sweep/results/" + point;
    EXPECT_TRUE(engine::exists(file, at + "/cost")) << point;
    EXPECT_EQ(analysis::read_read_energy(file, at + "/points/sram8t/sawl2/tt_0.90V_27C").size(), 3u) << point;
  }
}

TEST_F(Kinds, AnArchitectureThatAPointDoesNotFitIsSaidByCheck) {
  write("four.toml", "[arrays.dynamic]\nsawl = 4\n");
  write("s.toml",
        column_study() + "[[sweep]]\nkey = \"cost.architecture\"\nvalues = [\"two.toml\", \"four.toml\"]\n");
  const Ended checked = run_line("check s.toml");
  EXPECT_EQ(checked.status, 2);
  EXPECT_THAT(checked.out,
              HasSubstr("sweep[0]: at cost.architecture = four.toml: four.toml: asks for SAWL 4"))
      << checked.out;
}

TEST_F(Kinds, CostsOfSeveralColumnsAreRefused) {
  std::string text = column_study();
  text.replace(text.find("[column]\n"), 9, "[[columns]]\ncell = \"sram8t\"\n");
  EXPECT_THAT(refusal(text), HasSubstr("leave it out beside [[columns]]"));
}

}  // namespace
}  // namespace flare::studies::testing
