#include "analysis/results/cost_table.hpp"

#include "engine/base/row_table.hpp"

namespace flare::analysis {

namespace {

constexpr const char* root = "/cost";

/// "energy_low", "energy", "energy_high".
template <class Row>
void add_range(engine::RowTable<Row>& table, const std::string& name, const char* unit,
               CostRange Row::*member) {
  table.column(
      name + "_low", unit, [member](auto& row) -> auto& { return (row.*member).low; });
  table.column(
      name, unit, [member](auto& row) -> auto& { return (row.*member).nominal; });
  table.column(
      name + "_high", unit, [member](auto& row) -> auto& { return (row.*member).high; });
}

auto summary_columns() {
  using R = CostSummaryRow;
  engine::RowTable<R> table;
  table.column("quantity", "", &R::quantity).column("unit", "", &R::unit);
  add_range(table, "value", "", &R::value);
  return table;
}

auto layer_columns() {
  using R = CostLayerRow;
  engine::RowTable<R> table;
  table.column("layer", "", &R::layer).column("stage", "", &R::stage).column("cycles", "", &R::cycles);
  add_range(table, "time", "s", &R::time);
  add_range(table, "energy", "J", &R::energy);
  table.column("power", "W", &R::power);
  return table;
}

auto component_columns() {
  using R = CostComponentRow;
  engine::RowTable<R> table;
  table.column("where", "", &R::where)
      .column("component", "", &R::component)
      .column("product", "", &R::product)
      .column("kind", "", &R::kind);
  add_range(table, "energy", "J", &R::energy);
  return table;
}

auto area_columns() {
  using R = CostAreaRow;
  engine::RowTable<R> table;
  table.column("where", "", &R::where).column("component", "", &R::component).column("count", "", &R::count);
  add_range(table, "area", "m^2", &R::area);
  return table.column("product", "", &R::product, "product").column("arrays", "", &R::arrays, "product");
}

auto parameter_columns() {
  using R = CostParameterRow;
  engine::RowTable<R> table;
  table.column("name", "", &R::name);
  add_range(table, "value", "", &R::value);
  table.column("unit", "", &R::unit)
      .column("kind", "", &R::kind)
      .column("source", "", &R::source)
      .column("changed", "", &R::changed);
  return table;
}

auto baseline_columns() {
  using R = CostBaselineRow;
  engine::RowTable<R> table;
  table.column("name", "", &R::name).column("scope", "", &R::scope).column("kind", "", &R::kind);
  add_range(table, "tokens_per_second", "1/s", &R::tokens_per_second);
  add_range(table, "token_energy", "J", &R::token_energy);
  table.column("detail", "", &R::detail).column("source", "", &R::source);
  return table;
}

auto conclusion_columns() {
  using R = CostConclusionRow;
  engine::RowTable<R> table;
  table.column("sentence", "", &R::sentence)
      .column("low", "", &R::low)
      .column("nominal", "", &R::nominal)
      .column("high", "", &R::high);
  return table;
}

auto workload_columns() {
  using R = CostWorkloadRow;
  engine::RowTable<R> table;
  table.column("layer", "", &R::layer)
      .column("product", "", &R::product)
      .column("cycles", "", &R::cycles)
      .column("fixed_cycles", "", &R::fixed_cycles)
      .column("conversions", "", &R::conversions)
      .column("driven_cells", "", &R::driven_cells)
      .column("on_cells", "", &R::on_cells)
      .column("scanned_rows", "", &R::scanned_rows)
      .column("stage_cycles", "", &R::stage_cycles);
  return table;
}

auto level_columns() {
  using R = CostLevelRow;
  engine::RowTable<R> table;
  table.column("layer", "", &R::layer)
      .column("product", "", &R::product)
      .column("k", "", &R::k)
      .column("reads", "", &R::reads);
  return table;
}

auto workload_layer_columns() {
  using R = CostWorkloadLayerRow;
  engine::RowTable<R> table;
  table.column("layer", "", &R::layer)
      .column("kv_cycles", "", &R::kv_cycles)
      .column("fused_cycles", "", &R::fused_cycles)
      .column("fused_words", "", &R::fused_words)
      .column("unfused_words", "", &R::unfused_words)
      .column("written_bits", "bit", &R::written_bits)
      .column("quantised", "", &R::quantised)
      .column("scores", "", &R::scores)
      .column("macs", "", &R::macs);
  return table;
}

auto sweep_columns() {
  using R = CostSweepRow;
  engine::RowTable<R> table;
  table.column("point", "", &R::point).column("x", "", &R::x);
  add_range(table, "tokens_per_second", "1/s", &R::tokens_per_second);
  add_range(table, "token_energy", "J", &R::token_energy);
  add_range(table, "mac_energy", "J", &R::mac_energy);
  add_range(table, "area", "m^2", &R::area);
  return table;
}

auto read_energy_columns() {
  using R = ReadEnergyRow;
  engine::RowTable<R> table;
  table.column("k", "", &R::k)
      .column("bitline", "J", &R::bitline)
      .column("word_lines", "J", &R::word_lines)
      .column("swing", "V", &R::swing);
  return table;
}

/// Every table of /cost once, for writing and for reading: visit(name, columns, rows).
template <class Result, class Visit>
void for_each_table(Result& r, const Visit& visit) {
  visit("summary", summary_columns(), r.summary);
  visit("layers", layer_columns(), r.layers);
  visit("components", component_columns(), r.components);
  visit("area", area_columns(), r.area);
  visit("parameters", parameter_columns(), r.parameters);
  visit("baselines", baseline_columns(), r.baselines);
  visit("conclusions", conclusion_columns(), r.conclusions);
  visit("workload", workload_columns(), r.workload);
  visit("levels", level_columns(), r.levels);
  visit("workload_layers", workload_layer_columns(), r.workload_layers);
  visit("sweep", sweep_columns(), r.sweep);
}

std::string path_of(const char* name) { return std::string(root) + "/" + name; }

}  // namespace

void write_cost(H5::H5File& file, const CostResult& result) {
  for_each_table(result, [&](const char* name, const auto& columns, const auto& rows) {
    engine::write_table(file, path_of(name), columns.table(rows));
  });
  engine::write_attribute(file, root, "architecture", result.architecture);
  engine::write_attribute(file, root, "model", result.model);
  engine::write_attribute(file, root, "origin", result.origin);
  engine::write_attribute(file, root, "counting", result.counting);
  engine::write_attribute(file, root, "tokens", result.tokens);
  engine::write_attribute(file, root, "sequences", result.sequences);
  if (!result.notes.empty()) engine::write_attribute(file, root, "notes", result.notes);
}

CostResult read_cost(const H5::H5File& file) {
  CostResult result;
  if (!engine::exists(file, path_of("summary"))) return result;
  for_each_table(result, [&](const char* name, const auto& columns, auto& rows) {
    if (!engine::exists(file, path_of(name))) return;  // of an earlier program
    rows = columns.rows(engine::read_table(file, path_of(name)));
  });
  result.architecture = engine::read_text(file, root, "architecture");
  result.model = engine::read_text(file, root, "model");
  result.origin = engine::read_text(file, root, "origin");
  result.counting = engine::read_text(file, root, "counting");
  result.tokens = engine::read_number(file, root, "tokens");
  result.sequences = engine::read_number(file, root, "sequences");
  if (engine::has_attribute(file, root, "notes")) result.notes = engine::read_texts(file, root, "notes");
  return result;
}

void write_read_energy(H5::H5File& file, const std::string& point, const std::vector<ReadEnergyRow>& rows) {
  engine::write_table(file, point + "/read_energy", read_energy_columns().table(rows));
}

std::vector<ReadEnergyRow> read_read_energy(const H5::H5File& file, const std::string& point) {
  const std::string path = point + "/read_energy";
  if (!engine::exists(file, path)) return {};
  return read_energy_columns().rows(engine::read_table(file, path));
}

}  // namespace flare::analysis
