// Which runs were asked for: who asks again pays for new ones alone.
#pragma once

#include <cstdint>
#include <unordered_set>

#include "engine/store/run_store.hpp"

namespace flare::studies {

/// Runs of one testbench a stream, by stream, index and point.
class AskedRuns {
 public:
  /// Takes in the runs of a request; how many of them were not asked for before.
  std::uint64_t add(const engine::RunRequest& request);

 private:
  std::unordered_set<std::uint64_t> known_;  // hashes
};

}  // namespace flare::studies
