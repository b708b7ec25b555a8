// Stage "tails" of a column study: rare-event estimates of every level towards the thresholds of every converter.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "studies/column/column_converters.hpp"
#include "studies/column/column_die.hpp"
#include "studies/column/column_levels.hpp"
#include "studies/column/column_tails.hpp"
#include "studies/run/asked_runs.hpp"

namespace flare::studies {

/// The bend of the full-scale level is learnt at the nominal corner, SAWL after SAWL, and every level of every point
/// starts from there: that way its numbers depend neither on who ran what, nor on which other levels and corners are
/// run, nor on their order.
class TailStage {
 public:
  /// Run and design must outlive the stage.
  TailStage(const StudyRun& run, const ColumnDesign& design);

  /// Learns what the SAWLs up to `sawl` start from, with runs of its own; what is known already is kept. Throws
  /// engine::Stopped.
  void learn(int sawl);

  /// Tails of the levels given, from their plain samples, as many at once as there are workers for; nothing where the
  /// study's tails come from fits. Levels have equal shares of the budget; what they leave of it goes in equal shares to
  /// those of the same point that have no answer, whose runs so far are kept: by whoever has all of the points' levels,
  /// so not by a shard. Learns first what has not been learnt. Throws engine::Stopped.
  std::vector<LevelTails> estimate(const std::vector<LevelItem>& items, const std::vector<SampleSet>& plain);

  /// This shard's of the levels that are asked again, from what was noted when all `items`, every level of their points,
  /// were estimated. Learns first. Throws engine::Stopped; StudyError where a level has no note.
  void ask_share_again(const std::vector<LevelItem>& items);

 private:
  /// One of several levels, asked again with so many runs more than its share, and at most `fresh` that it has not made:
  /// with more runs to spend an estimate may go another way, and leave some of its first ones.
  struct Again {
    std::size_t item = 0;
    std::uint64_t more = 0;
    std::uint64_t fresh = 0;
  };
  /// Called before runs are made; may throw.
  using Spend = std::function<void(const engine::RunRequest&)>;

  using StandIns = std::vector<analysis::TailSurrogate>;

  StandIns learn_full_scale(int sawl) const;
  const StandIns& warm_starts_of(const LevelItem& item) const;
  LevelTails estimate(const LevelItem& item, const SampleSet& plain, std::uint64_t more,
                      const Spend& spend) const;
  Spend noted_in(AskedRuns& asked) const;
  void ask_again(const std::vector<LevelItem>& items, const std::vector<SampleSet>& plain,
                 std::vector<AskedRuns>& asked, std::vector<LevelTails>& tails) const;
  /// Nothing where it would take more runs than it is given: what it came to at first stands.
  std::optional<LevelTails> estimate_again(const LevelItem& item, const SampleSet& plain, const Again& again,
                                           AskedRuns& asked) const;
  std::vector<Again> asked_again(const std::vector<LevelItem>& items,
                                 const std::vector<engine::EstimateNote>& notes) const;
  void keep_note(const LevelItem& item, const LevelTails& tails) const;
  engine::EstimateNote note_of(const LevelItem& item) const;
  std::string stream_of(const LevelItem& item) const;
  std::vector<SetConverter> converters_of(std::size_t p) const;
  std::uint64_t share_of_level(const LevelItem& item) const;
  TailOptions options_for(const LevelItem& item, std::uint64_t more) const;

  const StudyRun& run_;
  const ColumnDesign& design_;
  LevelRunner runner_;
  std::vector<std::size_t> asking_;
  std::map<int, StandIns> learnt_;  // by SAWL
  const StandIns none_;
};

}  // namespace flare::studies
