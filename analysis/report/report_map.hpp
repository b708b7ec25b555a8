// The map of a result: a grid a cell of sigma at the worst corner, SAWL by converter, and a table of what the points cost.
#pragma once

#include <vector>

#include "analysis/report/report_adc.hpp"
#include "analysis/results/map_table.hpp"

namespace flare::analysis {

/// Points that hold the target, as the study says it, are marked with "*". Empty for a map without rows.
std::vector<TextTable> map_tables(const ResultMap& map, const std::string& target);

}  // namespace flare::analysis
