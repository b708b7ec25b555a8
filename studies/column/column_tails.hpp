// Tail probabilities of a column's levels from rare-event simulation: one estimate per level, direction and
// converter, each with the interval and the status the estimator stands behind.
//
// A column has structure a general method cannot see. A level is one voltage, and every converter's thresholds are
// questions about it: one set of runs answers all (analysis/output_tails/output_tails.hpp), and only a question that it refuses
// has runs of its own (analysis/rare_event/rare_event.hpp). Levels and corners resemble one another: each starts from what
// was learned of its neighbour, which tells where to look and is never a result. The comparator's own deviation is
// estimated together with the level, without assuming that either is normal.
#pragma once

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
  MakeRuns make;
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

/// All tails of one SAWL at one corner.
struct PointTails {
  std::vector<SampleSet> shared;  // by level, as given: runs that answer every converter
  std::vector<std::vector<EstimatedTail>> by_converter;  // as given
  std::vector<analysis::TailSurrogate> surrogates;       // of the last level done: warm starts of a neighbour

  std::size_t runs() const;
};

struct TailOptions {
  std::string stream;  // names the runs, e.g. "tails/sram8t/sawl8/tt_0.90V_27C"
  double accuracy = 0.1;
  std::uint64_t budget = 5000;  // for all levels, directions and converters together
  std::size_t more_levels = 0;  // that the budget is for besides the ones asked about
  /// "auto", or one method of analysis/rare_event/rare_event.hpp for every question by itself.
  std::string method = "auto";
  std::vector<analysis::TailSurrogate> warm_starts;
  std::function<void(std::size_t runs)> on_level;  // told of every level that is finished; may be empty
};

/// Tails of all levels towards the thresholds of all converters. Throws engine::Stopped where a stop was requested.
PointTails estimate_tails(const StudyRun& run, const std::vector<TailLevel>& levels,
                          const std::vector<SetConverter>& converters, const TailOptions& options);

}  // namespace flare::studies
