// The report as tables on a stream.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/report.hpp"
#include "analysis/report/report_accuracy.hpp"
#include "analysis/report/report_adc.hpp"
#include "analysis/report/report_circuit.hpp"
#include "analysis/report/report_cost.hpp"
#include "analysis/report/report_gain_cell.hpp"
#include "analysis/report/report_map.hpp"
#include "analysis/report/report_screening.hpp"
#include "analysis/report/text_table.hpp"
#include "analysis/tails/tail_text.hpp"

namespace flare::analysis {
namespace {

using Row = TextRow;

void print_verdict(const ReportData& data, std::ostream& out) {
  std::vector<Row> rows;
  for (const VerdictRow& row : data.verdict) {
    rows.push_back({printable(row.key.cell), std::to_string(row.key.sawl), printable(row.key.adc),
                    printable(corner_text(row.key.corner)), probability_text(row.error),
                    probability_interval_text(row.error), sigma_text(row.error),
                    sigma_interval_text(row.error), std::string(to_string(row.error.status)),
                    row.passes ? "yes" : "no"});
  }
  print_table(out,
              {"cell", "SAWL", "converter", "worst corner", "error/read", "95 % interval", "sigma",
               "95 % interval", "status", "passes"},
              rows);
}

void print_accuracy(const ReportData& data, std::ostream& out) {
  std::vector<Row> rows;
  for (const AccuracyRow& row : data.accuracy) {
    rows.push_back({printable(row.model), printable(row.quantizer),
                    row.sawl > 0 ? std::to_string(row.sawl) : "-", row.adc.empty() ? "-" : printable(row.adc),
                    row.corner.empty() ? "-" : printable(corner_text(row.corner)), printable(row.mode),
                    accuracy_text(row, row.mean), accuracy_limits_text(row, row.low, row.high),
                    accuracy_text(row, row.drop), accuracy_limits_text(row, row.drop_low, row.drop_high),
                    std::to_string(row.repeats), std::to_string(row.examples)});
  }
  print_table(out,
              {"model", "quantiser", "SAWL", "converter", "corner", "errors", "accuracy", "95 %", "drop",
               "95 %", "repeats", "examples"},
              rows);
  for (const std::string& line : accuracy_differences(data.accuracy)) out << printable(line) << "\n";
  for (const std::string& line : accuracy_notes(data.accuracy)) out << line << "\n";
}

}  // namespace

void print_tables(const std::vector<TextTable>& tables, std::ostream& out) {
  for (const TextTable& table : tables) {
    out << printable(table.title) << '\n';
    std::vector<Row> rows = table.rows;
    for (Row& row : rows) {
      for (std::string& cell : row) cell = printable(cell);
    }
    Row head = table.head;
    for (std::string& cell : head) cell = printable(cell);
    print_table(out, head, rows);
    out << '\n';
  }
}

void print_cost(const CostResult& result, std::ostream& out) {
  print_tables(cost_tables(result), out);
  for (const std::string& note : cost_notes(result)) out << "Note: " << printable(note) << ".\n";
}

namespace {

void print_map(const ReportData& data, std::ostream& out) {
  if (data.map.rows.empty()) return;
  out << '\n';
  print_tables(map_tables(data.map, data.target_text), out);
  if (!data.map.claim.empty()) out << "Claimed elsewhere: " << printable(data.map.claim) << '\n';
  out << printable(cheapest_text(data.map, data.target_text)) << '\n';
}

}  // namespace

void print_report(const ReportData& data, std::ostream& out) {
  if (!data.title.empty()) out << printable(data.title) << "\n\n";
  if (!data.complete) out << "This result is not complete: the run stopped before its end.\n\n";
  if (!data.verdict.empty()) {
    print_verdict(data, out);
    if (!data.rule.empty()) out << "\n  A SAWL " << printable(data.rule) << ".\n";
    const bool beyond = std::any_of(data.verdict.begin(), data.verdict.end(), [](const VerdictRow& row) {
      return row.error.status == TailStatus::extrapolated;
    });
    if (beyond) out << "  \"extrapolated\": beyond the runs made, continued from the fitted laws.\n";
    if (!data.pick.empty()) out << '\n' << printable(data.pick) << '\n';
    for (const std::string& line : accuracy_picks(data.accuracy, data.verdict, data.target_text))
      out << printable(line) << '\n';
    if (!data.composition.empty()) out << printable(data.composition) << '\n';
    if (!data.tracking.empty()) out << "Die-wide variables: " << printable(data.tracking) << ".\n";
    for (const ConverterScreening& screening : data.screening_error)
      out << printable(screening_text(screening)) << '\n';
  }
  print_circuit(data, out);
  print_sweep(data, out);
  print_map(data, out);
  print_tables(adc_tables(data.adcs), out);
  print_tables(gain_cell_tables(data.gain_cells), out);
  if (!data.accuracy.empty()) {
    out << "\nAccuracy\n";
    print_accuracy(data, out);
  }
  if (!data.cost.empty()) {
    out << '\n';
    print_cost(data.cost, out);
  }
  if (data.verdict.empty() && data.accuracy.empty() && data.failures.empty() && data.adcs.empty() &&
      data.limits.empty() && data.sweep.columns.empty() && data.cost.empty() && data.gain_cells.empty()) {
    out << "The file holds no verdict, failures, converters, gain cells, accuracies or costs yet.\n";
  }
}

void print_report(const std::filesystem::path& result, std::ostream& out) {
  print_report(read_report_data(result), out);
}

}  // namespace flare::analysis
