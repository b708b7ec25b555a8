#include "analysis/report/report_cost.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <utility>

#include "engine/base/units.hpp"

namespace flare::analysis {
namespace {

/// "1.04 M": three digits and a prefix for what is counted rather than measured.
std::string counted(double value) {
  for (const auto& [factor, letter] : {std::pair{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}})
    if (std::abs(value) >= factor) return fmt::format("{:.3g} {}", value / factor, letter);
  return fmt::format("{:.3g}", value);
}

std::vector<std::string> range_cells(const CostRange& range, const std::string& unit) {
  return {cost_text(range.low, unit), cost_text(range.nominal, unit), cost_text(range.high, unit)};
}

std::vector<std::string> joined(std::vector<std::string> cells, const std::vector<std::string>& more) {
  cells.insert(cells.end(), more.begin(), more.end());
  return cells;
}

void add_to(CostRange& sum, const CostRange& more) {
  sum.low += more.low;
  sum.nominal += more.nominal;
  sum.high += more.high;
}

TextTable summary_table(const CostResult& r) {
  TextTable table{fmt::format("Cost of {} ({})", r.model, r.origin), {"", "low", "nominal", "high"}, {}};
  for (const CostSummaryRow& row : r.summary)
    table.rows.push_back(joined({row.quantity}, range_cells(row.value, row.unit)));
  return table;
}

/// Components over all products, the dearest first.
TextTable component_table(const CostResult& r) {
  std::map<std::tuple<std::string, std::string, std::string>, CostRange> sums;
  double total = 0;
  for (const CostComponentRow& row : r.components) {
    add_to(sums[{row.where, row.component, row.kind}], row.energy);
    total += row.energy.nominal;
  }
  std::vector<std::pair<std::tuple<std::string, std::string, std::string>, CostRange>> rows(sums.begin(),
                                                                                            sums.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second.nominal > b.second.nominal; });
  TextTable table{
      "Energy of a token by component", {"where", "component", "", "low", "nominal", "high", "share"}, {}};
  for (const auto& [key, sum] : rows) {
    const auto& [where, component, kind] = key;
    const CostRange token{sum.low / r.tokens, sum.nominal / r.tokens, sum.high / r.tokens};
    table.rows.push_back(joined(joined({where, component, kind}, range_cells(token, "J")),
                                {fmt::format("{:.1f} %", total > 0 ? 100 * sum.nominal / total : 0.0)}));
  }
  return table;
}

/// Layers that are alike are told once.
TextTable stage_table(const CostResult& r) {
  TextTable table{"Stages of a layer, one sequence",
                  {"layers", "stage", "cycles", "time low", "nominal", "high", "energy", "power"},
                  {}};
  for (const CostLayerRow& row : r.layers) {
    std::vector<std::string> cells =
        joined({"", row.stage, fmt::format("{:.0f}", row.cycles)}, range_cells(row.time, "s"));
    cells.push_back(cost_text(row.energy.nominal, "J"));
    cells.push_back(cost_text(row.power, "W"));
    const auto same = std::find_if(table.rows.begin(), table.rows.end(), [&](const auto& other) {
      return std::equal(cells.begin() + 1, cells.end(), other.begin() + 1);
    });
    if (same == table.rows.end()) {
      cells[0] = std::to_string(row.layer);
      table.rows.push_back(std::move(cells));
    } else {
      const std::string& from = same->front();
      (*same)[0] = fmt::format("{}..{}", from.substr(0, from.find('.')), row.layer);
    }
  }
  return table;
}

/// Shares of the reads of bit lines with k on-cells, over all layers; the two kinds of arrays may differ in SAWL.
TextTable level_table(const CostResult& r) {
  std::vector<std::string> products;
  std::map<std::string, std::vector<double>> reads;
  std::size_t most = 0;
  for (const CostLevelRow& row : r.levels) {
    if (!reads.contains(row.product)) products.push_back(row.product);
    std::vector<double>& of = reads[row.product];
    of.resize(std::max(of.size(), static_cast<std::size_t>(row.k) + 1), 0);
    of[static_cast<std::size_t>(row.k)] += row.reads;
    most = std::max(most, of.size());
  }
  TextTable table{"Reads by on-cells k (%)", {"product", "mean"}, {}};
  for (std::size_t k = 0; k < most; ++k) table.head.push_back(std::to_string(k));
  for (const std::string& product : products) {
    double all = 0, on = 0;
    const std::vector<double>& of = reads[product];
    for (std::size_t k = 0; k < of.size(); ++k) {
      all += of[k];
      on += static_cast<double>(k) * of[k];
    }
    if (!(all > 0)) continue;
    std::vector<std::string> cells = {product, fmt::format("{:.2f}", on / all)};
    for (std::size_t k = 0; k < most; ++k)
      cells.push_back(k < of.size() ? fmt::format("{:.1f}", 100 * of[k] / all) : "");
    table.rows.push_back(std::move(cells));
  }
  return table;
}

/// Rows that `same` finds alike as one, in the order in which they come first.
std::vector<CostAreaRow> area_by(const CostResult& r,
                                 const std::function<bool(const CostAreaRow&, const CostAreaRow&)>& same) {
  std::vector<CostAreaRow> sums;
  for (const CostAreaRow& row : r.area) {
    const auto sum =
        std::find_if(sums.begin(), sums.end(), [&](const CostAreaRow& other) { return same(row, other); });
    if (sum == sums.end()) {
      sums.push_back(row);
    } else {
      sum->count += row.count;
      add_to(sum->area, row.area);
    }
  }
  return sums;
}

TextTable area_table(const CostResult& r) {
  TextTable table{"Area", {"where", "part", "count", "low", "nominal", "high"}, {}};
  for (const CostAreaRow& row : area_by(r, [](const CostAreaRow&a, const CostAreaRow&b) {
         return a.where == b.where && a.component == b.component;
       }))
    table.rows.push_back(
        joined({row.where, row.component, counted(row.count)}, range_cells(row.area, "m^2")));
  return table;
}

/// Of each product's arrays, with their converters, adders and controllers.
TextTable array_table(const CostResult& r) {
  TextTable table{"Area of an array", {"product", "arrays", "low", "nominal", "high", "all, nominal"}, {}};
  for (const CostAreaRow& row :
       area_by(r, [](const CostAreaRow&a, const CostAreaRow&b) { return a.product == b.product; })) {
    if (!(row.arrays > 0)) continue;
    const CostRange one{row.area.low / row.arrays, row.area.nominal / row.arrays, row.area.high / row.arrays};
    table.rows.push_back(joined(joined({row.product, counted(row.arrays)}, range_cells(one, "m^2")),
                                {cost_text(row.area.nominal, "m^2")}));
  }
  return table;
}

TextTable baseline_table(const CostResult& r) {
  TextTable table{"Beside others",
                  {"", "scope", "how known", "token/s low", "nominal", "high", "J/token low", "nominal",
                   "high", "", "source"},
                  {}};
  const auto cells = [](const CostRange& range, const std::string& unit) {
    return range.high > 0 ? range_cells(range, unit) : std::vector<std::string>{"-", "-", "-"};
  };
  for (const CostBaselineRow& row : r.baselines)
    table.rows.push_back(
        joined(joined(joined({row.name, row.scope, row.kind}, cells(row.tokens_per_second, "")),
                      cells(row.token_energy, "J")),
               {row.detail, row.source}));
  return table;
}

TextTable conclusion_table(const CostResult& r) {
  const auto word = [](bool holds) { return std::string(holds ? "yes" : "no"); };
  TextTable table{"Conclusions, and whether they hold at the low, nominal and high ends of the parameters",
                  {"", "low", "nominal", "high", ""},
                  {}};
  for (const CostConclusionRow& row : r.conclusions)
    table.rows.push_back(
        {row.sentence, word(row.low), word(row.nominal), word(row.high), row.flips() ? "FLIPS" : ""});
  return table;
}

TextTable sweep_table(const CostResult& r) {
  TextTable table{"Sweep (nominal)", {"point", "token/s", "J/token", "J/MAC", "area"}, {}};
  for (const CostSweepRow& row : r.sweep)
    table.rows.push_back({row.point, counted(row.tokens_per_second.nominal),
                          cost_text(row.token_energy.nominal, "J"), cost_text(row.mac_energy.nominal, "J"),
                          cost_text(row.area.nominal, "m^2")});
  return table;
}

}  // namespace

std::string cost_text(double value, const std::string& unit) {
  if (unit == "m^2") return fmt::format("{:.3g} mm2", value * 1e6);
  if (unit == "1/s" || unit == "1/J") return counted(value) + unit.substr(1);
  if (unit.empty()) return counted(value);
  return engine::format_quantity(value, unit, 3);
}

std::vector<TextTable> cost_tables(const CostResult& r) {
  if (r.empty()) return {};
  std::vector<TextTable> tables = {summary_table(r), component_table(r), stage_table(r),
                                   area_table(r),    baseline_table(r),  conclusion_table(r)};
  if (TextTable arrays = array_table(r); !arrays.rows.empty())
    tables.insert(tables.begin() + 4, std::move(arrays));
  if (!r.levels.empty()) tables.insert(tables.begin() + 3, level_table(r));
  if (!r.sweep.empty()) tables.push_back(sweep_table(r));
  return tables;
}

std::vector<std::string> cost_notes(const CostResult& r) {
  std::vector<std::string> notes = r.notes;
  std::map<std::string, int> kinds;
  int changed = 0;
  for (const CostParameterRow& row : r.parameters) {
    ++kinds[row.kind];
    changed += row.changed ? 1 : 0;
  }
  std::string text;
  for (const auto& [kind, count] : kinds)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, kind);
  notes.push_back(fmt::format("{} parameters: {}; {} are not the defaults. Sources: /cost/parameters",
                              r.parameters.size(), text, changed));
  return notes;
}

}  // namespace flare::analysis
