// Testbenches of a column study: a column without variation, and one whose level varies.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "studies/column_points.hpp"
#include "studies/study_testbench.hpp"

namespace flare::studies {

/// Gate areas of the devices of a column, by SAWL.
using ColumnAreas = std::map<int, DeviceAreas>;

/// Reads the sizes that Pelgrom laws need from the loaded circuit of one SAWL.
DeviceAreas column_areas(const Study& study, int sawl, engine::Evaluator& evaluator);

/// A column that does not vary, without a measure: simulated up to its sense time.
std::shared_ptr<engine::Testbench> bare_testbench(const Study& study, const ColumnOptions& options,
                                                  const std::string& name);

/// Level `k` of a point whose word-line pulse ends at `wordline_off` (s): one measure, V. `areas` null: without
/// variation.
std::shared_ptr<engine::Testbench> level_testbench(const Study& study, const ColumnPoint& point,
                                                   double wordline_off, int k, const DeviceAreas* areas);

/// One run without variation: a point of no coordinates.
engine::Matrix no_variation();

/// The first measure of a run without variation. Throws std::runtime_error with `what` where it gave no answer: the
/// design does not work there.
double single_value(const std::vector<engine::RunResult>& runs, const std::string& what);

}  // namespace flare::studies
