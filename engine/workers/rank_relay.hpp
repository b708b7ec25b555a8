// The side of every rank but 0: starts workers as it is told and carries what they and rank 0 say.
#pragma once

#include <chrono>
#include <deque>
#include <filesystem>
#include <stop_token>

#include "engine/workers/rank_transport.hpp"
#include "engine/workers/worker_process.hpp"

namespace flare::engine {

class RankRelay {
 public:
  /// `program`: the worker's. The transport must outlive this.
  RankRelay(RankTransport& transport, std::filesystem::path program);

  /// Until rank 0 ends it, or a stop is asked for.
  void serve(std::stop_token stop = {});

 private:
  struct Slot {
    WorkerProcess process;
    MessageCutter told;  // by rank 0
    std::uint32_t life = 0;
  };
  bool take_frames();
  void report_states();
  void take(const RankFrame& frame);
  void start(Slot& slot, const RankFrame& frame);
  void pass_on(Slot& slot, const RankFrame& frame);
  bool wait(long nanoseconds);
  void report(Slot& slot, std::uint32_t worker);
  void close(Slot& slot, std::uint32_t worker);
  void tell(RankMessage kind, const Slot& slot, std::uint32_t worker, Bytes bytes = {});

  RankTransport& transport_;
  std::filesystem::path program_;
  std::deque<Slot> slots_;  // as many as rank 0 has started
  bool ended_ = false;
  std::chrono::steady_clock::time_point reported_{};
};

}  // namespace flare::engine
