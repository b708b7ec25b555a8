// Commands that read a finished result, and what the program says of its own commands.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/netlists/ngspice_batch.hpp"
#include "tests/studies/circuit_fixture.hpp"

namespace flare::studies::testing {
namespace {

using ::testing::HasSubstr;

/// A divider of two resistors that vary: its output must not fall below 0.4 V.
const std::string divider = "seed = 5\n" + operating_point("v(out)", "\"0.4 V\"") + varies("r", "r?", "5 %") +
                            "[estimator]\nruns = 60\n";

class ResultCommands : public CircuitFixture {
 protected:
  void SetUp() override {
    CircuitFixture::SetUp();
    write("cell.cir", cell("v1 in 0 1\nr1 in out 1k\nr2 out 0 1k"));
  }
  std::string text_of(const std::string& name) const {
    std::ifstream in(folder_ / name);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  }
};

TEST_F(ResultCommands, ExportWritesCsvAndJson) {
  study_runs(divider);
  const engine::Table failures = this->failures();
  ASSERT_EQ(run_line("export o.h5 failures -o f.csv").status, 0);
  std::istringstream csv(text_of("f.csv"));
  std::string head, line;
  std::getline(csv, head);
  std::getline(csv, line);
  EXPECT_THAT(head, ::testing::StartsWith("corner,p,p_low,p_high,sigma"));
  EXPECT_THAT(line, ::testing::StartsWith(fmt::format("netlist,{},", failures.numbers("p")[0])));
  ASSERT_EQ(run_line("export o.h5 failures --json -o f.json").status, 0);
  const nlohmann::json json = nlohmann::json::parse(text_of("f.json"));
  EXPECT_EQ(json.at("rows").at(0).at("p").get<double>(), failures.numbers("p")[0]);
  EXPECT_EQ(json.at("units").at("sigma"), "sigma");
  const Ended listed = run_line("export o.h5");
  EXPECT_THAT(listed.out, HasSubstr("points/cell/netlist/samples/measures\n"));
  ASSERT_EQ(run_line("export o.h5 points/cell/netlist/samples/measures -o m.csv").status, 0);
  EXPECT_THAT(text_of("m.csv"), ::testing::StartsWith("m\n"));
  const Ended wrong = run_line("export o.h5 failure");
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.out, HasSubstr("did you mean 'failures'?"));
}

TEST_F(ResultCommands, CompareSaysWhatMoved) {
  study_runs(divider);
  ASSERT_EQ(run_line("compare o.h5 o.h5").status, 0);
  write("s.toml", divider);
  ASSERT_EQ(run_line("run s.toml -o other.h5 -j 1 --set failing.below=\"0.36 V\"").status, 2)
      << "a blank splits it here";
  ASSERT_EQ(run({"run", "s.toml", "-o", "other.h5", "-j", "1", "--set", "failing.below=0.39 V"}).status, 0);
  const Ended moved = run_line("compare o.h5 other.h5");
  EXPECT_EQ(moved.status, 1);
  EXPECT_THAT(moved.out, HasSubstr("1 of 1 answers differ"));
}

// The netlist of the worst point fails under plain ngspice by next to nothing: the limit is where it lies.
TEST_F(ResultCommands, TheWorstCornerFailsUnderPlainNgspice) {
  study_runs(divider);
  const Ended made = run_line("corner o.h5 --at worst -o worst.cir");
  ASSERT_EQ(made.status, 0) << made.out;
  EXPECT_NEAR(netlist_test::run_ngspice(text_of("worst.cir")).measures.at("m"), 0.4, 2e-3);
  const std::string table = text_of("worst.csv");
  EXPECT_THAT(table, HasSubstr("variable,sigma,value,unit\n"));
  EXPECT_THAT(table, HasSubstr("r1.r,"));
  EXPECT_THAT(run_line("corner o.h5 --spec x").out, HasSubstr("has no verdict of 'x'"));
}

TEST_F(ResultCommands, WorstSamplesAreDrawn) {
  write("cell.cir", cell("v1 in 0 pwl(0 0 1n 1)\nr1 in out 1k\nc1 out 0 1p"));
  study_runs(
      "seed = 5\n[circuit]\nnetlist = \"cell.cir\"\nstop = \"3 ns\"\n[[measure]]\nname = \"m\"\nvector = "
      "\"v(out)\"\nat = \"1 ns\"\n[failing]\nbelow = \"0.3 V\"\n" +
      varies("r", "r1", "5 %") + "law = \"lognormal\"\n[estimator]\nruns = 60\n");
  const Ended made = run_line("replay o.h5 --worst -n 2 -o w.svg");
  ASSERT_EQ(made.status, 0) << made.out;
  EXPECT_THAT(text_of("w.svg"), HasSubstr("nominal"));
  EXPECT_THAT(made.out, HasSubstr("sigma from the nominal point"));
}

TEST_F(ResultCommands, TheProgramHasManners) {
  const Ended typo = run_line("rnu");
  EXPECT_EQ(typo.status, 2);
  EXPECT_THAT(typo.out, HasSubstr("there is no command 'rnu'; did you mean 'run'?"));
  EXPECT_THAT(run_line("-V").out, HasSubstr("flare 0."));
  EXPECT_THAT(run_line("help").out, HasSubstr("compare"));
  EXPECT_EQ(run_line("help run").out, run_line("run --help").out);
  EXPECT_THAT(run_line("help rnu").out, HasSubstr("did you mean 'run'?"));
  EXPECT_THAT(run_line("man run").out, HasSubstr(".SH OPTIONS"));
  write("complete.sh", run_line("completion").out +
                           "COMP_WORDS=(flare ex); COMP_CWORD=1; _flare; echo \"${COMPREPLY[@]}\"\n"
                           "COMP_WORDS=(flare run --sh); COMP_CWORD=2; _flare; echo \"${COMPREPLY[@]}\"\n");
  const std::string out = (folder_ / "completed.txt").string();
  ASSERT_EQ(std::system(("bash " + (folder_ / "complete.sh").string() + " > " + out).c_str()), 0);
  EXPECT_EQ(text_of("completed.txt"), "export\n--shard\n");
}

}  // namespace
}  // namespace flare::studies::testing
