#include "studies/converter/offset_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace flare::studies {

OffsetSearch::OffsetSearch(double guess, double slope, double tolerance, int most)
    : next_(guess), slope_(slope), tolerance_(tolerance), most_(most) {}

double OffsetSearch::offset() const { return found_ ? next_ : NAN; }

void OffsetSearch::tell(double value) {
  ++runs_;
  if (!std::isfinite(value)) {
    done_ = true;
    return;
  }
  // The side that stays where it is counts half (Illinois): else a flat end would hold the secant back.
  const bool rises = value > 0.0;
  const bool again = runs_ > 1 && rises == (last_value_ > 0.0);
  last_ = next_;
  last_value_ = value;
  if (rises) {
    if (has_low_ && again) low_value_ *= 0.5;
    high_ = next_;
    high_value_ = value;
    has_high_ = true;
  } else {
    if (has_high_ && again) high_value_ *= 0.5;
    low_ = next_;
    low_value_ = value;
    has_low_ = true;
  }
  step();
}

double OffsetSearch::expansion() const {
  // Twice as far as a straight line says, and further each time: d is flat where the latch has decided.
  const double linear = std::fabs(last_value_) / slope_;
  return std::max({2.0 * linear, 2.0 * stride_, tolerance_});
}

void OffsetSearch::step() {
  const double rest = last_value_ / slope_;
  if (std::fabs(rest) <= 0.5 * tolerance_ || (has_low_ && has_high_ && high_ - low_ <= tolerance_)) {
    next_ = last_ - rest;
    if (has_low_ && has_high_) next_ = std::clamp(next_, std::min(low_, high_), std::max(low_, high_));
    done_ = found_ = true;
    return;
  }
  if (runs_ >= most_) {
    done_ = true;
    return;
  }
  if (has_low_ && has_high_) {
    next_ = low_ - low_value_ * (high_ - low_) / (high_value_ - low_value_);
    return;
  }
  stride_ = runs_ == 1 && std::fabs(rest) < 20.0 * tolerance_ ? std::fabs(rest) : expansion();
  next_ = last_ + (last_value_ > 0.0 ? -stride_ : stride_);
}

namespace {

/// The searches of one task, and which of them want a run.
struct TaskSearch {
  const OffsetTask* task = nullptr;
  std::vector<OffsetSearch> searches;
  std::vector<std::size_t> asked;

  engine::RunRequest request(int round) {
    asked.clear();
    for (std::size_t i = 0; i < searches.size(); ++i) {
      if (!searches[i].done()) asked.push_back(i);
    }
    engine::Matrix points(static_cast<Eigen::Index>(asked.size()), task->points.cols());
    for (std::size_t row = 0; row < asked.size(); ++row) {
      const auto r = static_cast<Eigen::Index>(row);
      points.row(r) = task->points.row(static_cast<Eigen::Index>(asked[row]));
      points(r, 0) = searches[asked[row]].next();
    }
    return {fmt::format("{}/round{}", task->stream, round), 0, task->testbench, std::move(points)};
  }

  void tell(const std::vector<engine::RunResult>& results) {
    for (std::size_t row = 0; row < asked.size(); ++row) {
      const engine::RunResult& run = results[row];
      searches[asked[row]].tell(engine::simulated(run.outcome) ? run.measures.at(0) : NAN);
    }
  }
};

}  // namespace

std::vector<OffsetResult> find_offsets(const std::vector<OffsetTask>& tasks, double tolerance,
                                       const MakeAllRuns& make) {
  std::vector<TaskSearch> open;
  for (const OffsetTask& task : tasks) {
    TaskSearch& search = open.emplace_back(TaskSearch{&task, {}, {}});
    for (const double guess : task.guesses) search.searches.emplace_back(guess, task.slope, tolerance);
  }
  for (int round = 0;; ++round) {
    std::vector<engine::RunRequest> requests;
    std::vector<TaskSearch*> asking;
    for (TaskSearch& search : open) {
      engine::RunRequest request = search.request(round);
      if (request.points.rows() == 0) continue;
      requests.push_back(std::move(request));
      asking.push_back(&search);
    }
    if (requests.empty()) break;
    const auto results = make(requests);
    for (std::size_t i = 0; i < asking.size(); ++i) asking[i]->tell(results[i]);
  }
  std::vector<OffsetResult> found;
  for (const TaskSearch& search : open) {
    OffsetResult& result = found.emplace_back();
    for (const OffsetSearch& one : search.searches) {
      result.offsets.push_back(one.offset());
      result.runs += static_cast<std::size_t>(one.runs());
    }
  }
  return found;
}

}  // namespace flare::studies
