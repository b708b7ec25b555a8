#include "engine/workers/run_schedule.hpp"

#include <algorithm>

namespace flare::engine {

void RunSchedule::add(const Job& job) {
  const auto rows = static_cast<std::size_t>(job.points.rows());
  if (rows > 0) open_[job.priority].push_back(jobs_.size());
  jobs_.push_back({rows, 0, 0, job.priority});
  left_ += rows;
}

RunRef RunSchedule::take_of(std::size_t job) {
  Open& taken = jobs_[job];
  const RunRef run{job, taken.next++, 0};
  if (taken.next == taken.rows) {
    const auto place = open_.find(taken.priority);
    std::erase(place->second, job);
    if (place->second.empty()) open_.erase(place);
  }
  return run;
}

std::optional<RunRef> RunSchedule::take(std::size_t* at) {
  if (open_.empty()) {
    leave(at);
    return std::nullopt;
  }
  const auto& [priority, open] = *open_.begin();
  if (*at < jobs_.size() && jobs_[*at].priority == priority && jobs_[*at].next < jobs_[*at].rows)
    return take_of(*at);
  leave(at);
  std::size_t best = open.front();
  for (const std::size_t job : open) {
    if (jobs_[best].workers == 0) break;
    if (jobs_[job].workers < jobs_[best].workers) best = job;
  }
  *at = best;
  ++jobs_[best].workers;
  return take_of(best);
}

std::size_t queue_depth(double mean_run) {
  if (mean_run <= 0.0) return 2;
  if (mean_run > 0.05) return 1;
  return static_cast<std::size_t>(std::clamp(1.0 + 0.004 / mean_run, 2.0, 32.0));
}

}  // namespace flare::engine
