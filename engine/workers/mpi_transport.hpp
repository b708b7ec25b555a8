// MPI for the frames between ranks. Built only where MPI was found.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/workers/named_segments.hpp"
#include "engine/workers/rank_transport.hpp"

namespace flare::engine {

/// MPI from its start to its end. One at a time; all calls on the thread that made it.
class MpiTransport final : public RankTransport {
 public:
  MpiTransport();
  /// Waits until the other side has taken all that was sent, and for the other ranks.
  ~MpiTransport() override;

  int rank() const { return rank_; }
  int ranks() const { return ranks_; }
  /// "Open MPI v4.1.4"
  static std::string library();

  /// `mine` of every rank, by rank.
  std::vector<int> gather(int mine) const;
  /// How many ranks are on this machine, and how many of its cores they may use together.
  struct Machine {
    int ranks = 1;
    int cores = 1;
  };
  Machine machine() const;

  void send(int rank, const RankFrame& frame) override;
  std::optional<Received> receive() override;

 private:
  struct Pending;
  void forget_sent();

  int rank_ = 0;
  int ranks_ = 1;
  SegmentFolder folder_;  // before MPI begins, until it has ended
  std::unique_ptr<NamedSegments> segments_;
  std::vector<std::unique_ptr<Pending>> pending_;  // sent, not yet taken by MPI
};

/// Workers of one of `ranks` processes that share `cores` of a machine, of which this one may use `mine`: one at least.
int workers_of_rank(int mine, int cores, int ranks);

}  // namespace flare::engine
