// What the default options cost in accuracy, on the circuit the studies are about: the shipped 8T column.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "engine/simulate/testbench_runner.hpp"
#include "studies/column/column.hpp"

namespace flare::engine {
namespace {

Testbench column(int on_cells) {
  studies::ColumnOptions options;
  options.cell = studies::shipped_cell("sram8t");
  options.card = FLARE_SOURCE_DIR "/netlists/cards/cmos28.lib";
  options.on_cells = on_cells;
  Testbench bench = studies::column_testbench(options);
  for (const std::string& element : studies::varying_elements(options)) {
    bench.knobs.push_back({KnobKind::instance, "m." + element, "delvto"});
    bench.knobs.push_back({KnobKind::instance, "m." + element, "mulu0"});
  }
  return bench;
}

std::vector<double> levels(NgspiceSimulator& simulator, const Testbench& circuit,
                           const SimulatorOptions& options, double steps) {
  const std::vector<std::string> save{"v(rbl)"};
  simulator.load(circuit.deck, options, 0, save);
  Analysis analysis;
  analysis.stop = circuit.analysis.stop;
  analysis.step = analysis.max_step = analysis.stop / steps;
  std::mt19937_64 generator(11);
  std::normal_distribution<double> normal;
  std::vector<double> found;
  for (int run = 0; run < 6; ++run) {
    std::vector<double> settings;
    // Six times the mismatch of a cell, so that the tail is covered.
    for (const Knob& knob : circuit.knobs) {
      settings.push_back(knob.parameter == "delvto" ? 0.03 * normal(generator)
                                                    : std::exp(0.1 * normal(generator)));
    }
    simulator.set(circuit.knobs, settings);
    Waveforms waveforms;
    EXPECT_TRUE(simulator.run(analysis_command(analysis, 0), analysis.stop, save, &waveforms));
    found.push_back(waveforms.values.at(0).back());
  }
  return found;
}

TEST(ColumnAccuracy, LevelsAreWithinAFifthOfAMillivoltOfTenTimesFinerSteps) {
  NgspiceSimulator simulator;
  SimulatorOptions finer;
  finer.reltol /= 100.0;  // of Newton's method and, with trtol, of the truncation error
  finer.bypass = false;
  for (const int on_cells : {1, 4, 8}) {
    const Testbench circuit = column(on_cells);
    const std::vector<double> fast = levels(simulator, circuit, {}, 20.0);
    const std::vector<double> exact = levels(simulator, circuit, finer, 200.0);
    for (std::size_t i = 0; i < fast.size(); ++i) EXPECT_NEAR(fast[i], exact[i], 2e-4) << on_cells;
  }
}

}  // namespace
}  // namespace flare::engine
