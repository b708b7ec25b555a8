// How much of what a cell loses against the cell a model was trained on adaptation brings back, over several seeds: each has
// its own text to score, its own batch to adapt with and, where the cell varies, its own die.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "studies/model/perplexity_bench.hpp"

namespace flare::studies {

struct RecoveryOptions {
  int seeds = 5;  // from the cell's own seed on
  bool with_dies = false;
  std::function<void(int done, int total)> progress = {};
};

/// Of one seed: losses, nat per token.
struct Recovery {
  std::uint64_t seed = 1;
  double trained = 0, before = 0, adapted = 0;

  /// Share of the loss on the cell that is gone; may leave 0..1.
  double share() const { return (before - adapted) / (before - trained); }
};

/// Three rows a seed: as trained, on the cell, on the cell adapted.
std::vector<PerplexityRow> recovery_rows(PerplexityBench& bench, const NamedCell& cell,
                                         const NamedCell& trained_on, const RecoveryOptions& options);
std::vector<Recovery> recoveries(const std::vector<PerplexityRow>& rows);

/// "recovered 85.2 % +- 1.1 % (5 seeds), lowest 84 %": mean, standard deviation (n - 1), the lowest.
std::string recovery_text(const std::vector<Recovery>& all);
engine::Table recovery_table(const std::vector<Recovery>& all);
/// Losses over the seeds, as an SVG element. Throws analysis::FigureError.
std::string draw_recovery(const std::vector<Recovery>& all);

}  // namespace flare::studies
