// The figures of the report: one file each, figure_*.cpp.
#pragma once

#include <string>
#include <vector>

#include "analysis/report/figure.hpp"
#include "analysis/report/report_data.hpp"

namespace flare::analysis {

/// Id of a row of the verdict, on the page and for links to it.
std::string verdict_row_id(const ModelKey& key);

/// All figures the data allow, in the page's order. Throws FigureError.
std::vector<ReportFigure> draw_report_figures(const ReportData& data);

// Each throws FigureError; a figure without anything to draw is empty (no svg).

/// Error per read over SAWL, a series a cell and converter.
ReportFigure error_figure(const ReportData& data);
/// Whether that figure has a colour for every series; else it is left out, and enob_figure stands for it.
bool lines_show_all(const ReportData& data);
/// Sigma over the corners of one cell and converter, a series a SAWL.
ReportFigure corner_figure(const ReportData& data, const std::string& cell, const std::string& adc);
/// Accuracy over SAWL.
ReportFigure accuracy_figure(const ReportData& data);
/// Accuracy over the error per read it was found under.
ReportFigure error_rate_figure(const ReportData& data);
/// Sigma of one cell over SAWL and converters in the order of their ENOB; empty unless there are two of each, or the lines do
/// not show all.
ReportFigure enob_figure(const ReportData& data, const std::string& cell);
/// P(code | k) as a heat map.
ReportFigure confusion_figure(const ReportModel& model);
/// Histogram and normal-quantile plot of a measure of a circuit, with its weighted tail runs, limits and answers.
ReportFigure measure_figure(const ReportData& data, const ReportMeasure& measure);
/// Weighted means over their runs, of the answers that rest on weighted runs.
ReportFigure convergence_figure(const ReportData& data);
/// The laws of all levels of a point with the thresholds of a converter.
ReportFigure level_figure(const ReportPoint& point, const ReportModel& model);

/// Sigma over what is swept, one figure a series of two axes or one for all of one axis; empty where the file has no sweep.
/// Throws FigureError.
std::vector<ReportFigure> sweep_figures(const ReportData& data);

}  // namespace flare::analysis
