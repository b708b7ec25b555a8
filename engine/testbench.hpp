// A testbench: a netlist, what varies in it, what is simulated and what is measured. It is all the engine
// knows of a study: a batch of parameter vectors goes in, a batch of measures with outcomes comes out.
#pragma once

#include <string>
#include <vector>

#include "engine/deck.hpp"
#include "engine/measure.hpp"
#include "engine/variation.hpp"

namespace flare::engine {

enum class AnalysisKind { operating_point, transient };

/// What one run simulates. Times in s.
struct Analysis {
  AnalysisKind kind = AnalysisKind::transient;
  double step = 1e-12;       // suggested (print) step
  double stop = 1e-9;        // end: choose it no later than the last measure needs
  double max_step = 0.0;     // 0: the simulator's choice
  bool use_initial = false;  // start from .ic values instead of the operating point
};

/// Numerical options of the simulator. The defaults keep the level of the shipped column within 0.2 mV of a
/// run with ten times finer steps (tests/engine, tests/netlists); netlists/README.md has the table. ngspice's own
/// chgtol, 1e-14 C, is as large as all the charge on a bitline.
struct SimulatorOptions {
  std::string method = "trap";  // "trap" or "gear"
  double reltol = 1e-4;
  double abstol = 1e-12;  // A
  double vntol = 1e-6;    // V
  double chgtol = 1e-17;  // C
  double trtol = 5.0;     // a step is taken where its truncation error is below trtol times the tolerances
  bool bypass = false;    // true moves a bitline level by up to 0.7 mV, 27 mV at ngspice's own tolerances
  double temperature = 27.0;  // degC, where no knob sets it
};

/// Plain data: a pure function of the study. Two testbenches that compare equal give the same results.
struct Testbench {
  std::string name;  // for messages: "sram8t sawl 8 tt 0.90 V 27 degC k 5"
  Deck deck;
  std::vector<Knob> knobs;
  std::vector<Variable> variables;
  Analysis analysis;
  SimulatorOptions options;
  std::vector<Measure> measures;

  /// d, the number of standard-normal coordinates of a run.
  std::size_t dimension() const { return variables.size(); }
};

}  // namespace flare::engine
