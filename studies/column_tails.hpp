// Tail probabilities of a column's levels from rare-event simulation: one estimate per level and direction,
// each with the interval and the status the estimator stands behind.
//
// The comparator's own deviation (offset and noise, in steps) is one more standard-normal coordinate beside
// the bench's, so that level and converter are estimated together, without assuming that either is normal.
//
// A column has structure a general method cannot see, and it is used to tell the search where to look (never
// as a result): cells are exchangeable, so the way level SAWL fails tells how level k fails (the k on-cells
// each carry SAWL/k as much), and the way up is the way down mirrored.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "analysis/converter.hpp"
#include "analysis/rare_event.hpp"
#include "studies/study_run.hpp"

namespace flare::studies {

/// Draws of one level: voltages at scale * N(0, I), with the converter's coordinate as the last column.
struct LevelDraws {
  double scale = 1.0;
  engine::Matrix points;      // runs x (d + 1)
  std::vector<double> volts;  // of the level; NaN: unknown
};

/// One level: its bench with the study's variation, and what is known of it so far.
struct TailLevel {
  std::size_t k = 0;
  std::shared_ptr<const engine::Testbench> bench;  // first measure: the level, V
  std::vector<LevelDraws> known;                   // grows
};

/// One level and direction, estimated.
struct EstimatedTail {
  analysis::LevelTail tail;
  analysis::RareEventSummary summary;
  SampleSet samples;  // every run it made, in the order made; points without the converter's coordinate
};

struct TailOptions {
  std::string stream;  // names the runs, e.g. "tails/sram8t/sawl8/tt_0.90V_27C/flash"
  double accuracy = 0.1;
  std::uint64_t budget = 5000;  // for all levels and directions together
  analysis::RareEventMethod method = analysis::RareEventMethod::automatic;
  std::function<void(const EstimatedTail& tail)> on_tail;  // told of every one that is finished; may be empty
};

/// Tails of all levels towards the thresholds next to them. Throws engine::Stopped where a stop was
/// requested.
std::vector<EstimatedTail> estimate_tails(const StudyRun& run, std::vector<TailLevel>& levels,
                                          const analysis::Converter& converter,
                                          const analysis::ReferenceLevels& reference,
                                          const TailOptions& options);

/// Share of every variable in the squared distance of a most probable point; sums to 1. `point` may be longer
/// than the names (the converter's coordinate), which then gets the name "converter".
struct VariableShare {
  std::string variable;
  double share = 0.0;
};
std::vector<VariableShare> variable_shares(const engine::Vector& point, const engine::Testbench& bench);

}  // namespace flare::studies
