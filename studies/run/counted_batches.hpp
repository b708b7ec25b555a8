// Runs that are counted and not kept: plain Monte Carlo of any number of them in memory that does not grow.
//
// A batch is kept as one run of the stream "STREAM/counted" whose measures are its counts. A stop keeps the runs of the batch
// that is under way where they are plain ones; a kill loses them, and nothing else. Points are functions of their index, so
// that nothing depends on where a batch was made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/base/sampling.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

inline constexpr std::size_t kept_runs = 20'000;     // plain samples of a corner, or of a level
inline constexpr std::size_t kept_failures = 1'000;  // of those that are counted: the first ones

/// Runs that are samples: all that the study asks for, unless failures are only counted.
std::size_t runs_kept(const Study& study);

/// What is counted. Runs are those of the source from `first` on, up to its total.
struct Counting {
  using Runs = std::vector<engine::RunResult>;

  engine::SampleSource source;
  std::shared_ptr<const engine::Testbench> testbench;
  std::size_t first = 0;
  std::size_t most_rows = 4'096;  // of a batch
  std::uint64_t question = 0;     // a hash of what counts depend on besides the runs
  std::size_t counts = 0;         // numbers that a batch is told in
  /// The counts of runs whose first has this index.
  std::function<std::vector<std::size_t>(std::uint64_t index, const Runs& runs)> count;
  /// Whether a run is worth keeping.
  std::function<bool(std::uint64_t index, const engine::RunResult& run)> fails;
  /// Makes the runs of a request with the store of the study run it is given; empty: as the request stands.
  std::function<Runs(const StudyRun& run, const engine::RunRequest& request)> make;
  /// Told before each batch how many runs of the source are done.
  std::function<void(std::size_t done)> on_batch;
};

struct CountedBatches {
  std::vector<std::size_t> sums;  // over all batches
  SampleSet failing;              // the first that fail
  std::vector<std::uint64_t> failing_indices;
};

/// Throws engine::Stopped, StudyError, and what `count` throws.
CountedBatches count_batches(const StudyRun& run, const Counting& counting);

}  // namespace flare::studies
