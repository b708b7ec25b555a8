// A run starts from nothing but its testbench and its point: initial states, sources that move, circuits built to
// remember, settings of a corner or a user that would stay.
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "tests/studies/circuit_fixture.hpp"

namespace {

using flare::studies::testing::cell;
using flare::studies::testing::CircuitFixture;
using flare::studies::testing::Ended;
using flare::studies::testing::plain;
using flare::studies::testing::Samples;
using flare::studies::testing::transient;
using flare::studies::testing::varies;
using ::testing::AllOf;
using ::testing::HasSubstr;

class InitialState : public CircuitFixture {
 protected:
  /// Runs s.toml into `out` with this many workers.
  void run_with(const std::string& workers, const std::string& out) const {
    const Ended ended = run({"run", "s.toml", "-o", out, "--fresh", "-j", workers});
    ASSERT_EQ(ended.status, 0) << ended.out;
  }
  void expect_same_bits(const std::string& a, const std::string& b) const {
    for (const std::string& corner : corners(a)) {
      EXPECT_TRUE(samples(corner, a).measures.isApprox(samples(corner, b).measures, 0.0)) << corner;
      EXPECT_TRUE(samples(corner, a).z.isApprox(samples(corner, b).z, 0.0)) << corner;
    }
  }
};

const std::string at_end = "vector = \"v(o)\"\nat = \"1 us\"\n";

TEST_F(InitialState, ACapacitorStartsFromItsOwnWhereTheRunUsesIt) {
  // A stored level, lost through 5 GOhm with 5 us; read at 1 us behind a source that varies.
  const std::string stored = "cs sn 0 1f ic=0.6\nrl sn 0 5g\nvoff o sn 0\n";
  const std::string text = varies("dc", "voff", "5 mV") + plain(20);
  const double kept = 0.6 * std::exp(-0.2);
  const auto expect_level = [&](double level, double tolerance) {
    const Samples s = samples();
    for (Eigen::Index r = 0; r < s.z.rows(); ++r)
      EXPECT_NEAR(s.measures(r, 0), level + 5e-3 * s.z(r, 0), tolerance);
  };
  write("cell.cir", cell(stored + ".tran 10n 1u uic"));
  study_runs(transient("2 us", at_end, "step = \"10 ns\"\n") + text);
  expect_level(kept, 1e-3);
  // The study's word goes before the netlist's.
  write("cell.cir", cell(stored));
  study_runs(transient("2 us", at_end, "step = \"10 ns\"\nuic = true\n") + text);
  expect_level(kept, 1e-3);
  // A .ic needs no such word.
  write("cell.cir", cell("cs sn 0 1f\nrl sn 0 5g\nvoff o sn 0\n.ic v(sn)=0.6"));
  study_runs(transient("2 us", at_end, "step = \"10 ns\"\n") + text);
  expect_level(kept, 1e-3);
  // From the operating point ic= does nothing, and that is said.
  write("cell.cir", cell(stored));
  const Ended ended = run_study(transient("2 us", at_end, "step = \"10 ns\"\n") + text);
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.out, HasSubstr("ic= of cs does nothing"));
  expect_level(0.0, 1e-3);
}

TEST_F(InitialState, WhatATransientIgnoresOfASourceIsAnError) {
  const std::string text = transient("100 ps", "kind = \"maximum\"\nvector = \"v(o)\"\n");
  for (const char* wave : {"pulse(0 0.9 10p 5p 5p 100p)", "dc 0.3 pulse(0 0.9 10p 5p 5p 100p)",
                           "pwl(0 0 10p 0.9)", "sin(0.5 0.4 10g)", "exp(0 0.9 10p 5p)", "sffm(0 0.9 1g)"}) {
    write("cell.cir", cell("vwl wl 0 " + std::string(wave) + "\nr1 wl o 1k\nc1 o 0 10f"));
    EXPECT_THAT(refusal(text + varies("dc", "vwl", "0.02")),
                AllOf(HasSubstr("s.toml:13: variation[0].devices"), HasSubstr("time function")))
        << wave;
    EXPECT_THAT(refusal(text + varies("dc", "vwl", "2 %") + "scope = \"die\"\n"), HasSubstr("time function"))
        << wave;
    EXPECT_THAT(refusal(text + "[[die]]\nsource = \"vwl\"\nsigma = \"20 mV\"\n"),
                AllOf(HasSubstr("die[0].source"), HasSubstr("time function")))
        << wave;
  }
  write("cell.cir", cell("iwl 0 o pulse(0 0.9m 10p 5p 5p 100p)\nr1 o 0 1k"));
  EXPECT_THAT(refusal(text + varies("dc", "iwl", "1 uA")), HasSubstr("time function"));
  write("cell.cir", cell("vwl wl 0 dc 0.5 ac 1\nr1 wl o 1k\nc1 o 0 10f"));
  EXPECT_THAT(refusal(text + varies("acmag", "vwl", "0.02")), HasSubstr("does nothing in this analysis"));
}

TEST_F(InitialState, TheLevelOfAWaveformVariesThroughItsParameter) {
  write("cell.cir", cell(".param high=0.9\nvwl wl 0 pulse(0 {high} 10p 5p 5p 1n)\nr1 wl o 1k\nr2 o 0 1k"));
  study_runs(transient("100 ps", "vector = \"v(o)\"\n") + "[[variation]]\nparam = \"high\"\nsigma = 0.02\n" +
             plain(20));
  const Samples s = samples();
  for (Eigen::Index r = 0; r < s.z.rows(); ++r) EXPECT_NEAR(s.measures(r, 0), 0.45 + 0.01 * s.z(r, 0), 1e-7);
}

TEST_F(InitialState, ANodeThatFloatsIsNamed) {
  // Charges shared on a plate without a path to ground: what it starts from is nobody's decision.
  const std::string plate =
      "vin in 0 pulse(0 0.9 50p 10p 10p 1n)\nc1 in top 8f\nc2 top 0 4f\nb1 b 0 v=v(top)\nrs b o 1k\n"
      "rl o 0 1k\n";
  const std::string text = transient("300 ps", "vector = \"v(o)\"\n") + varies("r", "rs", "5 %") + plain(20);
  write("cell.cir", cell(plate));
  EXPECT_THAT(refusal(text), AllOf(HasSubstr("node top has no DC path"), HasSubstr(".ic")));
  write("cell.cir",
        cell(".subckt p in b\nc1 in top 8f\nc2 top 0 4f\nb1 b 0 v=v(top)\n.ends\nvin in 0 pulse(0 0.9 50p)\n"
             "x1 in b p\nrs b o 1k\nrl o 0 1k"));
  EXPECT_THAT(refusal(text), HasSubstr("node x1.top has no DC path"));
  // With a start of its own it is the divider of the two capacitors.
  write("cell.cir", cell(plate + ".ic v(top)=0"));
  study_runs(text);
  const Samples s = samples();
  for (Eigen::Index r = 0; r < s.z.rows(); ++r)
    EXPECT_NEAR(s.measures(r, 0), 0.6 / (2.0 + 0.05 * s.z(r, 0)), 1e-4);
  run_with("3", "three.h5");
  expect_same_bits("o.h5", "three.h5");
}

TEST_F(InitialState, ALatchDoesNotRememberTheRunBefore) {
  // Two cross-coupled inverters that a pulse flips in about half of the samples: the state it ends in must not be the next
  // run's start.
  write("cell.cir",
        cell("vdd vdd 0 1\nvs s 0 pulse(0 1 10p 5p 5p 30p)\nvo so s 0\nrq so q 3k\n"
             "b1 qx 0 v=0.5-0.5*tanh(20*(v(qb)-0.5))\nr1 qx q 1k\nc1 q 0 5f\n"
             "b2 qbx 0 v=0.5-0.5*tanh(20*(v(q)-0.5))\nr2 qbx qb 1k\nc2 qb 0 5f\nro q o 1\nrl o 0 1meg\n"
             ".ic v(q)=0 v(qb)=1"));
  write("s.toml", transient("200 ps", "vector = \"v(o)\"\n", "step = \"1 ps\"\n") +
                      varies("r", "rq", "60 %") + "law = \"uniform\"\n" + plain(40));
  run_with("1", "one.h5");
  run_with("3", "three.h5");
  expect_same_bits("one.h5", "three.h5");
  const Ended replay = run({"replay", "one.h5", "points/cell/netlist/samples", "23", "-o", "w.csv"});
  EXPECT_EQ(replay.status, 0) << replay.out;
}

TEST_F(InitialState, AnOptionOfOneCornersSectionIsNotTheNexts) {
  // cshunt adds a capacitor at every node: 1 kOhm and 10 fF become 1 kOhm and 30 fF in that corner alone.
  write("kit.lib", ".lib plain\n.endl\n.lib shunted\n.option cshunt=20f\n.endl\n.lib again\n.endl\n");
  write("cell.cir", cell(".lib 'kit.lib' plain\nv1 in 0 pulse(0 1 0 1f 1f 1n)\nr1 in o 1k\nc1 o 0 10f"));
  write("s.toml", "[technology]\ncards = \"kit.lib\"\n" +
                      transient("40 ps", "vector = \"v(o)\"\nat = \"10 ps\"\n", "step = \"0.05 ps\"\n") +
                      varies("r", "r1", "5 %") +
                      "[corners]\nprocess = [\"plain\", \"shunted\", \"again\"]\n" + plain(20));
  run_with("1", "one.h5");
  run_with("3", "three.h5");
  expect_same_bits("one.h5", "three.h5");
  for (const auto& [corner, farad] : {std::pair{"plain", 10e-15}, {"shunted", 30e-15}, {"again", 10e-15}}) {
    const Samples s = samples(corner, "one.h5");
    for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
      const double right = 1.0 - std::exp(-10e-12 / (1e3 * (1.0 + 0.05 * s.z(r, 0)) * farad));
      EXPECT_NEAR(s.measures(r, 0), right, 1e-3) << corner;
    }
  }
}

TEST_F(InitialState, NobodysSettingsMoveANumber) {
  write("cell.cir", cell("v1 in 0 1\nr1 in o 1k tc1=0.01\nr2 o 0 1k"));
  write("s.toml", transient("40 ps", "vector = \"v(o)\"\n") + varies("r", "r1", "5 %") + plain(20));
  run_with("2", "mine.h5");
  std::filesystem::create_directory(folder_ / "scripts");
  const std::string hostile =
      "set temp=125\nset tnom=-40\nset ngbehavior=psa\nset rseed=7\nset gmin=1e-3\noption temp=125\n";
  for (const char* file : {"scripts/spinit", ".spiceinit", "spice.rc"}) write(file, hostile);
  ::setenv("SPICE_SCRIPTS", (folder_ / "scripts").c_str(), 1);
  ::setenv("SPICE_LIB_DIR", folder_.c_str(), 1);
  ::setenv("HOME", folder_.c_str(), 1);
  run_with("2", "theirs.h5");
  ::unsetenv("SPICE_SCRIPTS");
  ::unsetenv("SPICE_LIB_DIR");
  expect_same_bits("mine.h5", "theirs.h5");
}

}  // namespace
