// flare_mpi: rank 0 is the program, the others relay to workers of theirs.
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/base/content_hash.hpp"
#include "engine/base/mathematics.hpp"
#include "engine/workers/available_cores.hpp"
#include "engine/workers/mpi_transport.hpp"
#include "engine/workers/rank_relay.hpp"
#include "engine/workers/rank_workers.hpp"
#include "studies/cli/launcher.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

namespace {

class MpiRanks final : public Ranks {
 public:
  MpiRanks(std::unique_ptr<engine::MpiTransport> transport, std::vector<int> workers)
      : transport_(std::move(transport)), workers_(std::move(workers)) {}
  ~MpiRanks() override { engine::end_ranks(*transport_, transport_->ranks()); }

  int workers(int asked) const override { return asked > 0 ? asked : workers_.front(); }
  std::unique_ptr<engine::RemoteWorkers> remote(int asked) override {
    others_.assign(workers_.begin() + 1, workers_.end());
    if (asked > 0) std::fill(others_.begin(), others_.end(), asked);
    auto remote = std::make_unique<engine::RankWorkers>(*transport_, others_);
    remote_ = remote.get();
    return remote;
  }
  std::vector<SharedAnswers::Helper> helpers() override {
    std::vector<SharedAnswers::Helper> made;
    for (engine::WorkerLink* link : remote_->others(answers_program))
      made.push_back({link, others_[made.size()]});
    return made;
  }
  bool exchange() override { return remote_->exchange(); }

 private:
  std::unique_ptr<engine::MpiTransport> transport_;
  std::vector<int> workers_;  // by rank
  std::vector<int> others_;   // of ranks from 1 on, as they were asked for
  engine::RankWorkers* remote_ = nullptr;
};

/// True where `text` is the same on all ranks.
bool same_everywhere(const engine::MpiTransport& transport, const std::string& text) {
  const std::vector<int> all = transport.gather(static_cast<int>(engine::fnv1a(text) & 0x7fffffff));
  return std::all_of(all.begin(), all.end(), [&](int one) { return one == all.front(); });
}

/// Why these processes cannot work on one study; empty: they can. Ranks with other arguments would be taken for ranks of
/// rank 0's study, and theirs never run; runs of other programs or processors would not have the same bits.
std::string unlike(const engine::MpiTransport& transport, int argc, char** argv) {
  std::string line;
  for (int i = 1; i < argc; ++i) line += std::string(argv[i]) + '\n';
  if (!same_everywhere(transport, line)) {
    return "the processes of this job were started with different arguments; start shards as jobs of their "
           "own "
           "(flare batch writes the script)";
  }
  if (!same_everywhere(transport, FLARE_VERSION " " FLARE_NGSPICE_VERSION))
    return "the machines of this job have different versions of flare or ngspice";
  if (!same_everywhere(transport, engine::hash_text(engine::mathematics_hash()))) {
    return "the mathematics libraries of this job's machines give different bits: their processors are not "
           "of one "
           "kind; ask for nodes of one kind (sbatch --constraint), or begin a job for each kind";
  }
  return {};
}

/// Whoever stops the job tells all of its processes; rank 0 saves what there is and then ends the others.
void leave_signals_to_rank_0() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

Started start(int argc, char** argv) {
  auto transport = std::make_unique<engine::MpiTransport>();
  const Launch launch = launch_of([](const char* name) { return std::getenv(name); });
  const int ranks = transport->ranks();
  // Alone in its world a process cannot know its number there.
  const bool first = transport->rank() == 0;
  if (const std::string why = misfit(launch, ranks, engine::MpiTransport::library()); !why.empty()) {
    if (first) throw StudyError(why);
    return {2, nullptr};
  }
  if (const std::string why = unlike(*transport, argc, argv); !why.empty()) {
    if (first) throw StudyError(why);
    return {2, nullptr};
  }
  const engine::MpiTransport::Machine machine = transport->machine();
  const std::vector<int> workers =
      transport->gather(engine::workers_of_rank(engine::available_cores(), machine.cores, machine.ranks));
  if (first) return {std::nullopt, std::make_unique<MpiRanks>(std::move(transport), workers)};
  leave_signals_to_rank_0();
  engine::RankRelay(*transport, engine::find_worker({})).serve();
  return {0, nullptr};
}

}  // namespace flare::studies
