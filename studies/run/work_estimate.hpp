// What a study will cost, told before it is run.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/simulate/evaluator.hpp"

namespace flare::studies {

/// Runs of one level, or one corner of a circuit, that a tail usually takes (shipped studies: 172 to 273).
inline constexpr std::size_t usual_tail_runs = 250;

struct WorkEstimate {
  std::size_t least_runs = 0;  // however soon the tails are done
  std::size_t likely_runs = 0;
  std::size_t most_runs = 0;
  std::size_t counted_runs = 0;  // of the likely ones: counted, and not kept
  double likely_seconds = 0.0;   // of a core
  double most_seconds = 0.0;
  std::size_t items = 0;       // that shards can have
  double longest_item = 0.0;   // s
  double shared_before = 0.0;  // s; screening, which is shared out first
  double chain_before = 0.0;   // s; what one shard learns meanwhile for all
  std::size_t dimension = 0;

  /// With `shards` of one core each: their speedup over one, by their number.
  double efficiency(int shards) const;
  /// The most shards that are still worth 0.7 of their number; 1 where none are.
  int sensible_shards() const;
  /// Memory of the program, without its workers: 1.2 kB a run of 34 variables.
  double megabytes() const;
};

/// Lines for `flare check`, and for a person who starts a run: runs, cost, shards, memory. `cores` that work at once.
std::vector<std::string> describe(const WorkEstimate& work, int cores);

/// Processor time of a run of the testbench without variation, in s, as this machine is now; NaN where it is not simulated.
double time_a_run(engine::Evaluator& evaluator, const engine::Testbench& bench);

}  // namespace flare::studies
