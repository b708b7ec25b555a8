// Stage "levels" of a column study: plain samples of every level of a point.
#pragma once

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

/// Plain samples of every level of the points named: moments, histograms, fits. Throws engine::Stopped.
std::map<std::size_t, LevelSamples> sample_levels(const StudyRun& run, const ColumnDesign& design,
                                                  const std::vector<std::size_t>& points);

}  // namespace flare::studies
