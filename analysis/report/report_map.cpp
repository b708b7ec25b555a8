#include "analysis/report/report_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/tails/tail_text.hpp"
#include "analysis/verdict/verdict.hpp"

namespace flare::analysis {
namespace {

template <typename T>
void add_once(std::vector<T>& all, const T& one) {
  if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
}

std::string cell_text(const ResultMap& map, const std::string& cell, int sawl, const std::string& adc) {
  for (const MapRow& row : map.rows) {
    if (row.key.cell == cell && row.key.sawl == sawl && row.key.adc == adc)
      return sigma_text(row.error) + (row.passes ? " *" : "");
  }
  return "";
}

TextTable grid_of(const ResultMap& map, const std::string& cell, const std::string& target) {
  std::vector<int> sawls;
  std::vector<std::string> adcs;
  for (const MapRow& row : map.rows) {
    if (row.key.cell != cell) continue;
    add_once(sawls, row.key.sawl);
    add_once(adcs, row.key.adc);
  }
  TextTable table{fmt::format("{}: sigma at the worst corner (* holds {})", cell, target), {"converter"}, {}};
  for (const int sawl : sawls) table.head.push_back(fmt::format("SAWL {}", sawl));
  for (const std::string& adc : adcs) {
    std::vector<std::string> line = {adc};
    for (const int sawl : sawls) line.push_back(cell_text(map, cell, sawl, adc));
    table.rows.push_back(std::move(line));
  }
  return table;
}

std::string scaled(double value, double unit, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value / unit, digits) : std::string("-");
}

TextTable costs_of(const ResultMap& map, const std::string& target) {
  TextTable table{"What a point costs (nominal corner; -: a converter without a circuit)",
                  {"cell", "SAWL", "converter", "worst corner", "sigma", "holds " + target, "column fJ",
                   "converter fJ", "fJ a row", "read ns", "conversion ns", "column um2", "converter um2"},
                  {}};
  for (const MapRow& row : map.rows) {
    table.rows.push_back({row.key.cell, std::to_string(row.key.sawl), row.key.adc,
                          corner_text(row.key.corner), sigma_text(row.error), row.passes ? "yes" : "no",
                          scaled(row.column_energy, 1e-15, 1), scaled(row.conversion_energy, 1e-15, 1),
                          scaled(row.energy_per_row(), 1e-15, 1), scaled(row.column_time, 1e-9, 2),
                          scaled(row.conversion_time, 1e-9, 2), scaled(row.column_area, 1e-12, 2),
                          scaled(row.converter_area, 1e-12, 2)});
  }
  return table;
}

}  // namespace

std::vector<TextTable> map_tables(const ResultMap& map, const std::string& target) {
  if (map.rows.empty()) return {};
  std::vector<std::string> cells;
  for (const MapRow& row : map.rows) add_once(cells, row.key.cell);
  std::vector<TextTable> tables;
  tables.reserve(cells.size() + 1);
  for (const std::string& cell : cells) tables.push_back(grid_of(map, cell, target));
  tables.push_back(costs_of(map, target));
  return tables;
}

}  // namespace flare::analysis
