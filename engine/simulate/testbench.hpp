// A testbench: a netlist, what varies in it, what is simulated and what is measured. It is all the engine
// knows of a study: a batch of parameter vectors goes in, a batch of measures with outcomes comes out.
#pragma once

#include <string>
#include <vector>

#include "engine/measures/measure.hpp"
#include "engine/netlist/deck.hpp"
#include "engine/simulate/variation.hpp"

namespace flare::engine {

enum class AnalysisKind {
  operating_point,
  transient,
  dc_sweep,  // of the DC value of one source
  ac_sweep,  // small-signal, over the frequency
  noise,     // spectral densities over the frequency
};

/// What one run simulates. Times in s; of a sweep `start`, `stop` and `step` are in V or A, or in Hz.
struct Analysis {
  AnalysisKind kind = AnalysisKind::transient;
  double step = 1e-12;       // suggested (print) step
  double stop = 1e-9;        // end: choose it no later than the last measure needs
  double max_step = 0.0;     // 0: the simulator's choice
  bool use_initial = false;  // start from .ic values instead of the operating point
  std::string swept = {};    // dc_sweep: flat name of the source; noise: the source it is referred to
  double start = 0.0;        // of a sweep, below its stop
  int points = 0;            // ac_sweep and noise: a decade
  std::string output = {};   // noise: "v(out)" or "v(a,b)"
};

/// Numerical options of the simulator. With a largest step of a twentieth of the transient the defaults keep
/// the level of the shipped column within 0.2 mV of a run with ten times finer steps (tests/engine);
/// engine/README.md says what each costs and moves.
struct SimulatorOptions {
  std::string method = "trap";  // "trap" or "gear"
  double reltol = 1e-3;
  double abstol = 1e-12;  // A
  double vntol = 1e-6;    // V
  double chgtol = 1e-14;  // C
  /// A time step stands where its truncation error is below trtol times the tolerances above.
  double trtol = 0.04;
  /// Reuse a device while its voltages move by less than reltol: wrong by millivolts at 1e-3.
  bool bypass = false;
  double temperature = 27.0;  // degC, where no knob sets it
  /// The simulator's compatibility modes ("hsa", "psa", ...), `ngbehavior` of ngspice; empty: none.
  std::string compatibility;
};

/// A knob held at one value in every run: the supply of a corner.
struct Setting {
  Knob knob;
  double value = 0.0;

  bool operator==(const Setting&) const = default;
};

/// Plain data: a pure function of the study. Two testbenches that compare equal give the same results.
struct Testbench {
  std::string name;  // for messages: "sram8t sawl 8 tt 0.90 V 27 degC k 5"
  Deck deck;
  std::vector<Setting> settings;  // made when the circuit is loaded: nominals are read after them
  std::vector<Knob> knobs;
  std::vector<Variable> variables;
  std::vector<NetlistFormula> formulas;  // of knobs that follow the netlist's own draws
  Analysis analysis;
  SimulatorOptions options;
  std::vector<Measure> measures;

  /// d, the number of standard-normal coordinates of a run.
  std::size_t dimension() const { return variables.size(); }
};

}  // namespace flare::engine
