// Columns of the shipped cell under plain ngspice.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "engine/simulate/netlist_text.hpp"
#include "studies/column/column.hpp"
#include "tests/netlists/ngspice_batch.hpp"

namespace flare::studies {

struct ProcessCorner {
  const char* section;
  double supply, temperature;
};

inline ColumnOptions shipped_column(const Cell& cell, int sawl, const ProcessCorner& corner) {
  ColumnOptions options;
  options.cell = cell;
  options.card = netlist_test::netlist_folder() / "cards/cmos28.lib";
  options.section = corner.section;
  options.supply = corner.supply;
  options.temperature = corner.temperature;
  options.sawl = sawl;
  options.on_cells = sawl;
  return options;
}

inline std::map<std::string, double> measured(const engine::Testbench& bench) {
  return netlist_test::run_ngspice(engine::netlist_text(bench)).measures;
}

/// V.
inline double level_of(const ColumnOptions& options) {
  return measured(column_testbench(options)).at("level");
}

/// Word line closed as the tracking policy asks, for a swing in V. NaN where the level is never reached.
inline ColumnOptions timed(ColumnOptions options, double swing = 0.4) {
  const TimingRun timing = timing_run(options, swing);
  engine::Testbench bench = column_testbench(timing.options);
  engine::Measure& crossing = bench.measures.front();
  crossing.name = "crossing";
  crossing.reference.clear();
  crossing.kind = engine::MeasureKind::crossing;
  crossing.level = timing.level;
  crossing.edge = engine::Edge::fall;
  const auto found = measured(bench);
  const auto time = found.find("crossing");
  EXPECT_NE(time, found.end()) << bench.name;
  options.wordline_off = timing.wordline_off(time == found.end() ? std::nan("") : time->second);
  return options;
}

}  // namespace flare::studies
