// Stage "timing" of a column study: how long is the word line up?
#pragma once

#include <vector>

#include "studies/column_points.hpp"
#include "studies/study_run.hpp"

namespace flare::studies {

/// End of the word-line pulse of every point, s: as long as the full-scale level takes to fall by the swing, at each
/// corner or at the nominal one. Throws engine::Stopped; std::runtime_error where the level never falls by it.
std::vector<double> find_pulses(const StudyRun& run, const std::vector<ColumnPoint>& points);

}  // namespace flare::studies
