// Tail probabilities of a column's levels from rare-event simulation: one estimate per level, direction and
// converter, each with the interval and the status the estimator stands behind.
//
// A column has structure a general method cannot see. A level is one voltage, and every converter's thresholds are
// questions about it: one set of runs answers all (analysis/output_tails/output_tails.hpp), and only a question that it refuses
// has runs of its own (analysis/rare_event/rare_event.hpp). Levels and corners resemble one another: each starts from what
// was learned of the full-scale level, which tells where to look and is never a result. The comparator's own deviation is
// estimated together with the level, without assuming that either is normal. Plain Monte Carlo counts (column_counted.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "analysis/output_tails/output_tails.hpp"
#include "studies/column/column_converters.hpp"
#include "studies/run/rare_event_runs.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// One level: the plain samples it has, whose bench is simulated further. First measure: the level, V.
struct TailLevel {
  std::size_t k = 0;
  const SampleSet* plain = nullptr;
  /// Makes runs of the level, kept in the store of the study run given.
  std::function<std::vector<engine::RunResult>(const StudyRun& run, const engine::RunRequest& request)> make;
};

/// One level, direction and converter, estimated.
struct EstimatedTail {
  analysis::LevelTail tail;
  /// The nearest failing point, in the bench's variables and last the converter's own deviation; empty where
  /// none is known.
  engine::Vector nearest;
  std::string search;  // what was done, for the log
  SampleSet own;  // runs made for this question alone, in the order made; no runs where the shared ones do
};

/// Runs of a level that were counted, and the first of them that any question fails in.
struct CountedLevel {
  std::size_t runs = 0;
  SampleSet failing;
  std::vector<std::uint64_t> indices;  // of those in the stream
};

/// All tails of one level.
struct LevelTails {
  SampleSet shared;                                      // runs that answer every converter
  std::vector<std::vector<EstimatedTail>> by_converter;  // as given
  std::vector<analysis::TailSurrogate> surrogates;       // warm starts of a neighbour
  CountedLevel counted;

  std::size_t runs() const;
  /// One of its questions has no answer.
  bool refused() const;
};

/// All tails of one SAWL at one corner.
struct PointTails {
  std::vector<SampleSet> shared;                         // by level
  std::vector<CountedLevel> counted;                     // by level
  std::vector<std::vector<EstimatedTail>> by_converter;  // by converter; full scale first
};

struct TailOptions {
  std::string stream;  // names the runs, e.g. "tails/sram8t/sawl8/tt_0.90V_27C"
  double accuracy = 0.1;
  std::uint64_t budget = 500;         // for all directions and converters of the level together
  std::uint64_t point_budget = 5000;  // of all levels: what a remedy names
  /// "auto", "monte_carlo", or one method of analysis/rare_event/rare_event.hpp for every question by itself.
  std::string method = "auto";
  std::vector<analysis::TailSurrogate> warm_starts;
};

/// Tails of one level towards the thresholds of all converters. Levels have nothing to say to one another, so that they
/// may be estimated at once, by whoever. Throws engine::Stopped where a stop was requested.
LevelTails estimate_level(const StudyRun& run, const TailLevel& level,
                          const std::vector<SetConverter>& converters, const TailOptions& options);

/// The levels of a point, by k, as tails of the point.
PointTails join_levels(std::vector<LevelTails> levels);

}  // namespace flare::studies
