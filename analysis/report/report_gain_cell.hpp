// What the report shows of a gain cell: tables of text and figures, from /gain_cell of a result file.
#pragma once

#include <vector>

#include "analysis/report/figure.hpp"
#include "analysis/report/report_adc.hpp"
#include "engine/base/gain_cell_tables.hpp"

namespace flare::analysis {

/// Transfer, what is left of a level, converters, energies; then columns against their cells. One row a corner or a level and corner.
std::vector<TextTable> gain_cell_tables(const std::vector<engine::GainCellTables>& cells);

/// Of every cell: transfer fan, residual of its cubic, retention fan, pulse width over charge, deviation of the width from its
/// line. Throws FigureError.
std::vector<ReportFigure> gain_cell_figures(const std::vector<engine::GainCellTables>& cells);

}  // namespace flare::analysis
