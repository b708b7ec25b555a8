// Whoever evaluates a batch of runs (this process, local workers, later MPI ranks) stands behind Evaluator.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/matrix.hpp"
#include "engine/netlist/circuit.hpp"
#include "engine/simulate/testbench.hpp"

namespace flare::engine {

/// How a run ended. Whatever was not simulated is *unknown* to the analysis: never dropped, never guessed.
enum class Outcome : std::uint8_t {
  ok = 0,           // simulated; a measure may still be undefined (NaN), e.g. a crossing that never happens
  unconverged = 1,  // no answer on any rung of the retry ladder
  timed_out = 2,    // past the time limit, twice
  crashed = 3,      // the simulator died, twice
  unmeasured = 4,   // only in files of earlier versions: simulated, and some measure is undefined
};

std::string_view to_string(Outcome outcome);

/// The simulator gave an answer: every measure that has a value has it.
inline bool simulated(Outcome outcome) { return outcome == Outcome::ok || outcome == Outcome::unmeasured; }

struct RunResult {
  Outcome outcome = Outcome::unconverged;
  std::uint8_t rung = 0;         // of the retry ladder: 0 = first try as asked
  std::vector<double> measures;  // one per Measure; NaN where it is undefined or the run was not simulated
  std::string message;           // the simulator's words where outcome != ok
};

/// What the simulator has loaded: its expanded statements, and the names of what can be measured in it.
struct Listing {
  std::vector<std::string> lines;
  std::vector<std::string> vectors;

  Circuit circuit() const { return {lines, vectors}; }
};

/// What a testbench showed before anything depends on it.
struct Rehearsal {
  RunResult nominal;          // without variation
  RunResult again;            // the same after another run: a circuit that remembers gives other bits
  std::string singular_node;  // of which the simulator said "singular matrix"; empty: it did not

  bool remembers() const;
};

/// Runs to do: one testbench, one row of `points` (standard-normal coordinates) per run.
struct Job {
  std::shared_ptr<const Testbench> testbench;
  Matrix points;     // runs x testbench->dimension()
  int priority = 0;  // of the jobs at hand the highest go first; never shows in a result
};

/// Called once per run, in any order, never twice at once, before evaluate() returns.
using OnRun = std::function<void(std::size_t job, std::size_t row, const RunResult& result)>;

/// The simulator does not take what it was given: a netlist that does not load, a parameter or vector that the
/// circuit lacks, a run it gave up. In the simulator's words.
class CircuitRefused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A stop was asked for before the end: what is finished has been delivered.
class Stopped : public std::runtime_error {
 public:
  Stopped() : std::runtime_error("stopped before the end") {}
};

/// Simulators were killed from outside, got no memory or did not get to run, again and again: nothing is known of the
/// circuit, and the machine or its limits are to blame. The same study can go on elsewhere or later.
class MachineFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Jobs that come up while others are being done. All calls come from the thread that evaluates.
class JobSource {
 public:
  virtual ~JobSource() = default;
  /// Jobs that have come up since the last call; each is numbered in this order and lives until its last run is told.
  virtual std::vector<const Job*> more() = 0;
  /// No job will come any more.
  virtual bool ended() = 0;
  /// A descriptor that can be read where one of the above has news; below zero: there is never any.
  virtual int descriptor() const { return -1; }
  virtual void on_run(std::size_t job, std::size_t row, const RunResult& result) = 0;
};

class Evaluator {
 public:
  virtual ~Evaluator() = default;

  /// Evaluates every row of every job. A run's result is a pure function of (testbench, point): it does not
  /// depend on the order, the number of workers or what was run before. Returns early, with the finished runs
  /// delivered, once `stop` is requested. Throws CircuitRefused where the simulator does not take the circuit,
  /// std::runtime_error where no run could be made (a worker that cannot start), std::invalid_argument for a point of the wrong length.
  virtual void evaluate(std::span<const Job> jobs, const OnRun& on_run, std::stop_token stop = {}) = 0;
  /// The same for jobs that come one after the other: returns once the source has ended and all its runs are made.
  virtual void serve(JobSource& source, std::stop_token stop);

  /// The circuit as the simulator has loaded it. Throws CircuitRefused where it does not load.
  virtual Listing listing(const Deck& deck, const SimulatorOptions& options) = 0;

  /// What the loaded circuit says of every knob, after `settings`; NaN where it has no such device or parameter.
  virtual std::vector<double> values(const Deck& deck, const SimulatorOptions& options,
                                     std::span<const Setting> settings, std::span<const Knob> knobs) = 0;

  /// Runs the testbench without variation, with all coordinates at 2, and without again.
  virtual Rehearsal rehearse(const Testbench& testbench) = 0;

  /// One run with its waveforms kept (replay).
  virtual Waveforms waveforms(const Testbench& testbench, const Eigen::RowVectorXd& point) = 0;
};

}  // namespace flare::engine
