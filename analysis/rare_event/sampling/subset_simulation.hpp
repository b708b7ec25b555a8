// Subset simulation (Au & Beck 2001) with preconditioned Crank-Nicolson moves x' = sqrt(1 - s^2) x + s z,
// which leave N(0, I) invariant in any dimension. Needs margins: levels are quantiles of them.
#pragma once

#include "analysis/rare_event/core/evaluation_ledger.hpp"
#include "analysis/rare_event/core/normal_stream.hpp"

namespace flare::analysis {

struct SubsetOptions {
  std::size_t population = 120;  // runs a level
  double level_share = 0.15;     // of the population that seeds the next level
  int max_levels = 40;
  std::uint64_t max_runs = 1u << 20;
  bool last_round = true;  // one more round of chains inside the failure set: `failing`
};

struct SubsetResult {
  bool reached = false;  // the failure set was reached
  double log_p = 0.0;    // its own estimate
  double log_sd = 0.0;   // rough standard deviation of log_p: independent levels, correlation factor 4.5
  int levels = 0;
  engine::Matrix failing;  // last population's failing points, approximately from phi given failure
};

/// `initial` (may be empty) are points of N(0, I) with their outcomes; the first level is made up from them.
SubsetResult subset_simulation(EvaluationLedger& ledger, const SubsetOptions& options,
                               const engine::Matrix& initial, const std::vector<Evaluated>& initial_outcomes,
                               NormalStream& random, Purpose purpose);

/// Fewest runs that independent repeats over so many levels take.
std::uint64_t runs_for_repeats(int levels);

/// Of ln P, from repeats: a factor of 1000 each way; beyond it the number says nothing.
constexpr double widest_interval = 13.8;

/// Independent repeats with at most `count` runs together, populations as large as they allow; the mean of their
/// estimates with a t interval of the logarithms. `levels`: about how many lie before the failure set; 0: a
/// small run finds out. Refused where fewer than 4 repeats are affordable, one does not arrive, or they scatter
/// too much. Repeats that share a blind spot share it silently. `reached`, where given: failing points of each repeat,
/// as rows.
RareEventSummary repeat_subset_simulation(EvaluationLedger& ledger, std::uint64_t count, NormalStream& random,
                                          Purpose purpose, int levels = 0,
                                          std::vector<engine::Matrix>* reached = nullptr);

}  // namespace flare::analysis
