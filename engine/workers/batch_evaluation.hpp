// One call of evaluate(): the runs of a batch of jobs on the workers of a pool.
#pragma once

#include <chrono>
#include <span>
#include <stop_token>

#include "engine/workers/run_schedule.hpp"
#include "engine/workers/worker_set.hpp"

namespace flare::engine {

/// Fills the workers' queues, takes their results, replaces those that crash or take too long.
class BatchEvaluation {
 public:
  BatchEvaluation(WorkerSet& pool, std::span<const Job> jobs, const OnRun& on_run)
      : pool_(pool), jobs_(jobs), on_run_(on_run), schedule_(jobs) {
    for (WorkerSlot& slot : pool_.slots) slot.job = std::numeric_limits<std::size_t>::max();
  }
  /// A worker that is still busy when the call ends, early or by an exception, is of no further use.
  ~BatchEvaluation() {
    for (WorkerSlot& slot : pool_.slots) {
      if (slot.busy()) slot.process.kill();
      slot.queue.clear();
      slot.retry.reset();
    }
  }
  BatchEvaluation(const BatchEvaluation&) = delete;
  BatchEvaluation& operator=(const BatchEvaluation&) = delete;

  /// Returns once every run is done, or soon after a stop is asked for.
  void run(const std::stop_token& stop);

 private:
  void fill(WorkerSlot& slot);
  void send(WorkerSlot& slot, const RunRef& run);
  void exchange(WorkerSlot& slot);
  void take_result(WorkerSlot& slot, const Message& message);
  void lose(WorkerSlot& slot);
  void replace(WorkerSlot& slot, Outcome why);
  void replace_blameless(WorkerSlot& slot, const char* what);
  std::optional<RunRef> take_back(WorkerSlot& slot);
  void watch_time(WorkerSlot& slot);
  std::chrono::milliseconds patience() const;

  WorkerSet& pool_;
  std::span<const Job> jobs_;
  const OnRun& on_run_;
  RunSchedule schedule_;
};

}  // namespace flare::engine
