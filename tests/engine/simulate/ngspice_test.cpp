// The facts of the embedded simulator that the engine rests on.
#include "engine/simulate/ngspice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <random>

#include "engine/simulate/testbench_runner.hpp"
#include "tests/engine/testbenches.hpp"

namespace flare::engine {
namespace {

using testing::column_testbench;
using testing::deck_of;
using testing::device_knob;
using ::testing::HasSubstr;
using testing::last_value;
using testing::one_effect;

/// A process holds one simulator, so the tests share it, as a worker's testbenches do.
NgspiceSimulator& simulator() {
  static NgspiceSimulator only;
  return only;
}

Eigen::RowVectorXd point(Eigen::Index dimension, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  Eigen::RowVectorXd x(dimension);
  for (double& value : x) value = normal(generator);
  return x;
}

double operating_point(const std::string& vector) {
  Waveforms waveforms;
  const std::vector<std::string> vectors{vector};
  EXPECT_TRUE(simulator().run("op", 0.0, vectors, &waveforms)) << simulator().messages();
  return waveforms.values.at(0).at(0);
}

double value_of(const std::string& device, const std::string& parameter) {
  const std::vector<Knob> knob{device_knob(device, parameter)};
  return simulator().values(knob).at(0);
}

std::string load_error(const Deck& deck) {
  try {
    simulator().load(deck, {}, 0, {});
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

TEST(Ngspice, OneInAProcess) {
  simulator();
  EXPECT_THROW(NgspiceSimulator second, std::logic_error);
}

TEST(Ngspice, IgnoresTheUsersInitialisation) {
  simulator();
  EXPECT_FALSE(std::filesystem::exists(".spiceinit"));  // the private folder has been left again
}

TEST(Ngspice, DiodeAgreesWithItsEquation) {
  const Deck deck = deck_of({"d", "v1 a 0 1", "r1 a b 1k", "d1 b 0 dm", ".model dm d is=1e-14 n=1"});
  SimulatorOptions options;
  options.reltol = 1e-6;
  simulator().load(deck, options, 0, {});
  const double v = operating_point("v(b)");
  const double thermal = 1.380649e-23 * 300.15 / 1.602176634e-19;
  const double residual = (1.0 - v) / 1e3 - 1e-14 * std::expm1(v / thermal) - 1e-12 * v;
  // ngspice has the constants of CODATA 2014: exp(v/thermal) differs by 8e-6.
  EXPECT_NEAR(residual, 0.0, 2e-5 * (1.0 - v) / 1e3);
}

TEST(Ngspice, SettingsInPlaceEqualAFreshNetlist) {
  Testbench t = column_testbench();
  const std::vector<std::string> save{"v(bl)"};
  const auto level = [&] {
    Waveforms waveforms;
    EXPECT_TRUE(simulator().run(analysis_command(t.analysis, 0), t.analysis.stop, save, &waveforms));
    return waveforms.values.at(0);
  };
  const std::vector<Knob> knobs{device_knob("m.x1.ma", "delvto"), device_knob("m.x2.md", "mulu0"),
                                device_knob("vdd", "dc")};
  simulator().load(t.deck, t.options, 0, save);
  level();
  simulator().set(knobs, std::vector<double>{0.03, 0.9, 0.85});
  const std::vector<double> in_place = level();

  // The same settings written into the netlist: rows 1 and 2 get subcircuits of their own.
  for (std::string& line : t.deck.lines) {
    if (line == "vdd vdd 0 0.9") line = "vdd vdd 0 0.85";
    if (line.rfind("x1 ", 0) == 0) line = "x1 bl wl vdd row1";
    if (line.rfind("x2 ", 0) == 0) line = "x2 bl wl vdd row2";
  }
  t.deck.lines.insert(
      t.deck.lines.begin() + 1,
      {".subckt row1 bl wl q", "ma bl wl mid 0 nch w=300n l=60n delvto=0.03", "md mid q 0 0 nch w=400n l=60n",
       ".ends", ".subckt row2 bl wl q", "ma bl wl mid 0 nch w=300n l=60n",
       "md mid q 0 0 nch w=400n l=60n mulu0=0.9", ".ends"});
  simulator().load(t.deck, t.options, 0, save);
  const std::vector<double> fresh = level();
  ASSERT_EQ(fresh.size(), in_place.size());
  for (std::size_t i = 0; i < fresh.size(); ++i) EXPECT_NEAR(fresh[i], in_place[i], 1e-12) << i;
}

TEST(Ngspice, TemperatureIsSetAgain) {
  const Deck deck = deck_of({"m", ".model n nmos level=54 version=4.8.2 vth0=0.4", "m1 d g 0 0 n w=1u l=100n",
                             "vd d 0 0.5", "vg g 0 0.4", "r1 d e 1k", "d1 e 0 dm", ".model dm d is=1e-14"});
  const std::vector<Knob> knobs{{KnobKind::temperature, "", ""}};
  const auto current_at = [&](double temperature) {
    simulator().set(knobs, std::vector<double>{temperature});
    return operating_point("i(vd)");
  };
  simulator().load(deck, {}, 0, {});
  const double cold = current_at(-40.0);
  const double hot = current_at(125.0);
  EXPECT_EQ(current_at(-40.0), cold);
  EXPECT_GT(std::fabs(hot - cold), 0.01 * std::fabs(cold));
  SimulatorOptions options;
  options.temperature = 125.0;
  simulator().load(deck, options, 0, {});
  EXPECT_EQ(operating_point("i(vd)"), hot);
}

TEST(Ngspice, FailedLoadsSayWhyAndTheNextOneWorks) {
  EXPECT_THAT(load_error(deck_of({"t", "v1 a 0 1", "m1 a a 0 0 nope w=1u l=1u"})), HasSubstr("nope"));
  EXPECT_THAT(load_error(deck_of({"t", "v1 a 0 1", "x1 a 0 nope"})), HasSubstr("nope"));
  EXPECT_THAT(load_error(deck_of({"t", "v1 a 0 1", "m1 a a 0 0 n foo=3", ".model n nmos level=54"})),
              HasSubstr("foo"));
  EXPECT_THAT(load_error(deck_of({"t", "r1 a 0 1", ".control", "quit", ".endc"})), HasSubstr("deck:3"));
  EXPECT_EQ(load_error(deck_of({"t", "v1 a 0 1", "r1 a 0 1k"})), "");
  EXPECT_EQ(operating_point("v(a)"), 1.0);
}

TEST(Ngspice, UnknownSettingsAndVectorsAreErrors) {
  simulator().load(deck_of({"t", "v1 a 0 1", "r1 a 0 1k"}), {}, 0, {});
  const std::vector<double> one{1.0};
  EXPECT_THROW(simulator().set(std::vector<Knob>{device_knob("m.x.m1", "delvto")}, one), std::runtime_error);
  EXPECT_THROW(simulator().set(std::vector<Knob>{device_knob("r1", "delvto")}, one), std::runtime_error);
  Waveforms waveforms;
  const std::vector<std::string> vectors{"v(nowhere)"};
  EXPECT_THROW(simulator().run("op", 0.0, vectors, &waveforms), std::runtime_error);
}

TEST(Ngspice, NamesCannotCarryCommands) {
  const std::string mark = (std::filesystem::temp_directory_path() / "flare-should-not-exist").string();
  const Deck deck = deck_of({"t", "v1 a 0 1", "r1 a 0 1k"});
  simulator().load(deck, {}, 0, {});
  const std::vector<double> one{1.0};
  for (const std::string& name :
       {"r1;shell touch " + mark, "r1`touch " + mark + "`", "r1\nshell touch " + mark}) {
    EXPECT_THROW(simulator().set(std::vector<Knob>{device_knob(name, "resistance")}, one),
                 std::invalid_argument);
    EXPECT_THROW(simulator().set(std::vector<Knob>{device_knob("r1", name)}, one), std::invalid_argument);
    EXPECT_THROW(value_of(name, "w"), std::invalid_argument);
    EXPECT_THROW(simulator().load(deck, {}, 0, std::vector<std::string>{name}), std::invalid_argument);
  }
  SimulatorOptions options;
  options.method = "trap\n.control";
  EXPECT_THROW(option_card(options, 0), std::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST(Ngspice, ReadsInstanceParameters) {
  simulator().load(deck_of({"t", ".model n nmos level=54", ".subckt s a", "ma a a 0 0 n w=300n l=60n m=3",
                            "mb a a 0 0 n w=1u l=30n nf=2", ".ends", "x1 a s", "v1 a 0 0.5"}),
                   {}, 0, {});
  operating_point("v(a)");
  EXPECT_DOUBLE_EQ(value_of("m.x1.ma", "w"), 300e-9);
  EXPECT_DOUBLE_EQ(value_of("m.x1.ma", "l"), 60e-9);
  EXPECT_EQ(value_of("m.x1.ma", "m"), 3.0);
  EXPECT_EQ(value_of("m.x1.mb", "nf"), 2.0);
  EXPECT_EQ(value_of("m.x1.mb", "m"), 1.0);
  EXPECT_TRUE(std::isnan(value_of("m.x1.mc", "w")));
}

TEST(Ngspice, DeckNamesDevicesAsNgspiceDoes) {
  const Deck deck = parse_deck(
      "t\n.model n nmos level=54\n.model dx d\n.subckt leaf a w=1u\nM1 a a 0 0 n w={w} l=1u\nd1 a 0 dx\nr1 a "
      "0 1k\n.ends\n"
      ".subckt pair a\nXA a leaf\nxb a leaf w=2u\n.ends\nX1 p pair\nx2 p leaf params: w=3u\nv1 p 0 0.1\nm9 p "
      "p 0 0 n w=4u l=1u\n",
      "t.cir");
  simulator().load(deck, {}, 0, {});
  const std::map<char, std::string> parameter{{'m', "w"}, {'d', "area"}, {'r', "resistance"}, {'v', "dc"}};
  const std::vector<DeviceInstance> devices = list_devices(deck);
  ASSERT_EQ(devices.size(), 11u);
  double widths = 0.0;
  operating_point("v(p)");
  for (const DeviceInstance& device : devices) {
    const double value = value_of(device.name, parameter.at(device.type));
    if (device.type == 'm') widths += value;
  }
  EXPECT_NEAR(widths, 10e-6, 1e-15);
}

TEST(TestbenchRunner, AKnobThatWouldDoNothingIsAnError) {
  Testbench t = column_testbench();
  t.knobs.push_back(device_knob("vpc", "dc"));
  const Eigen::RowVectorXd x = point(static_cast<Eigen::Index>(t.dimension()), 1);
  EXPECT_THROW(TestbenchRunner(simulator(), t).run(x), std::runtime_error);
  t.knobs.back().device = "vdd";
  EXPECT_NO_THROW(TestbenchRunner(simulator(), t).run(x));
}

TEST(Ngspice, OurOptionsWinOverTheDecks) {
  const Deck deck =
      deck_of({"t", "v1 a 0 1", "r1 a b 1k", "d1 b 0 dm", ".model dm d is=1e-14",
               ".options temp = 125 gmin=1e-10 method=gear", ".temp 125", ".tran 1n 10n", ".op"});
  simulator().load(deck, {}, 0, {});
  const double cool = operating_point("v(b)");
  const Deck plain =
      deck_of({"t", "v1 a 0 1", "r1 a b 1k", "d1 b 0 dm", ".model dm d is=1e-14", ".options gmin=1e-10"});
  simulator().load(plain, {}, 0, {});
  EXPECT_EQ(operating_point("v(b)"), cool);
}

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

TEST(TestbenchRunner, UnconvergedIsRecordedAndLeavesNoTrace) {
  const Testbench t = contradiction();
  const auto d = static_cast<Eigen::Index>(t.dimension());
  TestbenchRunner runner(simulator(), t);
  std::vector<Eigen::RowVectorXd> points;
  for (unsigned seed = 0; seed < 6; ++seed) {
    points.push_back(point(d, seed));
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

TEST(Ngspice, EveryRungGivesTheSameAnswer) {
  // A rung is another way to the same solution: the level must not depend on which one was needed.
  const Testbench t = column_testbench();
  const std::vector<std::string> save{"v(bl)"};
  std::vector<double> level;
  std::vector<std::size_t> points;
  for (int rung = 0; rung < rungs; ++rung) {
    simulator().load(t.deck, t.options, rung, save);
    Waveforms waveforms;
    ASSERT_TRUE(simulator().run(analysis_command(t.analysis, rung), t.analysis.stop, save, &waveforms));
    level.push_back(waveforms.values.at(0).back());
    points.push_back(waveforms.time.size());
  }
  EXPECT_NEAR(level[1], level[0], 2e-4);
  EXPECT_NEAR(level[2], level[0], 5e-4);
  EXPECT_GT(points[2], 5 * points[0]);
}

TEST(TestbenchRunner, OrderDoesNotMatter) {
  const Testbench t = column_testbench();
  const auto d = static_cast<Eigen::Index>(t.dimension());
  TestbenchRunner runner(simulator(), t);
  std::vector<std::vector<double>> measures;
  for (unsigned seed = 0; seed < 30; ++seed) measures.push_back(runner.run(point(d, seed)).measures);
  std::vector<unsigned> order(30);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end(), std::mt19937(7));
  const Testbench other = contradiction();
  for (const unsigned seed : order) {
    if (seed % 10 == 0) {  // another netlist in between
      TestbenchRunner(simulator(), other).run(point(d + 1, seed));
    }
    EXPECT_EQ(runner.run(point(d, seed)).measures, measures[seed]);
  }
}

TEST(TestbenchRunner, RandomNumbersOfTheNetlistAreTheSameAtEveryLoad) {
  Testbench t;
  t.deck = deck_of({"random", ".param r=agauss(1000,300,3)", "v1 a 0 1", "r1 a b {r}", "r2 b 0 1k"});
  t.analysis.kind = AnalysisKind::operating_point;
  t.measures = {last_value("v", "v(b)")};
  const double first = TestbenchRunner(simulator(), t).run(point(0, 0)).measures.at(0);
  EXPECT_EQ(TestbenchRunner(simulator(), t).run(point(0, 0)).measures.at(0), first);
  TestbenchRunner(simulator(), column_testbench()).run(point(32, 1));
  EXPECT_EQ(TestbenchRunner(simulator(), t).run(point(0, 0)).measures.at(0), first);
}

TEST(Ngspice, RefusesRandomSources) {
  EXPECT_THAT(load_error(deck_of({"t", "v1 a 0 dc 0 TRNOISE(10m 10p 0 0)", "r1 a 0 1k"})),
              HasSubstr("random source"));
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
  const RunResult result = TestbenchRunner(simulator(), t).run(point(2, 0) * 0.0);
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
  const std::vector<double> values = TestbenchRunner(simulator(), t).run(point(0, 0)).measures;
  EXPECT_NEAR(values.at(0), 4.0, 1e-9);
  EXPECT_NEAR(values.at(1), 3.0, 1e-9);
  EXPECT_NEAR(values.at(2), 2.0, 1e-9);
  EXPECT_NEAR(values.at(3), 1.0, 1e-9);
  EXPECT_NEAR(values.at(4), -1e-3, 1e-12);
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

TEST(TestbenchRunner, ADcSweepIsOverTheSweptValue) {
  const Testbench t = divider_sweep("v1");
  const RunResult result = TestbenchRunner(simulator(), t).run(point(0, 0));
  ASSERT_EQ(result.outcome, Outcome::ok) << result.message;
  EXPECT_NEAR(result.measures.at(0), 0.0, 1e-12);
  EXPECT_NEAR(result.measures.at(1), -0.5, 1e-12);
  EXPECT_EQ(TestbenchRunner(simulator(), t).waveforms(point(0, 0)).find("v(b)")->size(), 5u);
}

TEST(TestbenchRunner, WhatCannotBeSweptIsSaid) {
  Testbench varied = divider_sweep("v1");
  varied.knobs = {device_knob("v1", "dc")};
  EXPECT_THROW(TestbenchRunner(simulator(), varied).run(point(0, 0)), std::runtime_error);
  const Testbench unsafe = divider_sweep("v1 0 1 .1; shell");
  EXPECT_THROW(TestbenchRunner(simulator(), unsafe).run(point(0, 0)), std::invalid_argument);
  const Testbench absent = divider_sweep("v9");
  const RunResult none = TestbenchRunner(simulator(), absent).run(point(0, 0));
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
  const std::vector<double> values = TestbenchRunner(simulator(), t).run(point(0, 0)).measures;
  EXPECT_NEAR(values.at(0), 1.0 / (1.0 + turn * turn), 1e-6);
  EXPECT_NEAR(values.at(1), -20.0 * std::log10(1.0 + turn * turn), 1e-5);
  EXPECT_NEAR(values.at(2), -2.0 * std::atan(turn) * 180.0 / M_PI, 1e-4);
  EXPECT_NEAR(values.at(3), turn / std::hypot(1.0, turn) * 1e-3, 1e-9);
  EXPECT_NEAR(values.at(4), -180.0, 0.1);
  EXPECT_NE(TestbenchRunner(simulator(), t).waveforms(point(0, 0)).find("vdb(o)"), nullptr);
}

TEST(TestbenchRunner, AVectorEndsNoCardAndBeginsNone) {
  for (const char* bad : {"v(a)\n.control", "v(a) v(b)", "v(a);shell", "v(a)`ls`", "v(\"a\")", "v('a')",
                          "v({a})", "v(a)|x", "v(a)&x", "v(*)", "v(\\a)"}) {
    Testbench t = testing::rc_testbench();
    t.measures.push_back(t.measures[0]);
    t.measures[1].vector = bad;
    EXPECT_THROW(TestbenchRunner(simulator(), t).run(point(2, 0)), std::invalid_argument) << bad;
  }
  // In a command, where they mean files, variables and history, the signs of buses may not stand.
  Testbench t = testing::rc_testbench();
  t.knobs[0].device = "r1>file";
  EXPECT_THROW(TestbenchRunner(simulator(), t).run(point(2, 0)), std::invalid_argument);
}

TEST(TestbenchRunner, ReplayKeepsEverythingAndTheSameNumbers) {
  const Testbench t = column_testbench();
  TestbenchRunner runner(simulator(), t);
  const Eigen::RowVectorXd x = point(static_cast<Eigen::Index>(t.dimension()), 3);
  const double level = runner.run(x).measures.at(0);
  const Waveforms kept = runner.waveforms(x);
  ASSERT_NE(kept.find("v(bl)"), nullptr);
  ASSERT_NE(kept.find("v(x0.mid)"), nullptr);
  ASSERT_NE(kept.find("i(vdd)"), nullptr);
  EXPECT_EQ(kept.find("v(bl)")->back(), level);
  EXPECT_EQ(runner.run(x).measures.at(0), level);
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

TEST(TestbenchRunner, MemoryGrowsLittle) {
  Testbench t = testing::rc_testbench();
  TestbenchRunner runner(simulator(), t);
  for (unsigned i = 0; i < 200; ++i) runner.run(point(2, i));
  const std::size_t before = resident_bytes();
  for (unsigned i = 0; i < 2000; ++i) runner.run(point(2, i));
  EXPECT_LT(resident_bytes() - before, 2000u * 2048u);  // runs_per_worker counts on about 1 kB
}

}  // namespace
}  // namespace flare::engine
