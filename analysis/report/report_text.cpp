// The report as tables on a stream.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/report.hpp"
#include "analysis/report/report_accuracy.hpp"
#include "analysis/report/report_adc.hpp"
#include "analysis/report/report_cost.hpp"
#include "analysis/report/report_gain_cell.hpp"
#include "analysis/report/report_map.hpp"
#include "analysis/report/report_screening.hpp"
#include "analysis/tails/tail_text.hpp"

namespace flare::analysis {
namespace {

// Text of a file on a terminal: control characters would act there.
std::string printable(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    safe += (byte < 0x20 && c != '\n') || byte == 0x7f ? '?' : c;
  }
  return safe;
}

using Row = std::vector<std::string>;

// On the terminal: UTF-8's continuation bytes take none.
std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void print_table(std::ostream& out, const Row& head, const std::vector<Row>& rows) {
  std::vector<std::size_t> width(head.size());
  for (std::size_t c = 0; c < head.size(); ++c) {
    width[c] = columns_of(head[c]);
    for (const Row& row : rows) width[c] = std::max(width[c], columns_of(row[c]));
  }
  const auto line = [&](const Row& row) {
    std::string text = " ";
    for (std::size_t c = 0; c < row.size(); ++c) text += fmt::format(" {:<{}} ", row[c], width[c]);
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << '\n';
  };
  line(head);
  Row rule;
  for (const std::size_t w : width) rule.push_back(std::string(w, '-'));
  line(rule);
  for (const Row& row : rows) line(row);
}

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
}

void print_failures(const ReportData& data, std::ostream& out) {
  std::vector<Row> rows;
  for (const FailureRow& row : data.failures) {
    rows.push_back({printable(corner_text(row.corner)), probability_text(row.tail, 3),
                    probability_interval_text(row.tail), sigma_text(row.tail), sigma_interval_text(row.tail),
                    std::to_string(row.tail.runs), std::to_string(row.tail.unknown),
                    printable(method_name(row.tail)), std::string(to_string(row.tail.status))});
  }
  print_table(
      out,
      {"corner", "P(fail)", "95 % interval", "sigma", "95 % interval", "runs", "unknown", "method", "status"},
      rows);
  for (const FailureRow& row : data.failures) {
    const std::string reason = method_reason(row.tail);
    if (reason.empty()) continue;
    out << "\n  " << printable(corner_text(row.corner)) << ", " << to_string(row.tail.status) << ": "
        << printable(reason) << ".\n";
  }
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
  print_tables(map_tables(data.map), out);
  if (!data.map.claim.empty()) out << "Claimed elsewhere: " << printable(data.map.claim) << '\n';
  out << printable(cheapest_text(data.map)) << '\n';
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
    for (const std::string& line : accuracy_picks(data.accuracy, data.verdict))
      out << printable(line) << '\n';
    if (!data.composition.empty()) out << printable(data.composition) << '\n';
    if (!data.tracking.empty()) out << "Die-wide variables: " << printable(data.tracking) << ".\n";
    for (const ConverterScreening& screening : data.screening_error)
      out << printable(screening_text(screening)) << '\n';
  }
  if (!data.failures.empty()) print_failures(data, out);
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
      data.cost.empty() && data.gain_cells.empty()) {
    out << "The file holds no verdict, failures, converters, gain cells, accuracies or costs yet.\n";
  }
}

void print_report(const std::filesystem::path& result, std::ostream& out) {
  print_report(read_report_data(result), out);
}

}  // namespace flare::analysis
