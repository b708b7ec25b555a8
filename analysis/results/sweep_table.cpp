#include "analysis/results/sweep_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/results/spec_table.hpp"
#include "analysis/results/verdict_table.hpp"
#include "analysis/tails/tail_table.hpp"

namespace flare::analysis {

namespace {

engine::RowTable<SweepAnswer> answer_columns() {
  engine::RowTable<SweepAnswer> table;
  table
      .column(
          "point", "", [](auto& r) -> auto& { return r.point; })
      .column(
          "series", "", [](auto& r) -> auto& { return r.series; })
      .column(
          "corner", "", [](auto& r) -> auto& { return r.corner; });
  tail_columns(
      table, "p", "", [](auto& r) -> auto& { return r.tail; });
  return table
      .column(
          "p_target", "", [](auto& r) -> auto& { return r.target; })
      .column(
          "passes", "", [](auto& r) -> auto& { return r.passes; });
}

engine::RowTable<SweepLimit> limit_columns() {
  engine::RowTable<SweepLimit> table;
  return table
      .column(
          "point", "", [](auto& r) -> auto& { return r.point; })
      .column(
          "spec", "", [](auto& r) -> auto& { return r.row.spec; })
      .column(
          "measure", "", [](auto& r) -> auto& { return r.row.measure; })
      .column(
          "unit", "", [](auto& r) -> auto& { return r.row.unit; })
      .column(
          "corner", "", [](auto& r) -> auto& { return r.row.corner; })
      .column(
          "limit", "", [](auto& r) -> auto& { return r.row.held.limit; })
      .column(
          "limit_low", "", [](auto& r) -> auto& { return r.row.held.low; })
      .column(
          "limit_high", "", [](auto& r) -> auto& { return r.row.held.high; });
}

}  // namespace

bool SweepColumn::has_numbers() const {
  return std::none_of(numbers.begin(), numbers.end(), [](double v) { return std::isnan(v); });
}

void take_point(const H5::H5File& file, std::size_t point, Sweep& sweep) {
  if (engine::exists(file, "/verdict")) {
    for (const VerdictRow& row : read_verdict(file)) {
      sweep.answers.push_back({point, fmt::format("{} SAWL {} {}", row.key.cell, row.key.sawl, row.key.adc),
                               row.key.corner, row.error, row.target, row.passes});
    }
  }
  for (const SpecRow& row : read_specs(file))
    sweep.answers.push_back({point, row.spec, row.corner, row.failure, row.target, row.passes});
  for (const LimitRow& row : read_limits(file)) {
    if (row.worst) sweep.limits.push_back({point, row});
  }
}

void write_sweep(H5::H5File& file, const Sweep& sweep) {
  engine::Table points;
  std::vector<std::int64_t> numbers(sweep.points());
  for (std::size_t p = 0; p < numbers.size(); ++p) numbers[p] = static_cast<std::int64_t>(p);
  points.add("point", "", std::move(numbers));
  for (const SweepColumn& column : sweep.columns) {
    if (column.has_numbers()) {
      points.add(column.key, column.unit, column.numbers);
    } else {
      points.add(column.key, "", column.texts);
    }
  }
  engine::write_table(file, "/sweep/points", points);
  engine::write_table(file, "/sweep/answers", answer_columns().table(sweep.answers));
  if (!sweep.limits.empty()) engine::write_table(file, "/sweep/limits", limit_columns().table(sweep.limits));
}

Sweep read_sweep_table(const H5::H5File& file) {
  Sweep sweep;
  if (!engine::exists(file, "/sweep/points")) return sweep;
  for (const engine::Column& column : engine::read_table(file, "/sweep/points").columns) {
    if (column.name == "point") continue;
    SweepColumn& read = sweep.columns.emplace_back();
    read.key = column.name;
    read.unit = column.unit;
    if (const auto* values = std::get_if<std::vector<double>>(&column.values)) {
      read.numbers = *values;
      for (const double v : *values) read.texts.push_back(fmt::format("{:.6g}", v));
    } else if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values)) {
      read.texts = *texts;
      read.numbers.assign(texts->size(), std::nan(""));
    }
  }
  sweep.answers = answer_columns().rows(engine::read_table(file, "/sweep/answers"));
  if (engine::exists(file, "/sweep/limits"))
    sweep.limits = limit_columns().rows(engine::read_table(file, "/sweep/limits"));
  return sweep;
}

}  // namespace flare::analysis
