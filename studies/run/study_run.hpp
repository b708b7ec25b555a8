// What every study needs while it runs, and the samples it has taken.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/hdf5_io.hpp"
#include "engine/simulate/evaluator.hpp"
#include "engine/store/run_store.hpp"
#include "engine/workers/shared_evaluator.hpp"
#include "studies/run/progress.hpp"
#include "studies/run/shares.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// Who evaluates, where runs are kept, who is told. Nothing here is owned.
struct StudyRun {
  const Study& study;
  engine::SharedEvaluator& evaluator;
  engine::RunStore& store;
  Progress& progress;
  std::stop_token stop;
  Shard shard;

  /// engine::run_all with the progress shown as a stage.
  std::vector<std::vector<engine::RunResult>> run(const std::string& stage,
                                                  const std::vector<engine::RunRequest>& requests) const;
  /// Runs tasks that make runs of their own side by side, those in front first; returns when all are done. Throws
  /// engine::Stopped and what a task throws.
  void at_once(const std::vector<std::function<void()>>& tasks) const { evaluator.run(tasks, stop); }
};

/// Measure `m` of a run; NaN where the run was not simulated or the measure is not defined in it.
double measured(const engine::RunResult& run, std::size_t m);

/// Samples of one stream: what /points/.../samples/k<K> holds.
struct SampleSet {
  std::string stream;
  std::uint64_t first = 0;
  std::shared_ptr<const engine::Testbench> testbench;
  engine::Matrix points;
  std::vector<engine::RunResult> runs;
  /// ln phi/q of runs of a frozen proposal q, NaN of others (searches, pilots, audits, lines); empty: none has one.
  std::vector<double> log_weights = {};

  /// Measure `m` of the runs where it has a value. What other measures are does not matter.
  std::vector<double> values(std::size_t m = 0) const;
  /// Runs where it has none: not simulated, or not defined there.
  std::size_t unknown(std::size_t m = 0) const;
  /// The points of the runs where it has a value, row by row as values(m).
  engine::Matrix known_points(std::size_t m = 0) const;
};

/// Writes group `path` with datasets runs (index, outcome, rung, and weight where runs have one), parameters, measures and
/// the names of their columns.
void write_samples(H5::H5File& file, const std::string& path, const SampleSet& samples);

}  // namespace flare::studies
