#include "engine/workers/batch_evaluation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace flare::engine {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How long a stop waits for runs in flight before it gives them up.
constexpr milliseconds stop_patience{300};

// How often a run is tried again after the machine ended it.
constexpr int most_faults = 4;
void check_job(const Job& job) {
  if (!job.testbench) throw std::invalid_argument("a job without a testbench");
  const auto columns = static_cast<std::size_t>(job.points.cols());
  if (columns != job.testbench->dimension() && job.points.rows() > 0) {
    throw std::invalid_argument(fmt::format("points of {} coordinates for {} variables in {}", columns,
                                            job.testbench->dimension(), job.testbench->name));
  }
}

}  // namespace

void BatchEvaluation::take_jobs() {
  for (const Job* job : source_.more()) {
    check_job(*job);
    jobs_.push_back(job);
    schedule_.add(*job);
  }
}

void BatchEvaluation::send(WorkerSlot& slot, const RunRef& run) {
  const Job& job = *jobs_[run.job];
  pool_.load(slot, job.testbench);
  const auto row = static_cast<Eigen::Index>(run.row);
  const std::span<const double> point(job.points.data() + row * job.points.cols(),
                                      static_cast<std::size_t>(job.points.cols()));
  const std::uint64_t tag = (static_cast<std::uint64_t>(run.job) << 40) | run.row;
  slot.process.post(MessageKind::run, BodyWriter().number(tag).numbers(point).take());
  if (slot.queue.empty()) {
    slot.since = Clock::now();
    slot.clock.start(slot.process);
  }
  slot.queue.push_back(run);
}

/// A run to everybody before anybody has a second one: a small batch is over soonest that way.
void BatchEvaluation::hand_out() {
  for (WorkerSlot& slot : pool_.slots) {
    if (!slot.busy()) fill(slot, 1);
  }
  for (WorkerSlot& slot : pool_.slots) fill(slot, queue_depth(slot.mean_run));
}

void BatchEvaluation::fill(WorkerSlot& slot, std::size_t depth) {
  const bool worn_out = slot.process.running() && (slot.grown || slot.runs >= pool_.options.runs_per_worker);
  if (worn_out) {
    if (slot.busy()) return;
    slot.process.dismiss();
  }
  const auto room = [&] {
    return slot.queue.size() < depth &&
           slot.runs + static_cast<int>(slot.queue.size()) < pool_.options.runs_per_worker;
  };
  while (!slot.process.running() || room()) {
    std::optional<RunRef> run = std::exchange(slot.retry, std::nullopt);
    if (!run) run = schedule_.take_returned();
    if (!run) run = schedule_.take(&slot.job);
    if (!run) break;
    if (slot.process.running() && slot.traces && slot.loaded != jobs_[run->job]->testbench) {
      if (slot.busy()) {
        slot.retry = run;  // once this process has done what it has
        break;
      }
      slot.process.dismiss();
    }
    if (!slot.process.running()) pool_.start(slot);
    send(slot, *run);
  }
}

void BatchEvaluation::take_result(WorkerSlot& slot, const Message& message) {
  std::uint64_t tag = 0;
  const RunResult result = decode_result(message.body, &tag);
  if (slot.queue.empty()) throw ProtocolError("a result nobody asked for");
  const RunRef run = slot.queue.front();
  if (tag != ((static_cast<std::uint64_t>(run.job) << 40) | run.row))
    throw ProtocolError("results out of order");
  slot.queue.pop_front();
  ++slot.runs;
  const Clock::time_point now = Clock::now();
  const double took = std::chrono::duration<double>(now - slot.since).count();
  slot.mean_run = slot.mean_run > 0.0 ? 0.9 * slot.mean_run + 0.1 * took : took;
  slot.since = now;
  slot.clock.start(slot.process);
  pool_.watch_memory(slot);
  schedule_.done();
  source_.on_run(run.job, run.row, result);
}

/// Ends the worker; returns the run it was at, the others are sent elsewhere.
std::optional<RunRef> BatchEvaluation::take_back(WorkerSlot& slot) {
  slot.process.kill();
  if (!slot.greeted) ++pool_.failed_starts;
  slot.loaded.reset();
  if (slot.queue.empty()) return std::nullopt;
  const RunRef first = slot.queue.front();
  slot.queue.pop_front();
  for (const RunRef& run : slot.queue) schedule_.give_back(run);
  slot.queue.clear();
  return first;
}

/// The worker has ended by itself, or was ended.
void BatchEvaluation::lose(WorkerSlot& slot) {
  pool_.last_death = slot.process.bury();
  if (pool_.last_death == Death::crash) return replace(slot, Outcome::crashed);
  replace_blameless(slot, "was killed from outside or got no memory");
}

/// The machine is to blame: the run is done elsewhere, and never recorded as one that failed.
void BatchEvaluation::replace_blameless(WorkerSlot& slot, const char* what) {
  std::optional<RunRef> run = take_back(slot);
  if (!run) return;
  if (++run->faults >= most_faults) {
    throw MachineFault(fmt::format("the simulator {} {} times in one run of {}", what, most_faults,
                                   jobs_[run->job]->testbench->name));
  }
  schedule_.give_back(*run);
}

/// The worker crashed or was too slow: its first run is to blame.
void BatchEvaluation::replace(WorkerSlot& slot, Outcome why) {
  std::optional<RunRef> first = take_back(slot);
  if (!first) return;
  RunRef blamed = *first;
  if (slot.greeted) ++blamed.attempts;
  slot.since = Clock::now();
  if (blamed.attempts < 2) {
    slot.retry = blamed;
    return;
  }
  RunResult result;
  result.outcome = why;
  result.measures.assign(jobs_[blamed.job]->testbench->measures.size(),
                         std::numeric_limits<double>::quiet_NaN());
  result.message = why == Outcome::timed_out ? "past the time limit, twice" : "the simulator died, twice";
  schedule_.done();
  source_.on_run(blamed.job, blamed.row, result);
}

void BatchEvaluation::exchange(WorkerSlot& slot) {
  const bool alive = slot.process.flush() && slot.process.receive();
  bool sense = true;
  try {
    while (std::optional<Message> message = slot.process.next()) {
      if (message->kind == MessageKind::hello) {
        pool_.greet(slot, *message);
      } else if (message->kind == MessageKind::result) {
        take_result(slot, *message);
      } else if (message->kind == MessageKind::failed) {
        const std::string name = slot.busy() ? jobs_[slot.queue.front().job]->testbench->name : std::string();
        throw CircuitRefused((name.empty() ? "" : name + ": ") + BodyReader(message->body).text());
      }
    }
  } catch (const ProtocolError&) {
    sense = false;  // as good as dead
  }
  if (!sense) return replace(slot, Outcome::crashed);
  if (!alive) lose(slot);
}

void BatchEvaluation::watch_time(WorkerSlot& slot) {
  if (!slot.busy()) return;
  slot.clock.look(slot.process);
  const auto past = [](double seconds, milliseconds limit) {
    return seconds > 1e-3 * static_cast<double>(limit.count());
  };
  if (!slot.greeted) {
    if (past(slot.clock.seen(), worker_start_limit)) replace(slot, Outcome::timed_out);
  } else if (past(slot.clock.processor_time(), pool_.options.run_time_limit)) {
    replace(slot, Outcome::timed_out);
  } else if (past(slot.clock.idle(), pool_.options.stall_limit)) {
    replace_blameless(slot, "got no processor time");
  }
}

/// Until the next look at the clocks, and never so long that a stop has to wait.
milliseconds BatchEvaluation::patience() const {
  return std::clamp(pool_.options.run_time_limit / 4, milliseconds(1), milliseconds(50));
}

void BatchEvaluation::run(const std::stop_token& stop) {
  std::optional<Clock::time_point> stopping;
  for (take_jobs(); schedule_.left() > 0 || !source_.ended(); take_jobs()) {
    if (stop.stop_requested() && !stopping) stopping = Clock::now();
    const bool any_busy =
        std::any_of(pool_.slots.begin(), pool_.slots.end(), [](const WorkerSlot& s) { return s.busy(); });
    if (stopping && (!any_busy || Clock::now() - *stopping > stop_patience)) return;
    if (!stopping) hand_out();
    for (WorkerSlot& slot : pool_.slots) {
      if (slot.process.running() && !slot.process.flush()) lose(slot);
    }
    const std::vector<pollfd> polled = pool_.wait(patience(), source_.descriptor());
    for (std::size_t i = 0; i < pool_.slots.size(); ++i) {
      if (polled[i].revents != 0) exchange(pool_.slots[i]);
      watch_time(pool_.slots[i]);
    }
  }
}

}  // namespace flare::engine
