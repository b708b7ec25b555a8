// The study of a bitline column: at which SAWL does a read stay right?
//
//   timing     one run per (SAWL, corner): how long a word-line pulse brings the full-scale level down by the
//              swing?
//   nominal    one run per (SAWL, corner, level): the reference levels
//   screening  one run per variable of the full-scale level at every corner ranks the corners
//   levels     every level at the nominal corner and the worst ones: plain samples for moments and histograms
//   tails      of those, each level towards the thresholds of every converter, by rare-event simulation (or from
//              a fit to the plain samples, where the study asks for "fit")
//
// Levels are voltages of the bitline at the sense time; k is the number of on-cells among the active rows.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "analysis/converter.hpp"
#include "analysis/level_fit.hpp"
#include "analysis/verdict.hpp"
#include "studies/column_tails.hpp"
#include "studies/study_run.hpp"
#include "studies/study_testbench.hpp"

namespace flare::studies {

/// One SAWL at one corner.
struct ColumnPoint {
  int sawl = 0;
  Corner corner;
  double wordline_off = 0.0;    // s: end of the word-line pulse
  std::vector<double> nominal;  // V, level k without variation
  double screen_sigma = 0.0;    // smallest margin over sigma as the screening saw it
  bool full = false;
  bool here = false;              // full, and this shard's to run
  std::vector<SampleSet> levels;  // of a full point, by k
  std::vector<analysis::LevelFit> fits;
  std::vector<SampleSet> tail_runs;  // by k: runs that answer the questions of every converter
};

struct ColumnResult {
  std::vector<ColumnPoint> points;  // all SAWL x corners, in the study's order
  /// Converted points by (point, converter), full points only.
  struct Converted {
    std::size_t point = 0;
    analysis::ModelKey key;
    analysis::ConvertedPoint value;
    analysis::ErrorModel model;
    std::vector<EstimatedTail> tails;  // empty where they come from a fit
  };
  std::vector<Converted> converted;
  std::vector<analysis::VerdictRow> verdict;
};

/// How many runs a column study makes: for `flare check`.
struct ColumnPlan {
  std::size_t points = 0;
  std::size_t timing = 0;
  std::size_t nominal = 0;
  std::size_t screening = 0;
  std::size_t full = 0;                  // at most: the nominal corner may be among the worst
  std::size_t tails = 0;                 // at most: the estimator's budget
  std::map<int, std::size_t> dimension;  // variables by SAWL

  std::size_t total() const { return timing + nominal + screening + full + tails; }
};
/// Builds every kind of testbench once, without simulating. Throws what a run would throw for the same
/// reasons.
ColumnPlan plan_column_study(const Study& study);

/// Runs all stages. Throws engine::Stopped, engine::StoreError, StudyError, std::runtime_error.
ColumnResult run_column_study(const StudyRun& run);

/// The testbench of a group of samples of a result file, as the run that wrote it built it. Throws StudyError
/// for a group that names no level of a full point.
engine::Testbench column_replay_testbench(const Study& study, const H5::H5File& file,
                                          const std::string& group, engine::Evaluator& evaluator);

/// /points, /screening, /error_models, /verdict.
void write_column_result(H5::H5File& file, const Study& study, const ColumnResult& result);

}  // namespace flare::studies
