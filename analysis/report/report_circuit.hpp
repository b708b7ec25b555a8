// What a report says of a circuit's specs and of sweeps, as tables and sentences.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "analysis/report/report_data.hpp"
#include "analysis/report/text_table.hpp"

namespace flare::analysis {

/// Table with its head, cells as text.
struct CircuitTable {
  TextRow head;
  std::vector<TextRow> rows;
};

/// The verdict, a row a spec; without rows where the file has none.
CircuitTable spec_table(const ReportData& data);
/// Limits that were asked for, a row a corner.
CircuitTable limit_table(const ReportData& data);
/// Moments of every measure at every corner, from plain samples.
CircuitTable measure_table(const ReportData& data);
/// Every point and series of a sweep.
CircuitTable sweep_table(const ReportData& data);
CircuitTable sweep_limit_table(const ReportData& data);

/// "12 uA" .. "15 uA", "-" where there is none.
std::string limit_text(double value, const std::string& unit);

void print_circuit(const ReportData& data, std::ostream& out);
void print_sweep(const ReportData& data, std::ostream& out);

}  // namespace flare::analysis
