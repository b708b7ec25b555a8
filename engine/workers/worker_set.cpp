#include "engine/workers/worker_set.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/simulate/spice_text.hpp"
#include "engine/simulate/testbench_io.hpp"
#include "engine/workers/available_cores.hpp"

namespace flare::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int max_failed_starts = 3;
constexpr double longest_gap = 0.25;      // s between two looks, of a process that was awake
constexpr double least_progress = 0.002;  // s of processor time that count
constexpr int runs_between_looks = 256;   // at a worker's memory
constexpr int most_faults = 3;            // of a question

// What comes from other processes has no descriptor: it is looked for between naps, which grow while nothing comes.
constexpr std::chrono::nanoseconds least_nap{50'000};
constexpr std::chrono::nanoseconds longest_nap{400'000};

}  // namespace

void RunClock::start(const WorkerLink& process) {
  looked_ = Clock::now();
  begin_ = process.processor_time();
  used_ = seen_ = idle_ = 0.0;
}

void RunClock::look(const WorkerLink& process) {
  const Clock::time_point now = Clock::now();
  const double gap = std::min(longest_gap, std::chrono::duration<double>(now - looked_).count());
  looked_ = now;
  seen_ += gap;
  const double used = process.processor_time() - begin_;
  if (used > used_ + least_progress) {
    used_ = used;
    idle_ = 0.0;
  } else {
    idle_ += gap;
  }
}

WorkerSet::WorkerSet(WorkerPoolOptions given, std::unique_ptr<RemoteWorkers> others)
    : options(std::move(given)), program(find_worker(options.worker)), remote(std::move(others)) {
  std::string error;
  if (!options.is_valid(&error)) throw std::invalid_argument(error);
  const int local = options.workers > 0 ? options.workers : available_cores();
  for (int i = 0; i < local; ++i) slots.emplace_back(std::make_unique<WorkerProcess>());
  if (!remote) return;
  for (std::unique_ptr<WorkerLink>& link : remote->links()) slots.emplace_back(std::move(link));
}

void WorkerSet::start(WorkerSlot& slot) {
  if (failed_starts >= max_failed_starts && last_death == Death::from_outside)
    throw MachineFault("simulators are killed from outside, or get no memory, as soon as they are started");
  if (failed_starts >= max_failed_starts) {
    throw std::runtime_error("the worker " + program.string() + " ends as soon as it is started");
  }
  slot.process.start(program);
  slot.greeted = false;
  slot.loaded.reset();
  slot.traces = false;
  slot.runs = 0;
  slot.memory = 0;
  slot.grown = false;
  slot.since = Clock::now();
  slot.clock.start(slot.process);
}

void WorkerSet::watch_memory(WorkerSlot& slot) const {
  if (slot.runs % runs_between_looks != 0) return;
  const std::size_t now = slot.process.resident_bytes();
  if (slot.memory == 0) slot.memory = now;
  slot.grown = now > slot.memory + options.memory_growth;
}

void WorkerSet::greet(WorkerSlot& slot, const Message& message) {
  version = BodyReader(message.body).text();
  slot.greeted = true;
  failed_starts = 0;
  slot.since = Clock::now();
  slot.clock.start(slot.process);
}

void WorkerSet::load(WorkerSlot& slot, const std::shared_ptr<const Testbench>& testbench) {
  if (slot.loaded == testbench) return;
  slot.process.post(MessageKind::load, to_cbor(*testbench));
  slot.loaded = testbench;
  slot.traces = leaves_traces(testbench->deck, testbench->options);
}

std::vector<pollfd> WorkerSet::wait(std::chrono::milliseconds at_most, int news) const {
  std::vector<pollfd> polled;
  polled.reserve(slots.size() + 1);
  for (const WorkerSlot& slot : slots) {
    // A descriptor below zero is passed over by poll.
    const int events = POLLIN | (slot.process.wants_to_send() ? POLLOUT : 0);
    polled.push_back({slot.process.socket(), static_cast<short>(events), 0});
  }
  polled.push_back({news, POLLIN, 0});
  if (!remote) {
    poll(polled.data(), polled.size(), static_cast<int>(at_most.count()));
    return polled;
  }
  const Clock::time_point end = Clock::now() + at_most;
  bool any = remote->exchange();
  for (auto nap = least_nap; !any; nap = std::min(2 * nap, longest_nap)) {
    const timespec short_wait{0, nap.count()};
    any = ppoll(polled.data(), polled.size(), &short_wait, nullptr) > 0;
    any = remote->exchange() || any || Clock::now() >= end;
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].process.has_news()) polled[i].revents = POLLIN;
  }
  return polled;
}

Message WorkerSet::ask(MessageKind kind, std::span<const std::uint8_t> body,
                       const std::shared_ptr<const Testbench>& testbench) {
  WorkerSlot& slot = slots.front();
  int deaths = 0;
  for (int faults = 0; deaths < 2 && faults < most_faults;) {
    // A worker that is at hand serves, unless what it has loaded stays with it.
    const bool fresh = deaths + faults > 0 || !slot.process.running() || !slot.greeted || slot.traces;
    if (fresh) start(slot);
    if (testbench) load(slot, testbench);
    if (kind != MessageKind::hello) slot.process.post(kind, body);
    slot.clock.start(slot.process);
    bool alive = true;
    while (alive && !overdue(slot)) {
      if (options.stop.stop_requested()) {
        slot.process.kill();
        slot.loaded.reset();
        throw Stopped();
      }
      pollfd polled{slot.process.socket(),
                    static_cast<short>(POLLIN | (slot.process.wants_to_send() ? POLLOUT : 0)), 0};
      poll(&polled, 1, 50);
      alive = slot.process.flush() && slot.process.receive();
      while (std::optional<Message> message = slot.process.next()) {
        if (message->kind == MessageKind::failed) {
          slot.process.kill();
          slot.loaded.reset();
          throw CircuitRefused(BodyReader(message->body).text());
        }
        if (message->kind == MessageKind::hello) greet(slot, *message);
        if (message->kind == kind) return *message;
      }
    }
    if (!slot.greeted) ++failed_starts;
    const bool stalled = alive && slot.clock.processor_time() < time_of_question();
    if (!alive) last_death = slot.process.bury();
    const bool outside = alive ? stalled : last_death == Death::from_outside;
    ++(outside ? faults : deaths);
    slot.process.kill();
    slot.loaded.reset();
  }
  if (deaths < 2)
    throw MachineFault("a simulator was killed from outside or got no memory or processor, again and again");
  throw std::runtime_error("the simulator crashed or ran past its time limit, twice");
}

/// Processor time, s, of a question: a rehearsal is three runs and what comes before them.
double WorkerSet::time_of_question() const {
  return std::chrono::duration<double>(worker_start_limit + 4 * options.run_time_limit).count();
}

bool WorkerSet::overdue(WorkerSlot& slot) const {
  slot.clock.look(slot.process);
  const double patience =
      std::chrono::duration<double>(std::max(options.stall_limit, worker_start_limit)).count();
  return slot.clock.processor_time() > time_of_question() || slot.clock.idle() > patience;
}

Message WorkerSet::ask_about(MessageKind kind, const Testbench& testbench) {
  failed_starts = 0;
  Message answer = ask(kind, to_cbor(testbench), nullptr);
  WorkerSlot& slot = slots.front();
  slot.loaded.reset();
  slot.traces = leaves_traces(testbench.deck, testbench.options);
  return answer;
}

}  // namespace flare::engine
