// Stage "timing" of a column study: how long is the word line up?
#pragma once

#include <memory>
#include <vector>

#include "studies/column/column_testbench.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// The run that times one point, without variation: one measure, the time at which the full-scale level has fallen by
/// the swing.
struct TimingBench {
  TimingRun run;
  std::shared_ptr<engine::Testbench> bench;
};
TimingBench timing_testbench(const Study& study, const ColumnPoint& point);

/// End of the word-line pulse of every point, s: as long as the full-scale level takes to fall by the swing, at each
/// corner or at the nominal one. Throws engine::Stopped; std::runtime_error where the level never falls by it.
std::vector<double> find_pulses(const StudyRun& run, const std::vector<ColumnPoint>& points);

/// The same for one point by itself: its own corner's pulse.
double find_pulse(const Study& study, const ColumnPoint& point, engine::Evaluator& evaluator);

}  // namespace flare::studies
