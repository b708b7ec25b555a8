// Which run goes to which worker next.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "engine/simulate/evaluator.hpp"

namespace flare::engine {

/// One row of one job, on its way.
struct RunRef {
  std::size_t job = 0;
  std::size_t row = 0;
  int attempts = 0;  // that ended with the simulator's death or past the time limit
  int faults = 0;    // that the machine ended: they say nothing of the circuit
};

/// What is left to do in one evaluate(). Jobs may be added while others are under way.
class RunSchedule {
 public:
  RunSchedule() = default;
  explicit RunSchedule(std::span<const Job> jobs) {
    for (const Job& job : jobs) add(job);
  }

  void add(const Job& job);
  std::size_t left() const { return left_; }
  void done() { --left_; }

  /// The next row for a worker that is at job `*at`: of a job of the highest priority at hand; there of the same job as
  /// long as it lasts, then of the one that has the fewest workers, so that netlists are loaded rarely.
  std::optional<RunRef> take(std::size_t* at);

  /// Rows that were sent but not simulated, back to be done.
  void give_back(const RunRef& run) { returned_.push_back(run); }
  std::optional<RunRef> take_returned() {
    if (returned_.empty()) return std::nullopt;
    const RunRef run = returned_.front();
    returned_.pop_front();
    return run;
  }
  void leave(std::size_t* at) {
    if (*at < jobs_.size()) --jobs_[*at].workers;
    *at = std::numeric_limits<std::size_t>::max();
  }

 private:
  struct Open {
    std::size_t rows = 0;
    std::size_t next = 0;
    int workers = 0;
    int priority = 0;
  };
  RunRef take_of(std::size_t job);

  std::vector<Open> jobs_;
  // Jobs with rows left, in the order they came, the highest priority first.
  std::map<int, std::vector<std::size_t>, std::greater<>> open_;
  std::deque<RunRef> returned_;
  std::size_t left_ = 0;
};

/// Runs to keep in a worker's queue, from the mean time of a run in s (0: not known): enough to hide the way to
/// the pool and back, few enough that no worker idles at the end while another has runs waiting.
std::size_t queue_depth(double mean_run);

}  // namespace flare::engine
