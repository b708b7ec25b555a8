#include "engine/workers/shared_evaluator.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace flare::engine {

SharedEvaluator::SharedEvaluator(Evaluator& evaluator, std::size_t at_once)
    : evaluator_(evaluator),
      at_once_(std::max<std::size_t>(1, at_once)),
      news_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (news_ < 0) throw std::system_error(errno, std::generic_category(), "cannot make an event descriptor");
}

SharedEvaluator::~SharedEvaluator() { close(news_); }

// NOLINTNEXTLINE(performance-unnecessary-value-param): a token of its own while tasks go on
void SharedEvaluator::run(const std::vector<std::function<void()>>& tasks, std::stop_token stop) {
  if (tasks.empty()) return;
  alone();
  running_ = true;
  cut_ = over_ = false;
  stop_ = std::stop_source();
  next_task_ = 0;
  failures_.clear();
  places_.clear();
  posted_.clear();  // of a run that was cut short: nobody waits for them any more
  threads_ = 0;
  std::atomic<std::size_t> ended = 0;
  std::vector<std::function<void()>> counted;
  counted.reserve(tasks.size());
  for (const std::function<void()>& task : tasks) {
    counted.emplace_back([&task, &ended] {
      task();
      ++ended;
    });
  }
  std::exception_ptr failure;
  {
    std::vector<std::jthread> threads;
    start_threads(counted, threads);
    try {
      serve_tasks(stop);
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    cut_ = over_ = true;
    changed_.notify_all();
  }
  running_ = false;
  if (failure) std::rethrow_exception(failure);
  if (!failures_.empty()) std::rethrow_exception(failures_.begin()->second);
  // A stop may come before a task has begun, which then has nothing to say of it.
  if (ended < tasks.size()) throw Stopped();
}

/// As many as the system gives, one at least.
void SharedEvaluator::start_threads(const std::vector<std::function<void()>>& tasks,
                                    std::vector<std::jthread>& threads) {
  while (threads.size() < std::min(at_once_, tasks.size())) {
    {
      const std::lock_guard lock(mutex_);
      ++threads_;
    }
    try {
      threads.emplace_back([this, &tasks] { work(tasks); });
    } catch (const std::system_error&) {
      const std::lock_guard lock(mutex_);
      --threads_;
      if (threads.empty()) throw;
      return;
    }
  }
}

void SharedEvaluator::serve_tasks(const std::stop_token& stop) {
  const std::stop_callback pass_on(stop, [this] { stop_.request_stop(); });
  evaluator_.serve(*this, stop_.get_token());
}

void SharedEvaluator::work(const std::vector<std::function<void()>>& tasks) {
  for (;;) {
    std::size_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = next_task_++;
      if (number >= tasks.size() || cut_) {
        --threads_;
        tell_news();
        return;
      }
      task_of_[std::this_thread::get_id()] = number;
    }
    do_task(tasks[number], number);
  }
}

void SharedEvaluator::do_task(const std::function<void()>& task, std::size_t number) {
  try {
    task();
  } catch (...) {
    const std::lock_guard lock(mutex_);
    // What a task says because it was cut short is not why.
    if (!cut_ || failures_.empty()) failures_.emplace(number, std::current_exception());
    cut_ = true;
    stop_.request_stop();
    tell_news();
  }
  const std::lock_guard lock(mutex_);
  task_of_.erase(std::this_thread::get_id());
}

void SharedEvaluator::tell_news() const {
  const std::uint64_t one = 1;
  // Full only where news is told already.
  [[maybe_unused]] const ssize_t written = write(news_, &one, sizeof one);
}

void SharedEvaluator::evaluate(std::span<const Job> jobs, const OnRun& on_run, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const auto task = task_of_.find(std::this_thread::get_id());
  if (task == task_of_.end()) {
    lock.unlock();
    return evaluator_.evaluate(jobs, on_run, std::move(stop));
  }
  Call call{{jobs.begin(), jobs.end()}, &on_run, 0};
  for (Job& job : call.jobs) {
    job.priority = -static_cast<int>(task->second);
    call.left += static_cast<std::size_t>(job.points.rows());
  }
  if (call.left == 0 || cut_) return;
  posted_.push_back(&call);
  tell_news();
  changed_.wait(lock, [&] { return call.left == 0 || over_; });
}

std::vector<const Job*> SharedEvaluator::more() {
  std::uint64_t ignored = 0;
  [[maybe_unused]] const ssize_t got = read(news_, &ignored, sizeof ignored);
  const std::lock_guard lock(mutex_);
  std::vector<const Job*> jobs;
  for (Call* call : std::exchange(posted_, {})) {
    for (std::size_t j = 0; j < call->jobs.size(); ++j) {
      jobs.push_back(&call->jobs[j]);
      places_.push_back({call, j});
    }
  }
  return jobs;
}

bool SharedEvaluator::ended() {
  const std::lock_guard lock(mutex_);
  return cut_ || (threads_ == 0 && posted_.empty());
}

void SharedEvaluator::on_run(std::size_t job, std::size_t row, const RunResult& result) {
  const std::lock_guard lock(mutex_);
  const Place place = places_[job];
  (*place.call->on_run)(place.job, row, result);
  if (--place.call->left == 0) changed_.notify_all();
}

Evaluator& SharedEvaluator::alone() const {
  if (running_) throw std::logic_error("asked while tasks share the evaluator");
  return evaluator_;
}

Listing SharedEvaluator::listing(const Deck& deck, const SimulatorOptions& options) {
  return alone().listing(deck, options);
}

std::vector<double> SharedEvaluator::values(const Deck& deck, const SimulatorOptions& options,
                                            std::span<const Setting> settings, std::span<const Knob> knobs) {
  return alone().values(deck, options, settings, knobs);
}

Rehearsal SharedEvaluator::rehearse(const Testbench& testbench) { return alone().rehearse(testbench); }

Waveforms SharedEvaluator::waveforms(const Testbench& testbench, const Eigen::RowVectorXd& point) {
  return alone().waveforms(testbench, point);
}

}  // namespace flare::engine
