// Whoever evaluates a batch of runs (this process, local workers, later MPI ranks) stands behind Evaluator.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/matrix.hpp"
#include "engine/testbench.hpp"

namespace flare::engine {

/// How a run ended. Everything but `ok` is *unknown* to the analysis: never dropped, never guessed.
enum class Outcome : std::uint8_t {
  ok = 0,
  unconverged = 1,  // no answer on any rung of the retry ladder
  timed_out = 2,    // past the time limit, twice
  crashed = 3,      // the simulator died, twice
  unmeasured = 4,   // simulated, but a measure is undefined (e.g. a crossing that never happens)
};

std::string_view to_string(Outcome outcome);

struct RunResult {
  Outcome outcome = Outcome::unconverged;
  std::uint8_t rung = 0;         // of the retry ladder: 0 = first try as asked
  std::vector<double> measures;  // one per Measure; NaN where outcome != ok
  std::string message;           // the simulator's words where outcome != ok
};

/// Runs to do: one testbench, one row of `points` (standard-normal coordinates) per run.
struct Job {
  std::shared_ptr<const Testbench> testbench;
  Matrix points;  // runs x testbench->dimension()
};

/// Called on the thread that called evaluate(), once per run, in any order.
using OnRun = std::function<void(std::size_t job, std::size_t row, const RunResult& result)>;

class Evaluator {
 public:
  virtual ~Evaluator() = default;

  /// Evaluates every row of every job. A run's result is a pure function of (testbench, point): it does not
  /// depend on the order, the number of workers or what was run before. Returns early, with the finished runs
  /// delivered, once `stop` is requested. Throws std::runtime_error where no run could be made (a netlist
  /// that does not load, a worker that cannot start), std::invalid_argument for a point of the wrong length.
  virtual void evaluate(std::span<const Job> jobs, const OnRun& on_run, std::stop_token stop = {}) = 0;

  /// Sizes read from the loaded circuit: for each device the value of each parameter, e.g. w and l in m.
  /// Rows: devices; columns: parameters.
  virtual Matrix device_parameters(const Deck& deck, std::span<const std::string> devices,
                                   std::span<const std::string> parameters) = 0;

  /// One run with its waveforms kept (replay).
  virtual Waveforms waveforms(const Testbench& testbench, const Eigen::RowVectorXd& point) = 0;
};

}  // namespace flare::engine
