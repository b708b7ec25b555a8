// The worker processes of a pool, which outlive a call of evaluate(), with what the pool knows of each.
#pragma once

#include <poll.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/simulate/testbench.hpp"
#include "engine/workers/run_schedule.hpp"
#include "engine/workers/worker_pool.hpp"
#include "engine/workers/worker_process.hpp"

namespace flare::engine {

/// The time a worker has had for what it does now. Time in which this process did not run either (it was suspended with
/// all its workers) is nobody's.
class RunClock {
 public:
  using Clock = std::chrono::steady_clock;

  void start(const WorkerLink& process);
  void look(const WorkerLink& process);
  double processor_time() const { return used_; }  // s, since start()
  double seen() const { return seen_; }            // s, while this process was awake
  double idle() const { return idle_; }            // s, at the end, in which the worker got no processor time

 private:
  Clock::time_point looked_;
  double begin_ = 0.0;
  double used_ = 0.0;
  double seen_ = 0.0;
  double idle_ = 0.0;
};

/// A worker with what the pool knows of it.
struct WorkerSlot {
  explicit WorkerSlot(std::unique_ptr<WorkerLink> to) : link(std::move(to)), process(*link) {}

  std::unique_ptr<WorkerLink> link;
  WorkerLink& process;
  bool greeted = false;                     // has said hello
  std::shared_ptr<const Testbench> loaded;  // held, so that no other testbench can have its address
  std::size_t job = std::numeric_limits<std::size_t>::max();  // of the current evaluate()
  std::deque<RunRef> queue;                                   // sent; the first is being simulated
  std::optional<RunRef> retry;                                // to be done first, by a fresh process
  std::chrono::steady_clock::time_point since;  // when the first of the queue (or the start) began
  RunClock clock;                               // from then on
  std::size_t memory = 0;  // bytes that the process held when it had warmed up; 0: not known
  bool grown = false;      // by more than it may since
  double mean_run = 0.0;   // s, of late; 0: not known
  int runs = 0;            // by this process
  bool traces = false;     // what was loaded has set what stays for the next circuit: leaves_traces()

  bool busy() const { return !queue.empty(); }
};

/// The workers, started where they are needed.
struct WorkerSet {
  WorkerPoolOptions options;
  std::filesystem::path program;
  std::unique_ptr<RemoteWorkers> remote;  // null: all are of this machine
  std::deque<WorkerSlot> slots;           // those of this machine first
  std::string version;
  int failed_starts = 0;
  Death last_death = Death::crash;  // of a worker

  WorkerSet(WorkerPoolOptions given, std::unique_ptr<RemoteWorkers> remote);

  /// Starts or restarts a worker. Throws std::runtime_error where several have ended before their first word.
  void start(WorkerSlot& slot);
  void greet(WorkerSlot& slot, const Message& message);
  /// Looks now and then at how much memory the worker holds.
  void watch_memory(WorkerSlot& slot) const;
  /// Sends the testbench unless the worker has it.
  void load(WorkerSlot& slot, const std::shared_ptr<const Testbench>& testbench);
  /// One question to one worker, and its answer; for what is asked rarely.
  Message ask(MessageKind kind, std::span<const std::uint8_t> body,
              const std::shared_ptr<const Testbench>& testbench);
  /// A question about a testbench, which takes the place of whatever the worker had loaded.
  Message ask_about(MessageKind kind, const Testbench& testbench);
  /// Until a worker has something to say or can take more, or `news` can be read (below zero: none), at most so long:
  /// an entry a slot, and the last of `news`.
  std::vector<pollfd> wait(std::chrono::milliseconds at_most, int news = -1) const;

 private:
  double time_of_question() const;
  bool overdue(WorkerSlot& slot) const;
};

}  // namespace flare::engine
