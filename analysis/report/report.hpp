// The six-sigma report of a result file: tables on a stream, or one HTML page that needs no network.
#pragma once

#include <filesystem>
#include <ostream>

#include "analysis/report/report_data.hpp"

namespace flare::analysis {

/// Tables for a terminal: the pick, per SAWL the worst corner with its error per read, and the accuracies.
/// Throws engine::FileError.
void print_report(const std::filesystem::path& result, std::ostream& out);
void print_report(const ReportData& data, std::ostream& out);

/// Writes <folder>/index.html with the same tables and the figures inline, and each figure as
/// <folder>/<name>.svg; returns the page's path. The folder is made if needed. Where gnuplot is absent or
/// fails, the page says so in the place of the figures and is complete otherwise. Throws engine::FileError
/// for a result that cannot be read, std::runtime_error for a folder that cannot be written.
std::filesystem::path write_report(const std::filesystem::path& result, const std::filesystem::path& folder);

}  // namespace flare::analysis
