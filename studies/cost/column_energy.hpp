// What a read of a column takes from the supply, simulated without variation.
#pragma once

#include <vector>

#include "analysis/results/cost_table.hpp"
#include "studies/column/column_points.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// A row for every k from 0 to the point's SAWL: the bitline's charge put back after a read whose word line ends at
/// `wordline_off` (s), and this column's share of the word lines. Throws std::runtime_error where a read gives no answer.
std::vector<analysis::ReadEnergyRow> measure_read_energy(const StudyRun& run, const ColumnPoint& point,
                                                         double wordline_off);

}  // namespace flare::studies
