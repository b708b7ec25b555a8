#include "engine/workers/worker_pool.hpp"

#include <stdexcept>
#include <utility>

#include "engine/workers/batch_evaluation.hpp"
#include "engine/workers/worker_protocol.hpp"
#include "engine/workers/worker_set.hpp"

namespace flare::engine {
namespace {

/// Jobs that are all known.
class GivenJobs final : public JobSource {
 public:
  GivenJobs(std::span<const Job> jobs, const OnRun& on_run) : jobs_(jobs), on_run_(on_run) {}

  std::vector<const Job*> more() override {
    std::vector<const Job*> all;
    for (const Job& job : std::exchange(jobs_, {})) all.push_back(&job);
    return all;
  }
  bool ended() override { return jobs_.empty(); }
  void on_run(std::size_t job, std::size_t row, const RunResult& result) override {
    on_run_(job, row, result);
  }

 private:
  std::span<const Job> jobs_;
  const OnRun& on_run_;
};

}  // namespace

struct WorkerPool::Impl : WorkerSet {
  using WorkerSet::WorkerSet;
};

bool WorkerPoolOptions::is_valid(std::string* error) const {
  const auto wrong = [&](const char* why) {
    if (error) *error = why;
    return false;
  };
  if (workers < 0 || workers > 1024) return wrong("the number of workers is 0 (one per core) to 1024");
  if (run_time_limit.count() <= 0) return wrong("the time limit of a run is above zero");
  if (stall_limit.count() <= 0) return wrong("the time after which a worker counts as stuck is above zero");
  if (runs_per_worker < 1) return wrong("a worker makes at least one run");
  return true;
}

WorkerPool::WorkerPool(WorkerPoolOptions options, std::unique_ptr<RemoteWorkers> remote)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(remote))) {}

WorkerPool::~WorkerPool() {
  for (WorkerSlot& slot : impl_->slots) slot.process.dismiss();
}

void WorkerPool::evaluate(std::span<const Job> jobs, const OnRun& on_run, std::stop_token stop) {
  GivenJobs given(jobs, on_run);
  serve(given, std::move(stop));
}

void WorkerPool::serve(JobSource& source, std::stop_token stop) {
  impl_->failed_starts = 0;
  BatchEvaluation(*impl_, source).run(stop);
}

Listing WorkerPool::listing(const Deck& deck, const SimulatorOptions& options) {
  Testbench asked;
  asked.deck = deck;
  asked.options = options;
  const Message answer = impl_->ask_about(MessageKind::listing, asked);
  BodyReader body(answer.body);
  Listing listing;
  listing.lines = body.texts();
  listing.vectors = body.texts();
  return listing;
}

std::vector<double> WorkerPool::values(const Deck& deck, const SimulatorOptions& options,
                                       std::span<const Setting> settings, std::span<const Knob> knobs) {
  Testbench asked;
  asked.deck = deck;
  asked.options = options;
  asked.settings.assign(settings.begin(), settings.end());
  asked.knobs.assign(knobs.begin(), knobs.end());
  const Message answer = impl_->ask_about(MessageKind::values, asked);
  const std::vector<double> values = BodyReader(answer.body).numbers();
  if (values.size() != knobs.size()) throw ProtocolError("an answer of the wrong size");
  return values;
}

Rehearsal WorkerPool::rehearse(const Testbench& testbench) {
  return decode_rehearsal(impl_->ask_about(MessageKind::rehearse, testbench).body);
}

Waveforms WorkerPool::waveforms(const Testbench& testbench, const Eigen::RowVectorXd& point) {
  if (static_cast<std::size_t>(point.size()) != testbench.dimension()) {
    throw std::invalid_argument("the point has not one coordinate for every variable");
  }
  impl_->failed_starts = 0;
  const std::span<const double> values(point.data(), static_cast<std::size_t>(point.size()));
  const Message answer = impl_->ask(MessageKind::waveforms, BodyWriter().numbers(values).take(),
                                    std::make_shared<const Testbench>(testbench));
  return decode_waveforms(answer.body);
}

int WorkerPool::workers() const { return static_cast<int>(impl_->slots.size()); }

std::string WorkerPool::ngspice_version() {
  if (impl_->version.empty()) impl_->ask(MessageKind::hello, {}, nullptr);
  return impl_->version;
}

}  // namespace flare::engine
