// Where a column study looks: every SAWL at every corner.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "studies/study/study.hpp"

namespace flare::studies {

/// One SAWL at one corner.
struct ColumnPoint {
  int sawl = 0;
  Corner corner;
};

/// All SAWL x corners in the study's order; the nominal corner is always among them.
std::vector<ColumnPoint> column_points(const Study& study);

/// "sram8t/sawl8/tt_0.90V_27C": names streams of runs and groups of the result file.
std::string point_name(const Study& study, const ColumnPoint& point);

/// Index of the nominal corner's point at a SAWL of the study.
std::size_t nominal_point(const Study& study, const std::vector<ColumnPoint>& points, int sawl);

}  // namespace flare::studies
