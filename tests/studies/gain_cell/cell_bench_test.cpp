// The shipped gain cells: read, write and hold against closed forms and figures measured with plain ngspice.
#include "studies/gain_cell/cell_bench.hpp"

#include <cmath>
#include <fstream>

#include "studies/gain_cell/gain_cell_figures.hpp"
#include "tests/netlists/ngspice_batch.hpp"
#include "tests/studies/gain_cell/cell_fixture.hpp"

namespace flare::studies {
namespace {

struct KnownCell {
  const char* name;
  double lowest, highest;      // A, of the outer levels
  double kick_low, kick_high;  // V, of the outer levels
};

// Of plain ngspice, the storage nodes floating; stiff ones would draw -8.5 and 9.7 uA (6T), -9.7 and 11.1 uA (4T).
constexpr KnownCell known_cells[] = {
    {"gain_cell_6t", -8.67e-6, 9.7e-6, -8e-3, 2e-3},
    {"gain_cell_4t", -8.74e-6, 10.55e-6, 32e-3, -15e-3},
};

TEST_F(GainCellCircuits, CurrentsAndKicksAreThoseKnown) {
  for (const KnownCell& known : known_cells) {
    const auto read = once(read_testbench(bench_of(known.name), {1e-9, 15e-9}));
    const auto current = [&](int k) {
      return (read.at(fmt::format("q{}_1", k)) - read.at(fmt::format("q{}_0", k))) / 14e-9;
    };
    EXPECT_NEAR(current(0), known.lowest, 0.1e-6) << known.name;
    EXPECT_NEAR(current(7), known.highest, 0.1e-6) << known.name;
    for (int k = 1; k < 8; ++k) EXPECT_GT(current(k), current(k - 1)) << known.name << " level " << k;
    EXPECT_NEAR(at(read, "kick", 0) - at(read, "sn", 0), known.kick_low, 1.5e-3) << known.name;
    EXPECT_NEAR(at(read, "kick", 7) - at(read, "sn", 7), known.kick_high, 1.5e-3) << known.name;
  }
}

// Charge of every width from 1 to 15 ns: a current and an offset, the same at all of them.
TEST_F(GainCellCircuits, ChargeIsCurrentTimesWidthAndAnOffset) {
  const std::vector<double> widths{1e-9, 4e-9, 8e-9, 15e-9};
  const auto read = once(read_testbench(bench_of("gain_cell_6t"), widths));
  for (int k = 0; k < 8; ++k) {
    const auto charge = [&](int w) { return read.at(fmt::format("q{}_{}", k, w)); };
    const double current = (charge(3) - charge(0)) / 14e-9;
    const double offset = charge(3) - current * 15e-9;
    EXPECT_LT(std::fabs(offset), 0.25e-15) << "level " << k;
    for (const int w : {1, 2}) {
      EXPECT_NEAR(charge(w), current * widths[static_cast<std::size_t>(w)] + offset, 0.05e-15)
          << "level " << k << " width " << w;
    }
  }
}

// A current into a bitline at half the supply takes half the supply times its charge from vdd, one out of it as much from the
// bitline; the pair conducts nothing else where the stored voltage is at a rail.
TEST_F(GainCellCircuits, EnergyOfAReadIsThatOfItsCharge) {
  CellBench bench = bench_of("gain_cell_6t");
  bench.levels = {0.0, 0.9};
  const auto read = once(read_testbench(bench, {15e-9}));
  const double charge = std::fabs(read.at("q0_0")) + std::fabs(read.at("q1_0"));
  const double energy = once(read_energy_testbench(bench, 15e-9)).at("read");
  EXPECT_NEAR(energy / (0.45 * charge), 1.0, 0.02);
}

TEST_F(GainCellCircuits, AWriteIsCompleteInTenNanoseconds) {
  const CellBench bench = bench_of("gain_cell_6t");
  const auto worst = [&](double width) {
    const auto write = once(write_testbench(bench, width));
    double most = 0.0;
    for (int k = 0; k < 8; ++k)
      most = std::max(most, std::fabs(at(write, "written", k) - bench.levels[static_cast<std::size_t>(k)]));
    return most;
  };
  EXPECT_LT(worst(10e-9), 0.1e-3);
  EXPECT_NEAR(worst(5e-9), 0.5e-3, 0.3e-3);
  EXPECT_NEAR(worst(2e-9), 11e-3, 4e-3);
  const auto write = once(write_testbench(bench, 10e-9));
  for (int k = 0; k < 8; ++k) {
    EXPECT_LT(std::fabs(at(write, "closed", k) - at(write, "written", k)), 7e-3) << "level " << k;
  }
  EXPECT_GT(write.at("gate"), 0.0);
}

// A gate that lets I0 through at the written voltage, and a factor e less each nVt towards the parked bitline, moves the capacitor C
// by nVt ln(1 + t I0/(C nVt)).
TEST_F(GainCellCircuits, TheOuterLevelMovesAsTheSubthresholdCurrentOfItsGateSays) {
  CellBench bench = bench_of("gain_cell_6t");
  bench.levels = {0.0, 0.9};
  const std::vector<double> times{0.8e-3, 5e-3};
  const auto held = once(hold_testbench(bench, times));
  constexpr double slope = 28e-3, current = 1.81e-12, capacitance = 6.9e-15;
  for (int t = 0; t < 2; ++t) {
    const double time = times[static_cast<std::size_t>(t)];
    const double lost = slope * std::log1p(time * current / (capacitance * slope));
    EXPECT_NEAR(held.at(fmt::format("v0_{}", t)), lost, 0.5e-3) << time;
    EXPECT_NEAR(0.9 - held.at(fmt::format("v1_{}", t)), lost, 5e-3) << time << ": the other gate leaks more";
  }
}

TEST_F(GainCellCircuits, HeatDrainsLevelsFaster) {
  struct Known {
    double temperature, early, late;  // degC, V lost at 0.8 and 5 ms
  };
  for (const Known& known : {Known{85.0, 141e-3, 202e-3}, Known{125.0, 199e-3, 266e-3}}) {
    CellBench bench = bench_of("gain_cell_6t", known.temperature);
    bench.levels = {0.0};
    const auto held = once(hold_testbench(bench, {0.8e-3, 5e-3}));
    EXPECT_NEAR(held.at("v0_0"), known.early, 2e-3) << known.temperature;
    EXPECT_NEAR(held.at("v0_1"), known.late, 2e-3) << known.temperature;
  }
}

// The cell of four transistors has the same gate and capacitor, and a little more on its storage node: its pair stands between
// lines at half the supply. It is written as well and loses as much.
TEST_F(GainCellCircuits, FourTransistorsAreWrittenAndHeldAsSixAre) {
  const std::vector<double> times{0.8e-3, 5e-3};
  for (const double temperature : {27.0, 85.0, 125.0}) {
    CellBench six = bench_of("gain_cell_6t", temperature), four = bench_of("gain_cell_4t", temperature);
    const auto written = once(write_testbench(four, 10e-9));
    for (int k = 0; k < 8; ++k)
      EXPECT_NEAR(at(written, "written", k), four.levels[static_cast<std::size_t>(k)], 0.1e-3) << k;
    six.levels = four.levels = {0.0, 0.9};
    const auto of_six = once(hold_testbench(six, times)), of_four = once(hold_testbench(four, times));
    for (const char* name : {"v0_0", "v0_1", "v1_0", "v1_1"})
      EXPECT_NEAR(of_four.at(name), of_six.at(name), 5e-3) << name << ", " << temperature;
    EXPECT_GT(of_four.at("v0_1"), of_four.at("v0_0"));
  }
}

// What leaks is the write gate: ten times the simulator's own leakage at every node moves nothing, at any temperature. Its default
// would, most where the gate leaks least.
TEST_F(GainCellCircuits, TheSimulatorsOwnLeakageIsNotWhatLeaks) {
  struct Known {
    double temperature, usual;  // degC; V by which the default moves the highest level, at least
  };
  for (const Known& known : {Known{27.0, 0.1}, Known{85.0, 0.05}, Known{125.0, 0.02}}) {
    CellBench bench = bench_of("gain_cell_6t", known.temperature);
    bench.levels = {0.0, 0.26, 0.64, 0.9};
    const std::vector<double> times{5e-3};
    const auto low = once(hold_testbench(bench, times));
    const auto ten_times = once(hold_testbench(bench, times, 10.0 * hold_gmin));
    const auto usual = once(hold_testbench(bench, times, 1e-12));
    for (int k = 0; k < 4; ++k) {
      const std::string name = fmt::format("v{}_0", k);
      EXPECT_NEAR(ten_times.at(name), low.at(name), 20e-6) << "level " << k << ", " << known.temperature;
    }
    EXPECT_GT(std::fabs(usual.at("v3_0") - low.at("v3_0")), known.usual) << known.temperature;
  }
}

TEST_F(GainCellCircuits, ParkingTheWriteBitlineAtGroundErases) {
  CellBench bench = bench_of("gain_cell_6t");
  bench.levels = {0.9};
  const double parked = once(hold_testbench(bench, {5e-3})).at("v0_0");
  bench.park = 0.0;
  EXPECT_LT(once(hold_testbench(bench, {5e-3})).at("v0_0"), parked - 0.2);
}

/// A threshold shift of one device of the first copy, in units of 20 mV.
void vary_threshold(engine::Testbench& bench, const std::string& element) {
  bench.knobs.push_back(
      {engine::KnobKind::instance, fmt::format("m.{}.{}", cell_name(0), element), "delvto"});
  bench.variables.push_back({element,
                             {engine::LawKind::normal, 0.0, 20e-3},
                             engine::Scope::instance,
                             "V",
                             {{bench.knobs.size() - 1, engine::Action::shift}}});
}

// Copies of one level are one cell: they stay equal when a device of the first is moved, and the current moves as much as
// that of a cell simulated alone.
TEST_F(GainCellCircuits, OneCellAtEveryLevel) {
  CellBench bench = bench_of("gain_cell_6t");
  const auto charge = [&](std::vector<double> levels, const char* name) {
    bench.levels = std::move(levels);
    engine::Testbench made = read_testbench(bench, {5e-9});
    vary_threshold(made, "mn");
    mirror_variation(made, bench.levels.size());
    return by_name(made, results(made, engine::Matrix::Constant(1, 1, 1.0)).front()).at(name);
  };
  const double alone = charge({0.8}, "q0_0");
  EXPECT_NEAR(charge({0.1, 0.4, 0.8}, "q2_0"), alone, 1e-4 * alone);
  const auto unmoved = once(read_testbench({bench.cell, bench.drive, {0.8}, 0.45}, {5e-9}));
  EXPECT_LT(alone, 0.97 * unmoved.at("q0_0")) << "a higher threshold of the n transistor";
}

// The netlists that plain ngspice runs say what the study's circuits say.
TEST_F(GainCellCircuits, PlainNgspiceAgrees) {
  const auto plain = [](const char* name) {
    std::ifstream in(netlist_test::netlist_folder() / "benches" / name);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    for (std::size_t at; (at = text.find("\"../")) != std::string::npos;)
      text.replace(at + 1, 2, netlist_test::netlist_folder().string());
    return netlist_test::run_ngspice(text).measures;
  };
  CellBench bench = bench_of("gain_cell_6t");
  const auto charge = plain("gain_cell_read.cir");
  const auto read = once(read_testbench(bench, {15e-9}));
  for (const int k : {0, 4, 7}) {
    const double drawn = -charge.at(fmt::format("into{}", k));
    EXPECT_NEAR(read.at(fmt::format("q{}_0", k)), drawn, 0.03e-15) << "level " << k;
  }
  const auto hold = plain("gain_cell_hold.cir");
  bench.levels = {0.0, 0.9};
  const auto held = once(hold_testbench(bench, {0.8e-3, 4.999e-3}));
  EXPECT_NEAR(held.at("v0_0"), hold.at("low_early"), 0.1e-3);
  EXPECT_NEAR(held.at("v0_1"), hold.at("low_late"), 0.1e-3);
  EXPECT_NEAR(held.at("v1_0"), hold.at("high_early"), 0.1e-3);
  EXPECT_NEAR(held.at("v1_1"), hold.at("high_late"), 0.1e-3);
}

}  // namespace
}  // namespace flare::studies
