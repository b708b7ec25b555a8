// Columns whose level is an integrated current (MRAM) and columns with two bitlines, under the plain ngspice program.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <vector>

#include "tests/studies/column/column_fixture.hpp"

namespace flare::studies {
namespace {

constexpr ProcessCorner nominal = {"tt", 0.9, 27.0};
constexpr ProcessCorner slow = {"ss", 0.81, -40.0};
constexpr ProcessCorner hot = {"ff", 0.99, 125.0};

ColumnOptions column_of(const std::string& cell, int sawl, const ProcessCorner& corner = nominal) {
  ColumnOptions options = shipped_column(shipped_cell(cell), sawl, corner);
  options.wire_capacitance = options.cell.wire_capacitance;
  options.wire_resistance = options.cell.wire_resistance;
  return timed(options);
}

double level_mv(ColumnOptions options, int on_cells) {
  options.on_cells = on_cells;
  return level_of(options) * 1e3;
}

double level_mv(ColumnOptions options, const std::string& pattern, bool dummies_on = true) {
  options.stored.clear();
  for (const char bit : pattern) options.stored.push_back(bit == '1');
  options.dummy_rows = options.sawl - static_cast<int>(pattern.size());
  options.dummies_on = dummies_on;
  return level_of(options) * 1e3;
}

// The junction by itself: R_P, and R_AP = R_P (1 + TMR(v, T)), v the voltage across all of it. Closed form solved by
// bisection.
double current(double volts, bool antiparallel, double celsius) {
  const auto excess = [&](double v) {
    return antiparallel ? 1.5 * (1 - 2e-3 * (celsius - 27)) / (1 + std::pow(v / 0.5, 2)) : 0.0;
  };
  return volts / (6e3 * (1 + excess(volts)));
}

TEST(Mtj, ResistsAsItsFormulaSays) {
  const std::string netlist = shipped_cell("mram_1t").netlist.string();
  for (const double celsius : {-40.0, 27.0, 125.0}) {
    for (const double volts : {0.01, 0.1, 0.5}) {
      for (const int state : {0, 1}) {
        const std::string text = fmt::format(
            "junction\n.include \"{}\"\n.model nfet nmos level=1\n.model pfet pmos level=1\n.temp {}\n"
            "va a 0 {}\nxj a 0 mtj state={}\n.tran 1n 10n\n.measure tran out find i(va) at=5n\n.end\n",
            netlist, celsius, volts, state);
        const double expected = current(volts, state == 1, celsius);
        EXPECT_NEAR(-netlist_test::run_ngspice(text).measures.at("out"), expected, 1e-4 * expected)
            << volts << " V, " << celsius << " degC, state " << state;
      }
    }
  }
}

// Identical cells have equal shares: steps are equal but for what the bitline's wire and the clamp's resistance take.
TEST(MramColumn, StepsAreNearlyEqual) {
  for (const char* cell : {"mram_1t", "mram_2t"}) {
    for (const ProcessCorner& corner : {nominal, slow, hot}) {
      const ColumnOptions options = column_of(cell, 4, corner);
      std::vector<double> levels;
      for (int k = 0; k <= 4; ++k) levels.push_back(level_mv(options, k));
      const double mean = (levels.front() - levels.back()) / 4;
      double worst = 0.0;
      for (int k = 0; k < 4; ++k) worst = std::fmax(worst, std::fabs((levels[k] - levels[k + 1]) / mean - 1));
      std::printf("%s %s: step %.1f mV, steps differ by at most %.2f %%\n", cell, corner.section, mean,
                  worst * 100);
      EXPECT_GT(mean, 20.0);
      EXPECT_LT(worst, 0.04);
    }
  }
}

TEST(MramColumn, FullScaleFallsByAboutTheSwingAtEverySawlAndCorner) {
  for (const int sawl : {1, 2, 8, 16}) {
    for (const ProcessCorner& corner : {nominal, slow, hot}) {
      const ColumnOptions options = column_of("mram_1t", sawl, corner);
      const double swing = corner.supply * 1e3 - level_mv(options, sawl);
      EXPECT_GT(swing, 340.0) << sawl << corner.section;  // 15 % either way
      EXPECT_LT(swing, 460.0) << sawl << corner.section;
    }
  }
}

// A differential column cannot tell its bitlines apart: what is stored inverted gives the level negated.
TEST(MramColumn, OppositeBitsGiveOppositeLevels) {
  const ColumnOptions options = column_of("mram_2t", 4);
  for (const int k : {0, 1, 2}) {
    EXPECT_NEAR(level_mv(options, k), -level_mv(options, 4 - k), 0.5) << k;
  }
}

// Cells that store 0 conduct, so a row that is left out takes its share of the pedestal with it. Dummy rows hold 0 in its
// place.
TEST(MramColumn, LevelDependsOnThePopcountAloneWithDummyRowsOn) {
  const ColumnOptions options = column_of("mram_1t", 8);
  const double step = (level_mv(options, 0) - level_mv(options, 8)) / 8;
  const double whole = level_mv(options, "11100000");
  double spread = 0.0;
  for (const char* pattern : {"00000111", "10010010", "111", "0111", "101010"}) {
    spread = std::fmax(spread, std::fabs(level_mv(options, pattern) - whole));
  }
  const double without = level_mv(options, "111", false) - whole;
  std::printf(
      "popcount 3: spread %.3f step with dummy rows on; three word lines alone move the level by %.2f "
      "steps\n",
      spread / step, without / step);
  EXPECT_LT(spread, 0.05 * step);
  EXPECT_GT(without, 2 * step);
}

// Energy is the integral of v i over the sources: what the supply gives is the charge of the capacitor and the clamp's
// current while it settled, times the supply.
TEST(MramColumn, EnergyOfAReadIsTheChargeDrawn) {
  ColumnOptions options = column_of("mram_1t", 8);
  options.restore = 500e-12;
  double previous = 0.0;
  for (const int k : {0, 4, 8}) {
    options.on_cells = k;
    const auto measures = measured(column_testbench(options));
    const double capacitance = options.cell.end.sizes.at("ci") + options.sense_capacitance;
    const double integrated = capacitance * (options.supply - measures.at("level"));
    const double pulse = options.wordline_off - read_start(options);
    // The same current flows while it settles as while it is integrated.
    const double drawn = integrated * (1 + options.cell.develop / pulse);
    std::printf("k %d: %.1f fJ, of which %.1f fJ recharge the capacitor; word lines %.2f fJ\n", k,
                -options.supply * measures.at("supply_charge") * 1e15, options.supply * integrated * 1e15,
                -options.supply * measures.at("wordline_charge") * 1e15);
    EXPECT_NEAR(-measures.at("supply_charge"), drawn, 0.15 * drawn) << k;
    EXPECT_GT(-measures.at("supply_charge"), previous);
    previous = -measures.at("supply_charge");
  }
}

TEST(Sram6tColumn, RowsDischargeTheBitlineOfTheirBit) {
  ColumnOptions options = column_of("sram6t", 4);
  std::vector<double> levels;
  for (int k = 0; k <= 4; ++k) levels.push_back(level_mv(options, k));
  for (int k = 0; k < 4; ++k) EXPECT_GT(levels[k] - levels[k + 1], 60.0) << k;
  // The complement falls by what the other bits draw.
  options.cell.differential = true;
  for (const int k : {0, 1, 2}) {
    EXPECT_NEAR(level_mv(options, k), -level_mv(options, 4 - k), 1.0) << k;
  }
}

// The read port of lumped rows against real ones, both bitlines.
TEST(Sram6tColumn, LumpedRowsLeakAsRealOnes) {
  for (const double ones : {1.0, 0.0}) {
    ColumnOptions options = column_of("sram6t", 2, hot);
    options.rows = 22;
    options.unselected_ones = ones;
    options.on_cells = 0;
    options.wordline_off = 3e-9;
    const double lumped = level_mv(options, 0);
    options.cell.idle_one =
        options.cell.idle_zero = {options.cell.active.call, {}, options.cell.active.state};
    const double real = level_mv(options, 0);
    std::printf("rows storing %g, 3 ns, hot: lumped %.3f mV, whole cells %.3f mV\n", ones, lumped, real);
    EXPECT_NEAR(lumped, real, 0.5);
  }
}

}  // namespace
}  // namespace flare::studies
