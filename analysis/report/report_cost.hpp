// What the report shows of /cost, as tables of text.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "analysis/report/report_adc.hpp"
#include "analysis/results/cost_table.hpp"

namespace flare::analysis {

/// Summary, energy by component, stages, area, baselines, conclusions, sweep; none for an empty result.
std::vector<TextTable> cost_tables(const CostResult& result);

/// Where the numbers come from, a line each.
std::vector<std::string> cost_notes(const CostResult& result);

/// "12.3 uJ", "1.04 M/s": a number with the prefix that suits. Areas in mm^2.
std::string cost_text(double value, const std::string& unit);

/// Any such tables on a stream.
void print_tables(const std::vector<TextTable>& tables, std::ostream& out);
/// Tables and notes on a stream.
void print_cost(const CostResult& result, std::ostream& out);

}  // namespace flare::analysis
