#include "analysis/results/spec_table.hpp"

#include <fmt/format.h>

#include "analysis/tails/tail_table.hpp"

namespace flare::analysis {

namespace {

engine::RowTable<FailureRow> failure_columns() {
  engine::RowTable<FailureRow> table;
  table.column(
      "corner", "", [](auto& r) -> auto& { return r.corner; });
  tail_columns(
      table, "p", "", [](auto& r) -> auto& { return r.tail; });
  return table.column(
      "spec", "", [](auto& r) -> auto& { return r.spec; }, "spec");
}

engine::RowTable<SpecRow> spec_columns() {
  engine::RowTable<SpecRow> table;
  table
      .column(
          "spec", "", [](auto& r) -> auto& { return r.spec; })
      .column(
          "measure", "", [](auto& r) -> auto& { return r.measure; })
      .column(
          "unit", "", [](auto& r) -> auto& { return r.unit; })
      .column(
          "min", "", [](auto& r) -> auto& { return r.min; })
      .column(
          "max", "", [](auto& r) -> auto& { return r.max; })
      .column(
          "corner", "", [](auto& r) -> auto& { return r.corner; });
  tail_columns(
      table, "p", "", [](auto& r) -> auto& { return r.failure; });
  return table
      .column(
          "p_target", "", [](auto& r) -> auto& { return r.target; })
      .column(
          "passes", "", [](auto& r) -> auto& { return r.passes; })
      .column(
          "limiting", "", [](auto& r) -> auto& { return r.limiting; });
}

engine::RowTable<LimitRow> limit_columns() {
  engine::RowTable<LimitRow> table;
  return table
      .column(
          "spec", "", [](auto& r) -> auto& { return r.spec; })
      .column(
          "measure", "", [](auto& r) -> auto& { return r.measure; })
      .column(
          "unit", "", [](auto& r) -> auto& { return r.unit; })
      .part(
          [](const std::vector<LimitRow>& rows, engine::Table& columns) {
            columns.add("side", "", engine::column_of(rows, [](const LimitRow& r) {
                          return std::string(limit_word(r.side));
                        }));
            columns.add("status", "", engine::column_of(rows, [](const LimitRow& r) {
                          return std::string(to_string(r.held.status));
                        }));
          },
          [](const engine::Table& columns, std::vector<LimitRow>& rows) {
            for (std::size_t i = 0; i < rows.size(); ++i) {
              rows[i].side = columns.texts("side")[i] == "max" ? Side::above : Side::below;
              rows[i].held.status = tail_status(columns.texts("status")[i]);
            }
          })
      .column(
          "corner", "", [](auto& r) -> auto& { return r.corner; })
      .column(
          "limit", "", [](auto& r) -> auto& { return r.held.limit; })
      .column(
          "limit_low", "", [](auto& r) -> auto& { return r.held.low; })
      .column(
          "limit_high", "", [](auto& r) -> auto& { return r.held.high; })
      .column(
          "runs", "", [](auto& r) -> auto& { return r.held.runs; })
      .column(
          "p_target", "", [](auto& r) -> auto& { return r.target; })
      .column(
          "worst", "", [](auto& r) -> auto& { return r.worst; })
      .column(
          "method", "", [](auto& r) -> auto& { return r.held.method; });
}

template <class Row>
std::vector<Row> read(const H5::H5File& file, const std::string& path, const engine::RowTable<Row>& columns) {
  if (!engine::exists(file, path)) return {};
  return columns.rows(engine::read_table(file, path));
}

/// What a circuit has to show for the target.
std::string rule_of(const Target& target) {
  const std::string rule =
      "passes where the upper end of the 95 % interval of P(fail) at the worst corner is at most ";
  if (target.macro) return rule + "what the yield allows: " + target.arithmetic({});
  return rule + fmt::format("{:.4g} ({})", target.p, target.text());
}

}  // namespace

void write_failures(H5::H5File& file, const std::vector<FailureRow>& rows) {
  engine::write_table(file, "/failures", failure_columns().table(rows));
}

std::vector<FailureRow> read_failures(const H5::H5File& file) {
  return read(file, "/failures", failure_columns());
}

void write_specs(H5::H5File& file, const std::vector<SpecRow>& rows, const Target& target) {
  if (rows.empty()) return;
  engine::write_table(file, "/specs", spec_columns().table(rows));
  engine::write_attribute(file, "/specs", "rule", rule_of(target));
  engine::write_attribute(file, "/specs", "target", target.largest());
  engine::write_attribute(file, "/specs", "target_text", target.text());
  engine::write_attribute(file, "/specs", "verdict", spec_sentence(rows, target));
}

std::vector<SpecRow> read_specs(const H5::H5File& file) { return read(file, "/specs", spec_columns()); }

void write_limits(H5::H5File& file, const std::vector<LimitRow>& rows, const Target& target) {
  if (rows.empty()) return;
  engine::write_table(file, "/limits", limit_columns().table(rows));
  engine::write_attribute(file, "/limits", "target", target.largest());
  engine::write_attribute(file, "/limits", "verdict", limit_sentences(rows, target));
}

std::vector<LimitRow> read_limits(const H5::H5File& file) { return read(file, "/limits", limit_columns()); }

}  // namespace flare::analysis
