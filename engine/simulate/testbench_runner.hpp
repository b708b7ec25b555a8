// One testbench on one simulator: points in standard-normal space in, measures with outcomes out.
//
// The retry ladder. Rung 0 simulates as the testbench asks. Where that gives no answer, rung 1 drops bypass
// and lets the operating point take more iterations and finer gmin and source steps; rung 2 changes to Gear's
// method with a tenth of the time step and the tightest truncation control. Past it the run is `unconverged`.
// Every run starts at rung 0 from a circuit in the same state, so its result does not depend on the runs
// before it; rehearse() shows it. What a knob starts from is read from the loaded circuit.
#pragma once

#include <Eigen/Core>
#include <optional>

#include "engine/measures/measure_set.hpp"
#include "engine/simulate/evaluator.hpp"
#include "engine/simulate/ngspice.hpp"
#include "engine/simulate/testbench.hpp"

namespace flare::engine {

class TestbenchRunner {
 public:
  /// Keeps references: both must outlive the runner.
  TestbenchRunner(NgspiceSimulator& simulator, const Testbench& testbench);

  /// Simulates at `x` (length dimension()). Throws std::runtime_error where the netlist does not load or
  /// lacks what a knob or a measure names, SimulatorDied where the process must be replaced. What goes well without
  /// variation and is refused at `x` (a domain error, a setting out of range) is `unconverged`.
  RunResult run(const Eigen::Ref<const Eigen::RowVectorXd>& x);

  /// Whether the circuit has been loaded: a simulator that dies later died of a run.
  bool has_loaded() const { return has_loaded_; }

  /// What the circuit says of every knob, after the settings; NaN where it has no such device or parameter.
  const std::vector<double>& nominals();

  /// Runs from a fresh load: without variation, with all coordinates at 2, without again.
  Rehearsal rehearse();

  /// The same run with every node voltage and branch current kept. Throws where it does not converge.
  Waveforms waveforms(const Eigen::Ref<const Eigen::RowVectorXd>& x);

 private:
  using Point = Eigen::Ref<const Eigen::RowVectorXd>;

  void load(int rung, bool keep_all);
  void load_deck(const Deck& deck, int rung, bool keep_all);
  void read_nominals(bool parameters);
  void check_vectors();
  std::vector<double> settings_at(const Point& x, std::string* trouble);
  void set_in_place(const std::vector<double>& settings);
  bool simulate(const Point& x, bool keep_all, Waveforms* waveforms, RunResult* result);
  bool search(const Point& x, std::vector<double>* found, RunResult* result);
  void remember_singular();
  bool works_without_variation();

  NgspiceSimulator& simulator_;
  const Testbench& testbench_;
  std::vector<std::string> vectors_;
  MeasureSet measures_;
  Analysis analysis_;
  std::vector<double> nominals_;  // empty: not read yet
  std::vector<double> units_;     // of the knobs: what alter multiplies a length or an area by (option scale)
  bool has_parameters_ = false;   // some knob is a .param: every run loads the circuit afresh
  std::string singular_node_;     // that the simulator named since rehearse() began
  int loaded_rung_ = -1;          // of the circuit in the simulator; -1: none that may be used
  std::uint64_t load_ = 0;        // the simulator's count when it was loaded
  bool loaded_all_ = false;
  bool vectors_checked_ = false;
  bool sources_checked_ = false;
  bool has_loaded_ = false;
  std::optional<bool> works_;  // without variation; asked where a run was refused
  Waveforms scratch_;
  Waveforms searched_;
  std::vector<Knob> search_sources_;     // each once
  std::vector<double> search_nominals_;  // likewise
  std::optional<Setting> forced_;        // a search's source while it is looked at
};

}  // namespace flare::engine
