#include "studies/column/column_map.hpp"

#include <cmath>

#include "engine/base/averages.hpp"
#include "studies/column/column_energy.hpp"

namespace flare::studies {

namespace {

/// At the nominal corner, which is always run in full.
engine::ReadCost nominal_cost(const StudiedColumn& column, const analysis::ModelKey& key) {
  const ColumnResult& result = column.result;
  const std::size_t p = nominal_point(column.study, result.design.points, key.sawl);
  for (const ConvertedColumn& c : result.converted) {
    if (c.point == p && c.key.adc == key.adc)
      return read_cost(column.study, result.design, c, result.full.at(p).energies);
  }
  return {};
}

analysis::MapRow row_of(const StudiedColumn& column, const analysis::VerdictRow& verdict) {
  const engine::ReadCost cost = nominal_cost(column, verdict.key);
  analysis::MapRow row;
  row.key = verdict.key;
  row.enob = verdict.enob;
  row.error = verdict.error;
  row.passes = verdict.passes;
  row.column_energy = cost.column_energy.empty() ? NAN : engine::mean(cost.column_energy);
  row.conversion_energy = cost.conversion_energy;
  row.column_time = cost.column_time;
  row.conversion_time = cost.conversion_time;
  row.column_area = cost.column_area;
  row.converter_area = cost.converter_area;
  return row;
}

void mark_cheapest(std::vector<analysis::MapRow>& rows) {
  analysis::MapRow* cheapest = nullptr;
  for (analysis::MapRow& row : rows) {
    if (!row.passes || !std::isfinite(row.energy_per_row())) continue;
    if (cheapest == nullptr || row.energy_per_row() < cheapest->energy_per_row()) cheapest = &row;
  }
  if (cheapest != nullptr) cheapest->cheapest = true;
}

}  // namespace

std::vector<analysis::MapRow> map_rows(const std::vector<StudiedColumn>& columns) {
  std::vector<analysis::MapRow> rows;
  for (const StudiedColumn& column : columns) {
    for (const analysis::VerdictRow& verdict : column.result.verdict) rows.push_back(row_of(column, verdict));
  }
  mark_cheapest(rows);
  return rows;
}

}  // namespace flare::studies
