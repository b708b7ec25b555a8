// Local worker processes, each with one ngspice inside, behind the Evaluator interface.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <stop_token>

#include "engine/simulate/evaluator.hpp"
#include "engine/workers/worker_link.hpp"

namespace flare::engine {

struct WorkerPoolOptions {
  std::filesystem::path worker;  // flare_worker; empty: beside this program, then ../libexec/flare
  int workers = 0;               // of this machine; 0: one for every core this process may use
  /// Processor time of a run. Past it the worker is replaced and the run done once more.
  std::chrono::milliseconds run_time_limit{60'000};
  /// A worker that has not got any processor time for so long, while this process has, is stuck or was stopped: it is
  /// replaced, and its run done elsewhere.
  std::chrono::milliseconds stall_limit{30'000};
  /// After so many runs, or once it has grown by so much, a worker is replaced: ngspice's memory grows by 0.65 kB a run
  /// of an operating point, 2.9 kB of a transient.
  int runs_per_worker = 20'000;
  std::size_t memory_growth = std::size_t{128} << 20;
  /// Ends questions to a worker, too, which evaluate() does not cover.
  std::stop_token stop{};

  /// True where the options make sense; else false with the reason.
  bool is_valid(std::string* error) const;
};

class WorkerPool final : public Evaluator {
 public:
  /// `remote`: workers elsewhere, beside those of this machine.
  explicit WorkerPool(WorkerPoolOptions options, std::unique_ptr<RemoteWorkers> remote = {});
  ~WorkerPool() override;

  void evaluate(std::span<const Job> jobs, const OnRun& on_run, std::stop_token stop = {}) override;
  void serve(JobSource& source, std::stop_token stop) override;
  Listing listing(const Deck& deck, const SimulatorOptions& options) override;
  std::vector<double> values(const Deck& deck, const SimulatorOptions& options,
                             std::span<const Setting> settings, std::span<const Knob> knobs) override;
  Rehearsal rehearse(const Testbench& testbench) override;
  Waveforms waveforms(const Testbench& testbench, const Eigen::RowVectorXd& point) override;

  int workers() const;
  std::string ngspice_version();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flare::engine
