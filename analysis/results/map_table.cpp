#include "analysis/results/map_table.hpp"

#include <fmt/format.h>

#include "analysis/tails/tail_table.hpp"
#include "engine/base/row_table.hpp"

namespace flare::analysis {

namespace {

constexpr const char* path = "/map";

engine::RowTable<MapRow> map_columns() {
  engine::RowTable<MapRow> table;
  const auto add = [&](const char* name, const char* unit, auto member) {
    table.column(
        name, unit, [member](auto& row) -> auto& { return row.*member; });
  };
  const auto add_key = [&](const char* name, auto member) {
    table.column(
        name, "", [member](auto& row) -> auto& { return row.key.*member; });
  };
  add_key("cell", &engine::ModelKey::cell);
  add_key("sawl", &engine::ModelKey::sawl);
  add_key("adc", &engine::ModelKey::adc);
  add_key("corner", &engine::ModelKey::corner);
  add("enob", "bit", &MapRow::enob);
  tail_columns(
      table, "p_error", "1/read", [](auto& row) -> auto& { return row.error; });
  add("passes", "", &MapRow::passes);
  add("column_energy", "J", &MapRow::column_energy);
  add("conversion_energy", "J", &MapRow::conversion_energy);
  add("column_time", "s", &MapRow::column_time);
  add("conversion_time", "s", &MapRow::conversion_time);
  add("column_area", "m^2", &MapRow::column_area);
  add("converter_area", "m^2", &MapRow::converter_area);
  add("cheapest", "", &MapRow::cheapest);
  return table;
}

}  // namespace

void write_map(H5::H5File& file, const ResultMap& map) {
  engine::write_table(file, path, map_columns().table(map.rows));
  engine::write_attribute(file, path, "claim", map.claim);
}

ResultMap read_map(const H5::H5File& file) {
  if (!engine::exists(file, path)) return {};
  return {map_columns().rows(engine::read_table(file, path)), engine::read_text(file, path, "claim")};
}

std::string cheapest_text(const ResultMap& map, const std::string& target) {
  for (const MapRow& row : map.rows) {
    if (!row.cheapest) continue;
    return fmt::format(
        "Cheapest that holds {}: {} at SAWL {} read by {}, {:.1f} fJ a row ({:.1f} fJ a read, {:.1f} "
        "of them the converter's), {:.2f} um2 of gates.",
        target, row.key.cell, row.key.sawl, row.key.adc, row.energy_per_row() * 1e15,
        (row.column_energy + row.conversion_energy) * 1e15, row.conversion_energy * 1e15,
        (row.column_area + row.converter_area) * 1e12);
  }
  return fmt::format("None of those whose converter is a circuit holds {}.", target);
}

}  // namespace flare::analysis
