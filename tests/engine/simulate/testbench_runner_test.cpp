// One testbench on one simulator: failures leave no trace, order does not matter, measures decide the end.
#include "engine/simulate/testbench_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <random>

#include "engine/simulate/testbench_io.hpp"
#include "tests/engine/simulate/shared_simulator.hpp"
#include "tests/engine/simulate/testbenches.hpp"

namespace flare::engine {
namespace {

using testing::column_testbench;
using testing::deck_of;
using testing::device_knob;
using ::testing::HasSubstr;
using testing::last_value;
using testing::one_effect;
using testing::random_point;
using testing::simulator;

/// No answer where v(sel) > 0.5 V: the source then contradicts itself once t > 0.3 ns.
Testbench contradiction() {
  Testbench t = column_testbench();
  t.name = "contradiction";
  t.deck.lines.insert(
      t.deck.lines.end(),
      {"vsel sel 0 0", "rsel sel 0 1k",
       "b1 z 0 v= (v(sel)>0.5) ? ((time>0.3n) ? ((v(z)>0.5) ? -1 : 1) : 0) : 0", "rz z 0 1k"});
  t.knobs.push_back(device_knob("vsel", "dc"));
  t.variables.push_back(one_effect("select", {LawKind::normal, 0.0, 1.0}, t.knobs.size() - 1));
  return t;
}

/// A divider by two, from -1 V to 0 V in steps that are no whole number: the sweep covers the end all the same.
Testbench divider_sweep(const std::string& swept) {
  Testbench t;
  t.deck = deck_of({"divider", "v1 a 0 5", "r1 a b 1k", "r2 b 0 1k"});
  t.analysis.kind = AnalysisKind::dc_sweep;
  t.analysis.swept = swept;
  t.analysis.start = -1.0;
  t.analysis.stop = 0.0;
  t.analysis.step = 0.3;
  t.measures = {last_value("at", "v(b)"), last_value("crossing", "v(b)")};
  t.measures[0].at = 0.0;
  t.measures[1].kind = MeasureKind::crossing;
  t.measures[1].from = -1.0;
  t.measures[1].level = -0.25;
  return t;
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

TEST(TestbenchRunner, AKnobThatWouldDoNothingIsAnError) {
  Testbench t = column_testbench();
  t.knobs.push_back(device_knob("vpc", "dc"));
  const Eigen::RowVectorXd x = random_point(static_cast<Eigen::Index>(t.dimension()), 1);
  EXPECT_THROW(TestbenchRunner(simulator(), t).run(x), std::runtime_error);
  t.knobs.back().device = "vdd";
  EXPECT_NO_THROW(TestbenchRunner(simulator(), t).run(x));
}

TEST(TestbenchRunner, UnconvergedIsRecordedAndLeavesNoTrace) {
  const Testbench t = contradiction();
  const auto d = static_cast<Eigen::Index>(t.dimension());
  TestbenchRunner runner(simulator(), t);
  std::vector<Eigen::RowVectorXd> points;
  for (unsigned seed = 0; seed < 6; ++seed) {
    points.push_back(random_point(d, seed));
    points.back()[d - 1] = 0.0;
  }
  std::vector<std::vector<double>> first;
  for (const auto& x : points) {
    const RunResult result = runner.run(x);
    ASSERT_EQ(result.outcome, Outcome::ok) << result.message;
    EXPECT_EQ(result.rung, 0);
    first.push_back(result.measures);
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    Eigen::RowVectorXd bad = points[i];
    bad[d - 1] = 1.0;
    const RunResult failed = runner.run(bad);
    EXPECT_EQ(failed.outcome, Outcome::unconverged);
    EXPECT_EQ(failed.rung, rungs - 1);
    EXPECT_TRUE(std::isnan(failed.measures.at(0)));
    EXPECT_THAT(failed.message, HasSubstr("aborted"));
    EXPECT_EQ(runner.run(points[i]).measures, first[i]);
  }
}

TEST(TestbenchRunner, OrderDoesNotMatter) {
  const Testbench t = column_testbench();
  const auto d = static_cast<Eigen::Index>(t.dimension());
  TestbenchRunner runner(simulator(), t);
  std::vector<std::vector<double>> measures;
  for (unsigned seed = 0; seed < 30; ++seed) measures.push_back(runner.run(random_point(d, seed)).measures);
  std::vector<unsigned> order(30);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end(), std::mt19937(7));
  const Testbench other = contradiction();
  for (const unsigned seed : order) {
    if (seed % 10 == 0) {  // another netlist in between
      TestbenchRunner(simulator(), other).run(random_point(d + 1, seed));
    }
    EXPECT_EQ(runner.run(random_point(d, seed)).measures, measures[seed]);
  }
}

TEST(TestbenchRunner, RandomNumbersOfTheNetlistAreTheSameAtEveryLoad) {
  Testbench t;
  t.deck = deck_of({"random", ".param r=agauss(1000,300,3)", "v1 a 0 1", "r1 a b {r}", "r2 b 0 1k"});
  t.analysis.kind = AnalysisKind::operating_point;
  t.measures = {last_value("v", "v(b)")};
  const double first = TestbenchRunner(simulator(), t).run(random_point(0, 0)).measures.at(0);
  EXPECT_EQ(TestbenchRunner(simulator(), t).run(random_point(0, 0)).measures.at(0), first);
  TestbenchRunner(simulator(), column_testbench()).run(random_point(32, 1));
  EXPECT_EQ(TestbenchRunner(simulator(), t).run(random_point(0, 0)).measures.at(0), first);
}

TEST(TestbenchRunner, StopsWhereTheLastMeasureIsDecided) {
  Testbench t = column_testbench();
  t.analysis.stop = 1e-9;
  t.measures[0].at = 0.4e-9;
  EXPECT_EQ(trimmed_analysis(t).stop, 0.4e-9);
  EXPECT_EQ(trimmed_analysis(t).max_step, 10e-12);
  t.measures.push_back(t.measures[0]);
  t.measures[1].kind = MeasureKind::crossing;
  EXPECT_EQ(trimmed_analysis(t).stop, 1e-9);
  t.measures[1].kind = MeasureKind::period;
  EXPECT_EQ(trimmed_analysis(t).stop, 1e-9);
  t.measures[1].to = 0.5e-9;
  EXPECT_EQ(trimmed_analysis(t).stop, 0.5e-9);
  t.measures[1].kind = MeasureKind::expression;  // waits for the others, not for itself
  t.measures[1].expression = "level";
  EXPECT_EQ(trimmed_analysis(t).stop, 0.4e-9);
}

TEST(TestbenchRunner, ARunThatSimulatedIsOkWhateverItsMeasures) {
  Testbench t = testing::rc_testbench();
  t.measures[0].name = "level";
  Measure never = last_value("never", "v(out)");
  never.kind = MeasureKind::crossing;
  never.level = 2.0;  // charges to 1 V
  Measure made = last_value("made", "");
  made.kind = MeasureKind::expression;
  made.expression = "never - level";
  Measure half = made;
  half.expression = "level / 2";
  t.measures.insert(t.measures.end(), {never, made, half});
  const RunResult result = TestbenchRunner(simulator(), t).run(random_point(2, 0) * 0.0);
  EXPECT_EQ(result.outcome, Outcome::ok);
  EXPECT_NEAR(result.measures.at(0), 1.0 - std::exp(-1.0), 2e-5);
  EXPECT_TRUE(std::isnan(result.measures.at(1)));
  EXPECT_TRUE(std::isnan(result.measures.at(2)));
  EXPECT_EQ(result.measures.at(3), result.measures.at(0) / 2.0);
}

/// Levels of a divider of equal resistors whose nodes are called as schematic editors call them.
TEST(TestbenchRunner, NodesOfSchematicEditorsAreMeasured) {
  Testbench t;
  t.deck = deck_of(
      {"names", "v1 vdd! 0 4", "r1 vdd! bl<0> 1k", "r2 bl<0> a$b 1k", "r3 a$b d[1] 1k", "r4 d[1] 0 1k"});
  t.analysis.kind = AnalysisKind::operating_point;
  t.measures = {last_value("a", "v(vdd!)"), last_value("b", "v(bl<0>)"), last_value("c", "v(a$b)"),
                last_value("d", "v(d[1])"), last_value("e", "i(v1)")};
  const std::vector<double> values = TestbenchRunner(simulator(), t).run(random_point(0, 0)).measures;
  EXPECT_NEAR(values.at(0), 4.0, 1e-9);
  EXPECT_NEAR(values.at(1), 3.0, 1e-9);
  EXPECT_NEAR(values.at(2), 2.0, 1e-9);
  EXPECT_NEAR(values.at(3), 1.0, 1e-9);
  EXPECT_NEAR(values.at(4), -1e-3, 1e-12);
}

TEST(TestbenchRunner, ADcSweepIsOverTheSweptValue) {
  const Testbench t = divider_sweep("v1");
  const RunResult result = TestbenchRunner(simulator(), t).run(random_point(0, 0));
  ASSERT_EQ(result.outcome, Outcome::ok) << result.message;
  EXPECT_NEAR(result.measures.at(0), 0.0, 1e-12);
  EXPECT_NEAR(result.measures.at(1), -0.5, 1e-12);
  EXPECT_EQ(TestbenchRunner(simulator(), t).waveforms(random_point(0, 0)).find("v(b)")->size(), 5u);
}

TEST(TestbenchRunner, WhatCannotBeSweptIsSaid) {
  Testbench varied = divider_sweep("v1");
  varied.knobs = {device_knob("v1", "dc")};
  EXPECT_THROW(TestbenchRunner(simulator(), varied).run(random_point(0, 0)), std::runtime_error);
  const Testbench unsafe = divider_sweep("v1 0 1 .1; shell");
  EXPECT_THROW(TestbenchRunner(simulator(), unsafe).run(random_point(0, 0)), std::invalid_argument);
  const Testbench absent = divider_sweep("v9");
  const RunResult none = TestbenchRunner(simulator(), absent).run(random_point(0, 0));
  EXPECT_EQ(none.outcome, Outcome::unconverged);
  EXPECT_THAT(none.message, HasSubstr("v9"));
}

TEST(TestbenchRunner, ASmallSignalAnalysisHasMagnitudesAndPhases) {
  // Two equal poles behind one another, apart by a buffer: -180 degrees far out, without a jump.
  Testbench t;
  t.deck = deck_of(
      {"poles", "v1 in 0 dc 0 ac 1", "r1 in a 1k", "c1 a 0 1n", "e1 b 0 a 0 1", "r2 b o 1k", "c2 o 0 1n"});
  t.analysis.kind = AnalysisKind::ac_sweep;
  t.analysis.start = 1e3;
  t.analysis.stop = 3e9;  // no whole number of decades
  t.analysis.points = 20;
  t.measures = {last_value("m", "vm(o)"), last_value("db", "vdb(o)"), last_value("p", "vp(o)"),
                last_value("i", "im(v1)")};
  const double f = 1e6;
  const double turn = 2.0 * M_PI * f * 1e3 * 1e-9;
  for (Measure& m : t.measures) m.at = f;
  t.measures.push_back(last_value("far", "vp(o)"));
  t.measures.back().at = 3e9;
  const std::vector<double> values = TestbenchRunner(simulator(), t).run(random_point(0, 0)).measures;
  EXPECT_NEAR(values.at(0), 1.0 / (1.0 + turn * turn), 1e-6);
  EXPECT_NEAR(values.at(1), -20.0 * std::log10(1.0 + turn * turn), 1e-5);
  EXPECT_NEAR(values.at(2), -2.0 * std::atan(turn) * 180.0 / M_PI, 1e-4);
  EXPECT_NEAR(values.at(3), turn / std::hypot(1.0, turn) * 1e-3, 1e-9);
  EXPECT_NEAR(values.at(4), -180.0, 0.1);
  EXPECT_NE(TestbenchRunner(simulator(), t).waveforms(random_point(0, 0)).find("vdb(o)"), nullptr);
}

TEST(TestbenchRunner, AVectorEndsNoCardAndBeginsNone) {
  for (const char* bad : {"v(a)\n.control", "v(a) v(b)", "v(a);shell", "v(a)`ls`", "v(\"a\")", "v('a')",
                          "v({a})", "v(a)|x", "v(a)&x", "v(*)", "v(\\a)"}) {
    Testbench t = testing::rc_testbench();
    t.measures.push_back(t.measures[0]);
    t.measures[1].vector = bad;
    EXPECT_THROW(TestbenchRunner(simulator(), t).run(random_point(2, 0)), std::invalid_argument) << bad;
  }
  // In a command, where they mean files, variables and history, the signs of buses may not stand.
  Testbench t = testing::rc_testbench();
  t.knobs[0].device = "r1>file";
  EXPECT_THROW(TestbenchRunner(simulator(), t).run(random_point(2, 0)), std::invalid_argument);
}

TEST(TestbenchRunner, ReplayKeepsEverythingAndTheSameNumbers) {
  const Testbench t = column_testbench();
  TestbenchRunner runner(simulator(), t);
  const Eigen::RowVectorXd x = random_point(static_cast<Eigen::Index>(t.dimension()), 3);
  const double level = runner.run(x).measures.at(0);
  const Waveforms kept = runner.waveforms(x);
  ASSERT_NE(kept.find("v(bl)"), nullptr);
  ASSERT_NE(kept.find("v(x0.mid)"), nullptr);
  ASSERT_NE(kept.find("i(vdd)"), nullptr);
  EXPECT_EQ(kept.find("v(bl)")->back(), level);
  EXPECT_EQ(runner.run(x).measures.at(0), level);
}

TEST(TestbenchRunner, MemoryGrowsLittle) {
  Testbench t = testing::rc_testbench();
  TestbenchRunner runner(simulator(), t);
  for (unsigned i = 0; i < 200; ++i) runner.run(random_point(2, i));
  const std::size_t before = resident_bytes();
  for (unsigned i = 0; i < 2000; ++i) runner.run(random_point(2, i));
  EXPECT_LT(resident_bytes() - before, 2000u * 2048u);  // runs_per_worker counts on about 1 kB
}

}  // namespace
}  // namespace flare::engine
