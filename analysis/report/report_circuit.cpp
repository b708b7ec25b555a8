#include "analysis/report/report_circuit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/tails/tail_text.hpp"
#include "engine/base/units.hpp"

namespace flare::analysis {
namespace {

std::vector<TextRow> made_printable(std::vector<TextRow> rows) {
  for (TextRow& row : rows) {
    for (std::string& cell : row) cell = printable(cell);
  }
  return rows;
}

void print(const CircuitTable& table, std::ostream& out) {
  if (!table.rows.empty()) print_table(out, made_printable({table.head}).front(), made_printable(table.rows));
}

/// The swept values of a point, and the head for them.
TextRow point_cells(const Sweep& sweep, std::size_t point) {
  TextRow cells;
  for (const SweepColumn& column : sweep.columns) {
    const bool number = point < column.texts.size() && !std::isnan(column.numbers[point]);
    cells.push_back(point >= column.texts.size() ? "?"
                    : number                     ? fmt::format("{:.6g}", column.numbers[point])
                                                 : column.texts[point]);
  }
  return cells;
}

TextRow point_head(const Sweep& sweep) {
  TextRow head;
  for (const SweepColumn& column : sweep.columns)
    head.push_back(column.unit.empty() ? column.key : fmt::format("{} ({})", column.key, column.unit));
  return head;
}

CircuitTable failure_table(const ReportData& data) {
  CircuitTable table{
      {"corner", "P(fail)", "95 % interval", "sigma", "95 % interval", "runs", "unknown", "method", "status"},
      {}};
  const bool many = data.specs.size() > 1;
  if (many) table.head.insert(table.head.begin(), "spec");
  for (const FailureRow& row : data.failures) {
    TextRow cells{corner_text(row.corner),
                  probability_text(row.tail, 3),
                  probability_interval_text(row.tail),
                  sigma_text(row.tail),
                  sigma_interval_text(row.tail),
                  std::to_string(row.tail.runs),
                  std::to_string(row.tail.unknown),
                  method_name(row.tail),
                  std::string(to_string(row.tail.status))};
    if (many) cells.insert(cells.begin(), row.spec);
    table.rows.push_back(std::move(cells));
  }
  return table;
}

}  // namespace

std::string limit_text(double value, const std::string& unit) {
  return std::isnan(value) ? "-" : engine::format_quantity(value, unit, 4);
}

CircuitTable spec_table(const ReportData& data) {
  CircuitTable table{{"spec", "measure", "min", "max", "worst corner", "P(fail)", "95 % interval", "sigma",
                      "95 % interval", "status", "passes", ""},
                     {}};
  for (const SpecRow& row : data.specs) {
    table.rows.push_back({row.spec, row.measure, limit_text(row.min, row.unit), limit_text(row.max, row.unit),
                          corner_text(row.corner), probability_text(row.failure, 3),
                          probability_interval_text(row.failure), sigma_text(row.failure),
                          sigma_interval_text(row.failure), std::string(to_string(row.failure.status)),
                          row.passes ? "yes" : "no", row.limiting && data.specs.size() > 1 ? "limits" : ""});
  }
  return table;
}

CircuitTable limit_table(const ReportData& data) {
  CircuitTable table{{"spec", "measure", "side", "corner", "limit", "95 % interval", "runs", "status", ""},
                     {}};
  for (const LimitRow& row : data.limits) {
    const bool refused = std::isnan(row.held.limit);
    table.rows.push_back({row.spec, row.measure, std::string(limit_word(row.side)), corner_text(row.corner),
                          limit_text(row.held.limit, row.unit),
                          refused ? "-"
                                  : fmt::format("{} .. {}", limit_text(row.held.low, row.unit),
                                                limit_text(row.held.high, row.unit)),
                          std::to_string(row.held.runs), std::string(to_string(row.held.status)),
                          row.worst ? "worst" : ""});
  }
  return table;
}

CircuitTable measure_table(const ReportData& data) {
  CircuitTable table{
      {"measure", "corner", "mean", "sigma", "skewness", "kurtosis", "least", "most", "runs", "unknown"}, {}};
  for (const ReportMeasure& measure : data.measures) {
    TextRow row{measure.name, corner_text(measure.corner)};
    if (measure.plain.size() < min_moment_runs) {
      row.insert(row.end(), 6, "-");
    } else {
      const Moments of = estimate_moments(measure.plain, measure.unknown);
      const auto [least, most] = std::minmax_element(measure.plain.begin(), measure.plain.end());
      for (const std::string& cell : {limit_text(of.mean, measure.unit), limit_text(of.sigma, measure.unit),
                                      fmt::format("{:.3f}", of.skewness), fmt::format("{:.3f}", of.kurtosis),
                                      limit_text(*least, measure.unit), limit_text(*most, measure.unit)}) {
        row.push_back(cell);
      }
    }
    row.push_back(std::to_string(measure.plain.size()));
    row.push_back(std::to_string(measure.unknown));
    table.rows.push_back(std::move(row));
  }
  return table;
}

CircuitTable sweep_table(const ReportData& data) {
  CircuitTable table{point_head(data.sweep), {}};
  for (const char* name : {"of", "worst corner", "P(fail)", "sigma", "95 % interval", "status", "passes"})
    table.head.emplace_back(name);
  for (const SweepAnswer& answer : data.sweep.answers) {
    TextRow cells = point_cells(data.sweep, answer.point);
    for (const std::string& cell :
         {answer.series, corner_text(answer.corner), probability_text(answer.tail, 3),
          sigma_text(answer.tail), sigma_interval_text(answer.tail),
          std::string(to_string(answer.tail.status)), std::string(answer.passes ? "yes" : "no")}) {
      cells.push_back(cell);
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

CircuitTable sweep_limit_table(const ReportData& data) {
  CircuitTable table{point_head(data.sweep), {}};
  for (const char* name : {"of", "worst corner", "limit", "95 % interval"}) table.head.emplace_back(name);
  for (const SweepLimit& limit : data.sweep.limits) {
    TextRow cells = point_cells(data.sweep, limit.point);
    const HeldLimit& held = limit.row.held;
    cells.push_back(limit.row.spec);
    cells.push_back(corner_text(limit.row.corner));
    cells.push_back(limit_text(held.limit, limit.row.unit));
    cells.push_back(
        fmt::format("{} .. {}", limit_text(held.low, limit.row.unit), limit_text(held.high, limit.row.unit)));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

void print_circuit(const ReportData& data, std::ostream& out) {
  print(spec_table(data), out);
  if (!data.specs.empty()) {
    out << "\n  A spec " << printable(data.spec_rule) << ".\n\n" << printable(data.spec_verdict) << "\n\n";
  }
  print(limit_table(data), out);
  if (!data.limits.empty()) out << '\n' << printable(data.limit_verdict) << "\n\n";
  print(failure_table(data), out);
  for (const FailureRow& row : data.failures) {
    const std::string reason = method_reason(row.tail);
    if (reason.empty()) continue;
    out << "\n  " << printable(corner_text(row.corner)) << ", " << to_string(row.tail.status) << ": "
        << printable(reason) << ".\n";
  }
}

void print_sweep(const ReportData& data, std::ostream& out) {
  if (data.sweep.columns.empty()) return;
  if (!data.sweep.answers.empty()) print(sweep_table(data), out);
  if (!data.sweep.limits.empty()) print(sweep_limit_table(data), out);
}

}  // namespace flare::analysis
