// The report as tables on a stream.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/report.hpp"
#include "analysis/report/report_adc.hpp"
#include "analysis/report/report_circuit.hpp"
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
                    accuracy_text(row, row.mean), row.repeats > 1 ? accuracy_text(row, row.std) : "-",
                    accuracy_text(row, row.floating), std::to_string(row.examples)});
  }
  print_table(
      out,
      {"model", "quantiser", "SAWL", "converter", "corner", "errors", "accuracy", "std", "float", "examples"},
      rows);
}

void print_adcs(const ReportData& data, std::ostream& out) {
  for (const TextTable& adc : adc_tables(data.adcs)) {
    out << printable(adc.title) << '\n';
    std::vector<Row> rows = adc.rows;
    for (Row& row : rows) {
      for (std::string& cell : row) cell = printable(cell);
    }
    print_table(out, adc.head, rows);
    out << '\n';
  }
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
    if (!data.tracking.empty()) out << "Die-wide variables: " << printable(data.tracking) << ".\n";
    for (const ConverterScreening& screening : data.screening_error)
      out << printable(screening_text(screening)) << '\n';
  }
  print_circuit(data, out);
  print_sweep(data, out);
  print_adcs(data, out);
  if (!data.accuracy.empty()) {
    out << "\nAccuracy\n";
    print_accuracy(data, out);
  }
  if (data.verdict.empty() && data.accuracy.empty() && data.failures.empty() && data.adcs.empty() &&
      data.limits.empty() && data.sweep.columns.empty()) {
    out << "The file holds no verdict, failures, converters or accuracies yet.\n";
  }
}

void print_report(const std::filesystem::path& result, std::ostream& out) {
  print_report(read_report_data(result), out);
}

}  // namespace flare::analysis
