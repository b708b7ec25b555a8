// The facts of the embedded simulator that the engine rests on.
#include "engine/simulate/ngspice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "engine/simulate/testbench_runner.hpp"
#include "tests/engine/simulate/shared_simulator.hpp"
#include "tests/engine/simulate/testbenches.hpp"

namespace flare::engine {
namespace {

using testing::column_testbench;
using testing::deck_of;
using testing::device_knob;
using ::testing::HasSubstr;
using testing::operating_point;
using testing::simulator;

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
  // ngspice takes every word that begins so.
  const Deck short_word = deck_of(
      {"t", "v1 a 0 1", "r1 a b 1k", "d1 b 0 dm", ".model dm d is=1e-14", ".opti temp=125 gmin=1e-10"});
  EXPECT_TRUE(leaves_traces(short_word, {}));
  for (const std::string& line : circuit_lines(short_word, {}, 0, {}))
    EXPECT_EQ(line.find("temp=125"), std::string::npos);
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

// Every analysis adds what it did to what was counted since the load.
TEST(Ngspice, CountsWhatItDoes) {
  const Testbench t = testing::rc_testbench();
  const std::vector<std::string> save{"v(out)"};
  Waveforms waveforms;
  const auto transient = [&] {
    EXPECT_TRUE(simulator().run(analysis_command(t.analysis, 0), t.analysis.stop, save, &waveforms));
    return simulator().counts();
  };
  simulator().load(t.deck, t.options, 0, save);
  EXPECT_EQ(simulator().counts().iterations, 0.0);
  const SimulatorCounts once = transient();
  EXPECT_EQ(once.time_points,
            1.0 + static_cast<double>(waveforms.time.size()));  // the start is one by itself
  EXPECT_GE(once.iterations, once.time_points);
  EXPECT_GE(once.load_seconds, 0.0);
  const SimulatorCounts twice = transient();
  EXPECT_EQ(twice.iterations, 2.0 * once.iterations);
  EXPECT_EQ(twice.time_points, 2.0 * once.time_points);
}

TEST(Ngspice, RefusesRandomSources) {
  EXPECT_THAT(load_error(deck_of({"t", "v1 a 0 dc 0 TRNOISE(10m 10p 0 0)", "r1 a 0 1k"})),
              HasSubstr("random source"));
}

}  // namespace
}  // namespace flare::engine
