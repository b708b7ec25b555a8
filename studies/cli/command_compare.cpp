#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "analysis/report/report_circuit.hpp"
#include "analysis/report/report_data.hpp"
#include "analysis/tails/tail_text.hpp"
#include "analysis/verdict/comparison.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/result_commands.hpp"

namespace flare::studies {

namespace {

using analysis::Compared;
using analysis::ComparedRow;

struct Named {
  std::string name;
  Compared answer;
};

Compared of_tail(const analysis::TailProbability& tail, bool passes) {
  return {tail.sigma(), tail.sigma_low(), tail.sigma_high(), passes,
          fmt::format("{} sigma [{}]{}", analysis::sigma_text(tail), analysis::sigma_interval_text(tail),
                      passes ? "" : " misses")};
}

Compared of_limit(const analysis::LimitRow& row) {
  const analysis::HeldLimit& held = row.held;
  return {held.limit, held.low, held.high, true,
          fmt::format("{} [{} .. {}]", analysis::limit_text(held.limit, row.unit),
                      analysis::limit_text(held.low, row.unit), analysis::limit_text(held.high, row.unit))};
}

std::string place_of(const analysis::Sweep& sweep, std::size_t point) {
  std::string text;
  for (const analysis::SweepColumn& column : sweep.columns) {
    if (point < column.texts.size()) text += fmt::format(", {} = {}", column.key, column.texts[point]);
  }
  return text;
}

/// All answers of a result by what they answer.
std::vector<Named> answers_of(const analysis::ReportData& data) {
  std::vector<Named> all;
  for (const analysis::VerdictRow& row : data.verdict) {
    all.push_back({fmt::format("{} SAWL {} {}", row.key.cell, row.key.sawl, row.key.adc),
                   of_tail(row.error, row.passes)});
  }
  for (const analysis::SpecRow& row : data.specs) all.push_back({row.spec, of_tail(row.failure, row.passes)});
  for (const analysis::LimitRow& row : data.limits) {
    if (row.worst) all.push_back({"limit of " + row.spec, of_limit(row)});
  }
  for (const analysis::SweepAnswer& answer : data.sweep.answers) {
    all.push_back({answer.series + place_of(data.sweep, answer.point), of_tail(answer.tail, answer.passes)});
  }
  for (const analysis::SweepLimit& limit : data.sweep.limits)
    all.push_back({"limit of " + limit.row.spec + place_of(data.sweep, limit.point), of_limit(limit.row)});
  return all;
}

std::vector<ComparedRow> side_by_side(const std::vector<Named>& before, const std::vector<Named>& after) {
  std::vector<ComparedRow> rows;
  for (const Named& named : before) rows.push_back({named.name, named.answer, {}});
  for (const Named& named : after) {
    const auto at = std::find_if(rows.begin(), rows.end(), [&](const ComparedRow& row) {
      return row.name == named.name && !row.after;
    });
    if (at == rows.end()) {
      rows.push_back({named.name, {}, named.answer});
    } else {
      at->after = named.answer;
    }
  }
  return rows;
}

}  // namespace

int compare_command(const CompareCommand& command) {
  const std::vector<Named> before = answers_of(analysis::read_report_data(command.before));
  const std::vector<Named> after = answers_of(analysis::read_report_data(command.after));
  if (before.empty() || after.empty()) {
    throw StudyError((before.empty() ? command.before : command.after).string() +
                     ": holds no verdict that could be compared");
  }
  std::size_t differ = 0;
  std::vector<analysis::TextRow> table;
  for (const ComparedRow& row : side_by_side(before, after)) {
    const analysis::Difference difference = row.difference();
    differ += difference == analysis::Difference::none ? 0 : 1;
    table.push_back({analysis::printable(row.name), row.before ? row.before->text : "-",
                     row.after ? row.after->text : "-", std::string(to_string(difference))});
  }
  analysis::print_table(std::cout,
                        {"answer", command.before.filename().string(), command.after.filename().string(), ""},
                        table);
  fmt::print("\n{}\n", differ == 0 ? "No difference exceeds the intervals."
                                   : fmt::format("{} of {} answers differ.", differ, table.size()));
  return differ == 0 ? exit_done : exit_failure;
}

}  // namespace flare::studies
