// Does the shipped read stack hold six sigma at SAWL 8? A first-order answer under plain ngspice: the
// standard deviation of the level from central differences over one sigma of each mismatch variable of one
// on-cell, times sqrt(k) because cells are alike and independent. Monte Carlo and rare-event estimates are
// the studies' business.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>

#include "tests/studies/column/column_fixture.hpp"

namespace flare::studies {
namespace {

// Pelgrom coefficients of one device (data/devices/README.md), and the converter's offset in steps.
constexpr double avt = 1.3e-9;    // V m
constexpr double abeta = 0.7e-8;  // m
constexpr double offset_step = 0.03;

constexpr ProcessCorner nominal = {"tt", 0.9, 27.0};
constexpr ProcessCorner worst = {"ss", 0.81, -40.0};

struct TopLevel {
  double cell_sigma = 0.0;   // of one cell's step, relative
  double compression = 0.0;  // last step over first step
  double sigma = 0.0;        // half the last step over the level's standard deviation, offset included
};

double level(ColumnOptions options, int k) {
  options.on_cells = k;
  return level_of(options);
}

double area(const Cell& cell, const char* width, const char* length) {
  return cell.sizes.at(width) * cell.sizes.at(length);
}

// Standard deviation of the level that one on-cell's mismatch causes, V.
double level_sigma_of_one_cell(const ColumnOptions& options) {
  engine::Testbench bench = column_testbench(options);
  const auto level_with = [&](const std::string& device, const char* parameter, double value) {
    bench.settings = {{{engine::KnobKind::instance, device, parameter}, value}};
    return measured(bench).at("level");
  };
  const std::array<std::pair<const char*, double>, 2> devices{
      {{"m.x0.ma", area(options.cell, "wa", "la")}, {"m.x0.md", area(options.cell, "wd", "ld")}}};
  double variance = 0.0;
  for (const auto& [device, gate_area] : devices) {
    const double vt = avt / std::sqrt(gate_area);
    const double beta = abeta / std::sqrt(gate_area);
    const double by_vt = (level_with(device, "delvto", vt) - level_with(device, "delvto", -vt)) / 2;
    const double by_beta =
        (level_with(device, "mulu0", std::exp(beta)) - level_with(device, "mulu0", std::exp(-beta))) / 2;
    variance += by_vt * by_vt + by_beta * by_beta;
  }
  return std::sqrt(variance);
}

TopLevel top_level(const Cell& cell, int sawl, const ProcessCorner& corner, double wordline_ratio = 1.0) {
  ColumnOptions options = shipped_column(cell, sawl, corner);
  options.wordline_ratio = wordline_ratio;
  options = timed(options, 0.4);
  const double empty = level(options, 0), first = level(options, 1), last = level(options, sawl - 1),
               full = level(options, sawl);
  const double step = last - full;
  const double one_cell = level_sigma_of_one_cell(options);
  TopLevel top;
  top.cell_sigma = one_cell / step;
  top.compression = step / (empty - first);
  top.sigma = step / 2 / std::hypot(std::sqrt(sawl) * one_cell, offset_step * (empty - full) / sawl);
  return top;
}

// The table in netlists/README.md.
TEST(Sizing, ReadStacksAtSawl8) {
  constexpr double nm = 1e-9;
  const std::array<std::array<double, 4>, 7> stacks{{{80, 30, 120, 30},
                                                     {300, 30, 500, 30},
                                                     {300, 60, 400, 60},
                                                     {400, 60, 600, 60},
                                                     {1000, 80, 800, 80},
                                                     {720, 150, 520, 150},
                                                     {450, 250, 350, 250}}};
  for (const auto& [wa, la, wd, ld] : stacks) {
    Cell cell = shipped_cell("sram8t");
    cell.sizes = {{"wa", wa * nm}, {"la", la * nm}, {"wd", wd * nm}, {"ld", ld * nm}};
    const TopLevel typical = top_level(cell, 8, nominal), slow = top_level(cell, 8, worst);
    std::printf(
        "%4.0f/%-3.0f %4.0f/%-3.0f  %.4f um2  cell %.2f / %.2f %%  last/first %.3f / %.3f  sigma %.2f / "
        "%.2f\n",
        wa, la, wd, ld, (area(cell, "wa", "la") + area(cell, "wd", "ld")) * 1e12, typical.cell_sigma * 100,
        slow.cell_sigma * 100, typical.compression, slow.compression, typical.sigma, slow.sigma);
    EXPECT_GT(typical.sigma, slow.sigma);
    EXPECT_GT(slow.compression, 0.85);
  }
}

TEST(Sizing, ShippedCellHoldsSixSigmaAtSawl8AndNotAt16) {
  const Cell cell = shipped_cell("sram8t");
  for (const int sawl : {2, 4, 8, 16, 32}) {
    std::printf("sawl %2d: sigma %.2f nominal, %.2f worst corner\n", sawl,
                top_level(cell, sawl, nominal).sigma, top_level(cell, sawl, worst).sigma);
  }
  std::printf("sawl 8, worst corner, word line 10 %% above the supply: %.2f\n",
              top_level(cell, 8, worst, 1.1).sigma);
  EXPECT_GT(top_level(cell, 8, worst).sigma, 6.2);
  EXPECT_LT(top_level(cell, 16, nominal).sigma, 6.0);
}

TEST(Sizing, WorstCornerIsSlowLowAndCold) {
  const Cell cell = shipped_cell("sram8t");
  const double least = top_level(cell, 8, worst).sigma;
  for (const char* section : {"tt", "ss", "ff"}) {
    for (const double supply : {0.81, 0.9, 0.99}) {
      for (const double temperature : {-40.0, 27.0, 125.0}) {
        EXPECT_GE(top_level(cell, 8, {section, supply, temperature}).sigma, least)
            << section << " " << supply << " V " << temperature << " degC";
      }
    }
  }
}

}  // namespace
}  // namespace flare::studies
