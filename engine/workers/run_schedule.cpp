#include "engine/workers/run_schedule.hpp"

#include <algorithm>

namespace flare::engine {

std::optional<RunRef> RunSchedule::take(std::size_t* at) {
  if (*at < jobs_.size() && has_rows(*at)) return RunRef{*at, next_[*at]++, 0};
  leave(at);
  std::optional<std::size_t> best;
  for (std::size_t job = first_; job < jobs_.size(); ++job) {
    if (!has_rows(job)) continue;
    if (!best) first_ = job;
    if (!best || workers_[job] < workers_[*best]) best = job;
    if (workers_[*best] == 0) break;
  }
  if (!best) return std::nullopt;
  *at = *best;
  ++workers_[*best];
  return RunRef{*at, next_[*at]++, 0};
}

std::size_t queue_depth(double mean_run) {
  if (mean_run <= 0.0) return 2;
  if (mean_run > 0.05) return 1;
  return static_cast<std::size_t>(std::clamp(1.0 + 0.004 / mean_run, 2.0, 32.0));
}

}  // namespace flare::engine
