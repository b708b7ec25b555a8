// Stage "levels" of a column study: plain samples of every level of a point.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "analysis/levels/level_fit.hpp"
#include "studies/column/column_design.hpp"

namespace flare::studies {

/// The levels of one point, by k.
struct LevelSamples {
  std::vector<SampleSet> samples;
  std::vector<analysis::LevelFit> fits;
};

/// The plain samples of level `k` of a point, not yet run.
engine::RunRequest plain_samples(const Study& study, const ColumnDesign& design, std::size_t p, int k);

/// Level `k` of a point: what can be run by itself.
struct LevelItem {
  std::size_t point = 0;  // of the design
  int k = 0;
};
/// Every level of the points named, in their order.
std::vector<LevelItem> levels_of(const ColumnDesign& design, const std::vector<std::size_t>& points);
/// About how long a run takes, against others: it goes with the number of rows that are read.
double run_weight(int sawl);

/// Plain samples of the items. `beside`: what is to be done at the same time, first; may be empty. Throws engine::Stopped.
std::vector<SampleSet> sample_levels(const StudyRun& run, const ColumnDesign& design,
                                     const std::vector<LevelItem>& items, std::function<void()> beside);

/// Whole points, with moments, histograms, fits, from all their levels.
std::map<std::size_t, LevelSamples> fit_levels(const std::vector<LevelItem>& items,
                                               std::vector<SampleSet> plain);

}  // namespace flare::studies
