// The generated bitline column under the plain ngspice program: its simplifications against the circuits they
// stand for, and its integration error. Levels in mV.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>

#include "tests/studies/column/column_fixture.hpp"

namespace flare::studies {
namespace {

constexpr ProcessCorner nominal = {"tt", 0.9, 27.0};
constexpr ProcessCorner slow = {"ss", 0.81, -40.0};
constexpr ProcessCorner hot = {"ff", 0.99, 125.0};

ColumnOptions at(const ProcessCorner& corner, int sawl, const std::string& cell = "sram8t") {
  return shipped_column(shipped_cell(cell), sawl, corner);
}

double level_mv(const ColumnOptions& options) { return level_of(options) * 1e3; }

// Level of a column whose netlist is changed: mV.
double level_mv(const ColumnOptions& options, const std::string& netlist) {
  engine::Testbench bench = column_testbench(options);
  bench.deck = engine::parse_deck(netlist, "column");
  return measured(bench).at("level") * 1e3;
}

// The netlist with `before` put in front of the line that starts with `mark`.
std::string with_lines(std::string netlist, const std::string& mark, const std::string& before) {
  const std::size_t line = netlist.find("\n" + mark);
  EXPECT_NE(line, std::string::npos) << mark;
  return netlist.insert(line + 1, before);
}

// The netlist without its lines that start with `mark`.
std::string without_lines(std::string netlist, const std::string& mark) {
  for (std::size_t line; (line = netlist.find("\n" + mark)) != std::string::npos;) {
    netlist.erase(line + 1, netlist.find('\n', line + 1) - line);
  }
  return netlist;
}

TEST(Column, FullScaleFallsByAboutTheSwingAtEverySawlAndCorner) {
  for (const char* cell : {"sram8t", "sram8t_min"}) {
    for (const int sawl : {1, 2, 4, 8, 16}) {
      for (const ProcessCorner& corner : {nominal, slow, hot}) {
        SCOPED_TRACE(fmt::format("{} sawl {} {} {} V {} degC", cell, sawl, corner.section, corner.supply,
                                 corner.temperature));
        const ColumnOptions options = timed(at(corner, sawl, cell));
        const double swing = corner.supply * 1e3 - level_mv(options);
        std::printf("%-10s sawl %2d %s: word line %.0f ps, swing %.1f mV\n", cell, sawl, corner.section,
                    (options.wordline_off - options.edge) * 1e12, swing);
        EXPECT_GT(swing, 340.0);  // 15 % either way
        EXPECT_LT(swing, 460.0);
      }
    }
  }
}

// The storage node of a read port is a source; in a whole cell it is an inverter's output that the read may
// disturb.
TEST(Column, ReadPortsAloneGiveTheLevelOfWholeCells) {
  for (const ProcessCorner& corner : {nominal, slow, hot}) {
    ColumnOptions options = timed(at(corner, 8));
    double worst = 0.0;
    for (const int k : {0, 4, 8}) {
      options.on_cells = k;
      options.row_model = RowModel::read_port;
      const double ports = level_mv(options);
      options.row_model = RowModel::whole_cell;
      worst = std::fmax(worst, std::fabs(level_mv(options) - ports));
    }
    std::printf("%s: whole cells and read ports differ by at most %.3f mV\n", corner.section, worst);
    EXPECT_LT(worst, 0.6);
  }
}

// One device of multiplicity 120 at the middle of the wire against 120 rows along it.
TEST(Column, LumpedRowsGiveTheLevelOfRealOnes) {
  for (const double ones : {1.0, 0.0}) {
    ColumnOptions options = timed(at(nominal, 8));
    options.unselected_ones = ones;
    const std::string lumped = column_netlist(options);
    std::string rows = fmt::format("ru0 rbl u0 {}\n", options.wire_resistance / 2);
    const int count = options.rows - options.sawl;
    for (int i = 0; i < count; ++i) {
      rows += fmt::format("cu{} u{} 0 {}\n", i, i, options.wire_capacitance);
      rows += call_line(fmt::format("xu{}", i), options.cell.active.call,
                        {{"bitline", fmt::format("u{}", i)},
                         {"wordline", "0"},
                         {"stored", ones > 0 ? "vdd" : "0"},
                         {"ground", "0"}},
                        options.cell.sizes);
      rows += fmt::format("ru{} u{} {} {}\n", i + 1, i, i + 1 < count ? fmt::format("u{}", i + 1) : "b0",
                          i + 1 < count ? options.wire_resistance : options.wire_resistance / 2);
    }
    std::string real = with_lines(lumped, "rneara", rows);
    for (const char* line : {"rneara", "rnearb", "cnear", "xnear"}) real = without_lines(real, line);
    const double difference = level_mv(options, real) - level_mv(options);
    std::printf("unselected rows storing %g: real rows minus lumped ones %.3f mV\n", ones, difference);
    EXPECT_LT(std::fabs(difference), 0.3);
  }
}

// Rows of a cell that has no form for them: one row's current, multiplied, against as many rows. The cell's transistors
// are subcircuits of a kit, which ngspice's own multiplier does not reach.
TEST(Column, MultipliedRowsGiveTheLevelOfAsManyRows) {
  const std::filesystem::path own = std::filesystem::path(FLARE_SOURCE_DIR) / "studies/own_cell";
  for (const double ones : {1.0, 0.0}) {
    ColumnOptions options =
        shipped_column(read_cell({own / "cell/cell.toml", "", "cell"}), 2, {"tt", 1.2, 125.0});
    options.card = own / "kit/example65.lib";
    options.rows = 40;
    options.wordline_off = 2e-9;
    options.unselected_ones = ones;
    const std::string lumped = column_netlist(options);
    const std::string kind(ones > 0 ? "near1" : "near0");
    std::string rows;
    for (int i = 0; i < options.rows - options.sawl; ++i) {
      rows += call_line(
          fmt::format("xu{}", i), options.cell.active.call,
          {{"bitline", "bnear"}, {"wordline", "0"}, {"stored", ones > 0 ? "vdd" : "0"}, {"ground", "0"}},
          options.cell.sizes);
    }
    std::string real = with_lines(lumped, "x" + kind, rows);
    for (const char* element : {"x", "e", "v", "f"}) real = without_lines(real, element + kind);
    const double multiplied = level_mv(options);
    const double no_rows = level_mv(options, without_lines(lumped, "f" + kind));
    std::printf("rows storing %g: multiplied minus real %.4f mV; without them %.1f mV\n", ones,
                multiplied - level_mv(options, real), no_rows - multiplied);
    EXPECT_NEAR(multiplied, level_mv(options, real), 0.05);
    EXPECT_GT(std::fabs(no_rows - multiplied), 1.0);
  }
}

// With the dummy rows on, the number of word lines that rise is always SAWL, and the level tells the popcount
// only.
TEST(Column, LevelDependsOnThePopcountAloneWithDummyRowsOn) {
  for (const ProcessCorner& corner : {nominal, hot}) {
    const ColumnOptions base = timed(at(corner, 8));
    const auto level = [&base](const std::string& pattern, bool dummies_on) {
      ColumnOptions options = base;
      options.stored.clear();
      for (const char bit : pattern) options.stored.push_back(bit == '1');
      options.dummy_rows = options.sawl - static_cast<int>(pattern.size());
      options.dummies_on = dummies_on;
      return level_mv(options);
    };
    const double whole = level("11100000", true);
    double spread = 0.0;
    for (const char* pattern : {"00000111", "10010010", "111", "0111", "101010"}) {
      spread = std::fmax(spread, std::fabs(level(pattern, true) - whole));
    }
    const double without = std::fabs(level("111", false) - whole);
    std::printf("%s: spread of the level of popcount 3 %.3f mV with dummy rows on, %.3f mV without\n",
                corner.section, spread, without);
    EXPECT_LT(spread, 0.3);  // a step is 53 mV
    EXPECT_GT(without,
              2 * spread);  // what the dummy rows are for: fewer word lines couple less into the bitline
  }
}

// A pulsed word line and a settled wire: the level is a charge, wherever on the bitline the active rows sit.
TEST(Column, LevelDependsLittleOnThePlaceOfTheActiveRows) {
  ColumnOptions options = timed(at(nominal, 8));
  const double far = level_mv(options);
  options.position = 0.0;
  const double near = level_mv(options);
  options.position = 0.5;
  const double middle = level_mv(options);
  std::printf("near end %.3f, middle %.3f, far end %.3f mV\n", near, middle, far);
  EXPECT_LT(std::fabs(near - far), 2.0);
  EXPECT_LT(std::fabs(middle - far), 2.0);
}

/// Levels of a column, V: first, one in the middle, last but one, last. `fine`: integrated with some fifty times as many
/// time points at a hundred times tighter tolerances.
std::array<double, 4> some_levels(ColumnOptions options, bool fine) {
  const std::array<int, 4> on_cells{0, options.sawl / 2, options.sawl - 1, options.sawl};
  std::array<double, 4> levels{};
  for (std::size_t i = 0; i < levels.size(); ++i) {
    options.on_cells = on_cells[i];
    options.max_step = fine ? sense_time(options) / 1000 : 0.0;
    engine::Testbench bench = column_testbench(options);
    if (fine) {
      bench.options.reltol = 1e-5;
      bench.options.chgtol = 1e-18;
      bench.options.trtol = 1.0;
    }
    levels[i] = measured(bench).at("level");
  }
  return levels;
}

// References come from runs with the same options: an error that all levels share, or a gain, moves no code. What is left
// of the integration's error is where a level stands between the first and the last, in steps.
TEST(Column, IntegrationMovesLevelsByLessThanHalfAHundredthOfAStep) {
  for (const int sawl : {2, 4, 8, 16}) {
    for (const ProcessCorner& corner : {nominal, slow, hot}) {
      const ColumnOptions options = timed(at(corner, sawl));
      const auto coarse = some_levels(options, false);
      const auto fine = some_levels(options, true);
      double moved = 0.0;
      double volts = 0.0;
      for (std::size_t i = 0; i < coarse.size(); ++i) {
        const auto position = [&](const auto& levels) {
          return sawl * (levels[0] - levels[i]) / (levels[0] - levels[3]);
        };
        moved = std::fmax(moved, std::fabs(position(coarse) - position(fine)));
        volts = std::fmax(volts, std::fabs(coarse[i] - fine[i]));
      }
      std::printf("sawl %2d %s: integration moves levels by at most %.3f mV, %.4f step\n", sawl,
                  corner.section, volts * 1e3, moved);
      EXPECT_LT(moved, 0.005) << "sawl " << sawl << " " << corner.section;
      EXPECT_LT(volts, 0.8e-3) << "sawl " << sawl << " " << corner.section;
    }
  }
}

// What a read takes from the supply is what the precharge puts back: capacitance times swing times supply.
TEST(Column, EnergyOfAReadIsTheChargePutBack) {
  for (const char* cell : {"sram8t", "sram8t_min"}) {
    ColumnOptions options = timed(at(nominal, 8, cell));
    options.restore = 500e-12;
    double previous = 0.0;
    for (const int k : {1, 4, 8}) {
      options.on_cells = k;
      const auto measures = measured(column_testbench(options));
      const double swing = options.supply - measures.at("level");
      const double bitline = -options.supply * measures.at("supply_charge");
      const double word_line = -options.supply * measures.at("wordline_charge");
      const double capacitance = -measures.at("supply_charge") / swing;
      std::printf("%-10s k %d: bitline %.2f fJ, word lines %.2f fJ, bitline capacitance %.1f fF\n", cell, k,
                  bitline * 1e15, word_line * 1e15, capacitance * 1e15);
      EXPECT_GT(bitline, previous);
      EXPECT_GT(word_line, 0.0);
      const double wire = options.rows * options.wire_capacitance + options.sense_capacitance;
      EXPECT_GT(capacitance, wire);
      EXPECT_LT(capacitance, 2.5 * wire);
      previous = bitline;
    }
  }
}

// Unselected rows that store 1 leak the most: k = 0 shows it, at the hot corner.
TEST(Column, UnselectedRowsLeak) {
  ColumnOptions options = timed(at(hot, 8));
  options.on_cells = 0;
  options.wordline_off = 2e-9;
  const double ones = level_mv(options);
  options.unselected_ones = 0.0;
  const double zeros = level_mv(options);
  std::printf("k = 0 after 2 ns, hot: %.2f mV with all unselected rows storing 1, %.2f mV storing 0\n", ones,
              zeros);
  EXPECT_LT(ones, zeros - 0.1);
}

}  // namespace
}  // namespace flare::studies
