// One call of evaluate(): the runs of jobs, as they come, on the workers of a pool.
#pragma once

#include <chrono>
#include <stop_token>
#include <vector>

#include "engine/workers/run_schedule.hpp"
#include "engine/workers/worker_set.hpp"

namespace flare::engine {

/// Fills the workers' queues, takes their results, replaces those that crash or take too long.
class BatchEvaluation {
 public:
  BatchEvaluation(WorkerSet& pool, JobSource& source) : pool_(pool), source_(source) {
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
  void take_jobs();
  void hand_out();
  void fill(WorkerSlot& slot, std::size_t depth);
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
  JobSource& source_;
  std::vector<const Job*> jobs_;
  RunSchedule schedule_;
};

}  // namespace flare::engine
