#include "engine/workers/worker_set.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>

#include "engine/simulate/spice_text.hpp"
#include "engine/simulate/testbench_io.hpp"

namespace flare::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int max_failed_starts = 3;

}  // namespace

WorkerSet::WorkerSet(WorkerPoolOptions given)
    : options(std::move(given)), program(find_worker(options.worker)) {
  std::string error;
  if (!options.is_valid(&error)) throw std::invalid_argument(error);
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  slots = std::vector<WorkerSlot>(static_cast<std::size_t>(options.workers > 0 ? options.workers : cores));
}

void WorkerSet::start(WorkerSlot& slot) {
  if (failed_starts >= max_failed_starts) {
    throw std::runtime_error("the worker " + program.string() + " ends as soon as it is started");
  }
  slot.process.start(program);
  slot.greeted = false;
  slot.loaded.reset();
  slot.traces = false;
  slot.runs = 0;
  slot.since = Clock::now();
}

void WorkerSet::greet(WorkerSlot& slot, const Message& message) {
  version = BodyReader(message.body).text();
  slot.greeted = true;
  failed_starts = 0;
  slot.since = Clock::now();
}

void WorkerSet::load(WorkerSlot& slot, const std::shared_ptr<const Testbench>& testbench) {
  if (slot.loaded == testbench) return;
  slot.process.post(MessageKind::load, to_cbor(*testbench));
  slot.loaded = testbench;
  slot.traces = leaves_traces(testbench->deck, testbench->options);
}

std::vector<pollfd> WorkerSet::wait(std::chrono::milliseconds at_most) const {
  std::vector<pollfd> polled;
  polled.reserve(slots.size());
  for (const WorkerSlot& slot : slots) {
    // A descriptor below zero is passed over by poll.
    const int events = POLLIN | (slot.process.wants_to_send() ? POLLOUT : 0);
    polled.push_back({slot.process.socket(), static_cast<short>(events), 0});
  }
  poll(polled.data(), polled.size(), static_cast<int>(at_most.count()));
  return polled;
}

Message WorkerSet::ask(MessageKind kind, std::span<const std::uint8_t> body,
                       const std::shared_ptr<const Testbench>& testbench) {
  WorkerSlot& slot = slots.front();
  for (int attempt = 0; attempt < 2; ++attempt) {
    // A worker that is at hand serves, unless what it has loaded stays with it.
    if (attempt > 0 || !slot.process.running() || !slot.greeted || slot.traces) start(slot);
    if (testbench) load(slot, testbench);
    if (kind != MessageKind::hello) slot.process.post(kind, body);
    // A rehearsal is three runs and what comes before them.
    const Clock::time_point deadline = Clock::now() + worker_start_limit + 4 * options.run_time_limit;
    bool alive = true;
    while (alive && Clock::now() < deadline) {
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
    slot.process.kill();
  }
  throw std::runtime_error("the simulator crashed or ran past its time limit, twice");
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
