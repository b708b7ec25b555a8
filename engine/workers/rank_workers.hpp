// Rank 0's side: the workers of all other ranks as links of its pool.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/workers/rank_transport.hpp"
#include "engine/workers/worker_link.hpp"

namespace flare::engine {

class RankWorker;

class RankWorkers final : public RemoteWorkers {
 public:
  /// `workers[i]`: how many rank i + 1 has. The transport must outlive this and its links.
  RankWorkers(RankTransport& transport, std::span<const int> workers);

  std::vector<std::unique_ptr<WorkerLink>> links() override { return std::move(links_); }
  /// One more worker of every rank from 1 on, of another program of ours. They live as long as this.
  std::vector<WorkerLink*> others(const std::string& program);
  bool exchange() override;

 private:
  RankTransport& transport_;
  std::vector<std::unique_ptr<WorkerLink>> links_;
  std::vector<std::unique_ptr<WorkerLink>> others_;
  std::vector<std::vector<RankWorker*>> of_rank_;  // of rank i + 1; alive as long as the pool that took them
};

/// Tells every rank from 1 to `ranks` - 1 that nothing will come any more.
void end_ranks(RankTransport& transport, int ranks);

}  // namespace flare::engine
