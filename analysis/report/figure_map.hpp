// The map of cells, SAWLs and converters as figures.
#pragma once

#include <vector>

#include "analysis/report/figure.hpp"
#include "analysis/report/report_data.hpp"

namespace flare::analysis {

/// Sigma at the worst corner over SAWL with the target's line, a figure a cell, a series a converter; empty where the file has
/// no map. Throws FigureError.
std::vector<ReportFigure> map_figures(const ReportData& data);

}  // namespace flare::analysis
