#include "analysis/results/verdict_table.hpp"

#include "analysis/tails/tail_table.hpp"

namespace flare::analysis {

namespace {

engine::RowTable<VerdictRow> verdict_columns() {
  engine::RowTable<VerdictRow> table;
  table
      .column(
          "cell", "", [](auto& r) -> auto& { return r.key.cell; })
      .column(
          "sawl", "", [](auto& r) -> auto& { return r.key.sawl; })
      .column(
          "adc", "", [](auto& r) -> auto& { return r.key.adc; })
      .column(
          "enob", "bit", [](auto& r) -> auto& { return r.enob; })
      .column(
          "corner", "", [](auto& r) -> auto& { return r.key.corner; });
  tail_columns(
      table, "p_error", "1/read", [](auto& r) -> auto& { return r.error; });
  return table
      .column(
          "passes", "", [](auto& r) -> auto& { return r.passes; })
      .column(
          "level", "", [](auto& r) -> auto& { return r.level; }, "level")
      .column(
          "direction", "", [](auto& r) -> auto& { return r.direction; }, "direction")
      .column(
          "corners", "", [](auto& r) -> auto& { return r.corners.corners; }, "corners")
      .column(
          "corners_full", "", [](auto& r) -> auto& { return r.corners.full; }, "corners")
      .column(
          "p_screened_worse", "1", [](auto& r) -> auto& { return r.corners.chance_worse; }, "corners")
      .column(
          "p_target", "1/read", [](auto& r) -> auto& { return r.target; }, "p_target")
      .column(
          "drawn_per_read", "", [](auto& r) -> auto& { return r.per_read; }, "p_target");
}

}  // namespace

void write_verdict(H5::H5File& file, const std::vector<VerdictRow>& rows, const VerdictOptions& options) {
  engine::write_table(file, "/verdict", verdict_columns().table(rows));
  engine::write_attribute(file, "/verdict", "rule", rule_text(options, rows));
  if (!options.target.macro) engine::write_attribute(file, "/verdict", "target", options.target.p);
  engine::write_attribute(file, "/verdict", "target_text", options.target.text());
  engine::write_attribute(file, "/verdict", "pick", pick_text(rows, options));
}

std::vector<VerdictRow> read_verdict(const H5::H5File& file) {
  return verdict_columns().rows(engine::read_table(file, "/verdict"));
}

std::string read_target_text(const H5::H5File& file) {
  const bool says = engine::has_attribute(file, "/verdict", "target_text");
  return says ? engine::read_text(file, "/verdict", "target_text") : "6 sigma";
}

}  // namespace flare::analysis
