// A finished result answers its own question only: after any file that it depends on has changed, the same command does not
// say that it holds the study already, and a sample of it is not replayed as if nothing had happened.
#include <filesystem>

#include "tests/studies/circuit_fixture.hpp"

namespace {

namespace fs = std::filesystem;
using flare::studies::testing::cell;
using flare::studies::testing::CircuitFixture;
using flare::studies::testing::Ended;
using flare::studies::testing::operating_point;
using flare::studies::testing::plain;
using flare::studies::testing::varies;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class StaleResults : public CircuitFixture {
 protected:
  void SetUp() override {
    CircuitFixture::SetUp();
    write(
        "cell.cir",
        cell(".lib 'kit.lib' tt\n.include parts.inc\ni1 0 o 1m\nr1 o a {ohm}\nr2 a b {more}\nr3 b 0 {deep}"));
    write("kit.lib", ".lib tt\n.param ohm=1k\n.endl\n.lib ss\n.param ohm=2k\n.endl\n");
    write("parts.inc", ".include deeper.inc\n.param more=1k\n");
    write("deeper.inc", ".param deep=1k\n");
    write("s.toml", "[technology]\ncards = \"kit.lib\"\n" + operating_point("v(o)") +
                        varies("r", "r1", "1 %") + "[corners]\nprocess = [\"tt\", \"ss\"]\n" + plain(20));
  }
  Ended again() const { return run_line("run s.toml -o o.h5 -j 1"); }
};

TEST_F(StaleResults, AnyFileThatTheCircuitReadsMakesThemStale) {
  ASSERT_EQ(again().status, 0);
  EXPECT_THAT(again().out, HasSubstr("already"));
  for (const auto& [file, before, after] : {std::tuple{"cell.cir", "i1 0 o 1m", "i1 0 o 2m"},
                                            {"parts.inc", "more=1k", "more=3k"},
                                            {"deeper.inc", "deep=1k", "deep=4k"},
                                            {"kit.lib", "ohm=2k", "ohm=5k"}}) {
    SCOPED_TRACE(file);
    std::ifstream in(folder_ / file);
    const std::string old((std::istreambuf_iterator<char>(in)), {});
    std::string changed = old;
    ASSERT_NE(changed.find(before), std::string::npos);
    write(file, changed.replace(changed.find(before), std::string(before).size(), after));
    const Ended ended = again();
    EXPECT_EQ(ended.status, 2);
    EXPECT_THAT(ended.out, AllOf(HasSubstr(std::string(file) + " has changed"), HasSubstr("--fresh")));
    EXPECT_THAT(ended.out, Not(HasSubstr("already")));
    const Ended replay = run_line("replay o.h5 points/cell/tt/samples 3 -o w.csv");
    EXPECT_EQ(replay.status, 2);
    EXPECT_THAT(replay.out, AllOf(HasSubstr("cannot be replayed"), HasSubstr(file)));
    write(file, old);
    EXPECT_THAT(again().out, HasSubstr("already"));  // what counts is what files hold
  }
  fs::remove(folder_ / "deeper.inc");
  EXPECT_THAT(again().out, HasSubstr("deeper.inc"));
}

TEST_F(StaleResults, TheSameFilesElsewhereAreTheSame) {
  ASSERT_EQ(again().status, 0);
  const Ended replay = run_line("replay o.h5 points/cell/ss/samples 3 -o w.csv");
  EXPECT_EQ(replay.status, 0) << replay.out;
  EXPECT_THAT(replay.out, HasSubstr("(the same)"));
  fs::last_write_time(folder_ / "cell.cir", fs::file_time_type::clock::now());
  EXPECT_THAT(again().out, HasSubstr("already"));
}

TEST_F(StaleResults, AFreshRunIsOfTheFilesAsTheyAre) {
  ASSERT_EQ(again().status, 0);
  const flare::studies::testing::Samples before = samples("tt");
  write("deeper.inc", ".param deep=4k\n");
  ASSERT_EQ(run_line("run s.toml -o o.h5 -j 1 --fresh").status, 0);
  EXPECT_NEAR(samples("tt").measures(0, 0) - before.measures(0, 0), 3.0, 1e-8);
}

// [accuracy] reads a model and a data set after the column has been simulated.
TEST_F(StaleResults, AModelAndADataSetMakeThemStale) {
  fs::copy(source("data/models/digits_vit"), folder_ / "model", fs::copy_options::recursive);
  fs::copy_file(source("data/digits/digits.csv"), folder_ / "digits.csv");
  write("s.toml", "[technology]\ncards = \"" + source("netlists/cards/cmos28.lib") +
                      "\"\n[column]\ncell = \"sram8t\"\nsawl = [1]\nrows = 8\nswing = \"0.4 V\"\n"
                      "[[variation]]\nparameter = \"vth\"\npelgrom = \"1.3 mV um\"\n"
                      "[corners]\nprocess = [\"tt\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 degC\"]\n"
                      "[[converter]]\nname = \"flash\"\n[estimator]\nmethod = \"fit\"\nruns = 20\n"
                      "[accuracy]\nmodel = \"model\"\ndataset = \"digits.csv\"\nexamples = 5\nrepeats = 1\n");
  ASSERT_EQ(again().status, 0) << again().out;
  EXPECT_THAT(again().out, HasSubstr("already"));
  fs::copy_file(folder_ / "digits.csv", folder_ / "kept.csv");
  std::ofstream(folder_ / "digits.csv", std::ios::app) << "\n";
  EXPECT_THAT(again().out, AllOf(HasSubstr("digits.csv has changed"), Not(HasSubstr("already"))));
  fs::copy_file(folder_ / "kept.csv", folder_ / "digits.csv", fs::copy_options::overwrite_existing);
  EXPECT_THAT(again().out, HasSubstr("already"));
  std::fstream weights(folder_ / "model" / "model.safetensors",
                       std::ios::in | std::ios::out | std::ios::binary);
  weights.seekp(-1, std::ios::end);
  weights.put('\x3f');
  weights.close();
  EXPECT_THAT(again().out, AllOf(HasSubstr("model.safetensors has changed"), Not(HasSubstr("already"))));
}

}  // namespace
