// Stage "tails" of a column study: rare-event estimates of every level towards the thresholds of every converter.
#pragma once

#include <map>
#include <vector>

#include "studies/column/column_converters.hpp"
#include "studies/column/column_die.hpp"
#include "studies/column/column_levels.hpp"
#include "studies/column/column_tails.hpp"

namespace flare::studies {

/// Every shard learns the bend of the full-scale level at the nominal corner, SAWL after SAWL (the same few runs in
/// every shard), and each point starts from there: that way the numbers of a point depend neither on who ran what nor
/// on which other corners are run.
class TailStage {
 public:
  /// The design must outlive the stage.
  TailStage(const StudyRun& run, const ColumnDesign& design);

  /// Tails of the points given, from their plain samples; nothing where the study's tails come from fits. Throws
  /// engine::Stopped.
  std::map<std::size_t, PointTails> estimate(const std::map<std::size_t, LevelSamples>& levels);

 private:
  using StandIns = std::vector<analysis::TailSurrogate>;

  const StandIns& learn(int sawl);
  StandIns learn(std::size_t nominal, const StandIns& warm_starts);
  const StandIns& warm_starts_of(std::size_t p);
  TailLevel level_of(std::size_t p, std::size_t k, const SampleSet& plain) const;
  std::vector<TailLevel> levels_of(std::size_t p, const LevelSamples& point) const;
  std::vector<SetConverter> converters_of(std::size_t p) const;
  TailOptions options_for(std::size_t p, const StandIns& warm_starts) const;

  const StudyRun& run_;
  const ColumnDesign& design_;
  LevelRunner runner_;
  std::vector<std::size_t> asking_;
  std::map<int, StandIns> learnt_;  // by SAWL
  const StandIns none_;
};

}  // namespace flare::studies
