// Does the shipped read stack hold six sigma at SAWL 8? A first-order answer under plain ngspice: the
// standard deviation of the level from central differences over one sigma of each mismatch variable of one
// on-cell, times sqrt(k) because cells are alike and independent. Monte Carlo and rare-event estimates are
// the studies' business.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>

#include "studies/column/column.hpp"
#include "tests/netlists/ngspice_batch.hpp"

namespace flare::studies {
namespace {

using netlist_test::run_ngspice;

// Pelgrom coefficients of one device (data/devices/README.md), and the converter's offset in steps.
constexpr double avt = 1.3e-9;    // V m
constexpr double abeta = 0.7e-8;  // m
constexpr double offset_step = 0.03;

struct Corner {
  const char* section;
  double supply, temperature;
};
constexpr Corner nominal = {"tt", 0.9, 27.0};
constexpr Corner worst = {"ss", 0.81, -40.0};

struct TopLevel {
  double cell_sigma = 0.0;   // of one cell's step, relative
  double compression = 0.0;  // last step over first step
  double sigma = 0.0;        // half the last step over the level's standard deviation, offset included
};

ColumnOptions timed(ColumnOptions options, double swing) {
  const TimingRun timing = timing_run(options, swing);
  std::string netlist = column_netlist(timing.options);
  netlist.insert(netlist.find(".end"),
                 fmt::format(".measure tran crossing when v(rbl)={} fall=1\n", timing.level));
  options.wordline_off = timing.wordline_off(run_ngspice(netlist).measures.at("crossing"));
  return options;
}

double level(ColumnOptions options, int k) {
  options.on_cells = k;
  return run_ngspice(column_netlist(options)).measures.at("level");
}

// Standard deviation of the level that one on-cell's mismatch causes, V.
double level_sigma_of_one_cell(const ColumnOptions& options) {
  std::string netlist = column_netlist(options);
  netlist.resize(netlist.find(".tran"));
  netlist += ".save v(rbl)\n.control\n";
  const double end = sense_time(options);
  int runs = 0;
  const auto run = [&](const std::string& knob, double value, double nominal_value) {
    netlist +=
        fmt::format("alter {} = {}\ntran {} {} 0 {}\nmeas tran level{} find v(rbl) at={}\nalter {} = {}\n",
                    knob, value, end / 10, end, end / 10, runs++, end * (1 - 1e-6), knob, nominal_value);
  };
  const std::array<double, 2> areas = {options.cell.access_width * options.cell.access_length,
                                       options.cell.driver_width * options.cell.driver_length};
  const std::array<const char*, 2> devices = {"ma", "md"};
  for (std::size_t d = 0; d < devices.size(); ++d) {
    const double vt = avt / std::sqrt(areas[d]), beta = abeta / std::sqrt(areas[d]);
    for (const double sign : {1.0, -1.0}) run(fmt::format("@m.x0.{}[delvto]", devices[d]), sign * vt, 0.0);
    for (const double sign : {1.0, -1.0})
      run(fmt::format("@m.x0.{}[mulu0]", devices[d]), std::exp(sign * beta), 1.0);
  }
  const auto measures = run_ngspice(netlist + ".endc\n.end\n").measures;
  double variance = 0.0;
  for (int i = 0; i < runs; i += 2) {
    const double half_difference =
        (measures.at(fmt::format("level{}", i)) - measures.at(fmt::format("level{}", i + 1))) / 2;
    variance += half_difference * half_difference;
  }
  return std::sqrt(variance);
}

TopLevel top_level(const ReadCell& cell, int sawl, const Corner& corner, double wordline_ratio = 1.0) {
  ColumnOptions options;
  options.netlists = netlist_test::netlist_folder();
  options.section = corner.section;
  options.supply = corner.supply;
  options.temperature = corner.temperature;
  options.cell = cell;
  options.sawl = options.on_cells = sawl;
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
  for (const ReadCell& cell : {read_cell("sram8t_min"), ReadCell{"", 300 * nm, 30 * nm, 500 * nm, 30 * nm},
                               ReadCell{"", 300 * nm, 60 * nm, 400 * nm, 60 * nm},
                               ReadCell{"", 400 * nm, 60 * nm, 600 * nm, 60 * nm},
                               ReadCell{"", 1000 * nm, 80 * nm, 800 * nm, 80 * nm},
                               ReadCell{"", 720 * nm, 150 * nm, 520 * nm, 150 * nm}, read_cell("sram8t")}) {
    const TopLevel typical = top_level(cell, 8, nominal), slow = top_level(cell, 8, worst);
    std::printf(
        "%4.0f/%-3.0f %4.0f/%-3.0f  %.4f um2  cell %.2f / %.2f %%  last/first %.3f / %.3f  sigma %.2f / "
        "%.2f\n",
        cell.access_width / nm, cell.access_length / nm, cell.driver_width / nm, cell.driver_length / nm,
        cell.gate_area() * 1e12, typical.cell_sigma * 100, slow.cell_sigma * 100, typical.compression,
        slow.compression, typical.sigma, slow.sigma);
    EXPECT_GT(typical.sigma, slow.sigma);
    EXPECT_GT(slow.compression, 0.85);
  }
}

TEST(Sizing, ShippedCellHoldsSixSigmaAtSawl8AndNotAt16) {
  const ReadCell cell = read_cell("sram8t");
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
  const ReadCell cell = read_cell("sram8t");
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
