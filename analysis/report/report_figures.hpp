// The figures of the report.
#pragma once

#include <string>
#include <vector>

#include "analysis/report/figure.hpp"
#include "analysis/report/report_data.hpp"

namespace flare::analysis {

/// All figures the data allow, in the page's order. Throws FigureError.
std::vector<ReportFigure> draw_report_figures(const ReportData& data);

}  // namespace flare::analysis
