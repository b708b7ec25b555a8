// The figures of the report.
#pragma once

#include <string>
#include <vector>

#include "analysis/figure.hpp"
#include "analysis/report_data.hpp"

namespace flare::analysis {

struct ReportFigure {
  std::string name;     // letters, digits, "_": "error_over_sawl"
  std::string heading;  // plain text, to be escaped
  std::string caption;  // plain text: how to read it
  std::string svg;
};

/// All figures the data allow, in the page's order. Throws FigureError.
std::vector<ReportFigure> draw_report_figures(const ReportData& data);

}  // namespace flare::analysis
