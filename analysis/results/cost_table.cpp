#include "analysis/results/cost_table.hpp"

#include "engine/base/row_table.hpp"

namespace flare::analysis {

namespace {

constexpr const char* root = "/cost";

template <class Row>
class Columns {
 public:
  template <class Member>
  Columns& add(const char* name, const char* unit, Member member) {
    table_.column(
        name, unit, [member](auto& row) -> auto& { return row.*member; });
    return *this;
  }
  /// "energy_low", "energy", "energy_high".
  Columns& range(const std::string& name, const char* unit, CostRange Row::*member) {
    table_.column(
        name + "_low", unit, [member](auto& row) -> auto& { return (row.*member).low; });
    table_.column(
        name, unit, [member](auto& row) -> auto& { return (row.*member).nominal; });
    table_.column(
        name + "_high", unit, [member](auto& row) -> auto& { return (row.*member).high; });
    return *this;
  }
  engine::RowTable<Row> table() const { return table_; }

 private:
  engine::RowTable<Row> table_;
};

auto summary_columns() {
  using R = CostSummaryRow;
  return Columns<R>()
      .add("quantity", "", &R::quantity)
      .add("unit", "", &R::unit)
      .range("value", "", &R::value)
      .table();
}

auto layer_columns() {
  using R = CostLayerRow;
  return Columns<R>()
      .add("layer", "", &R::layer)
      .add("stage", "", &R::stage)
      .add("cycles", "", &R::cycles)
      .range("time", "s", &R::time)
      .range("energy", "J", &R::energy)
      .add("power", "W", &R::power)
      .table();
}

auto component_columns() {
  using R = CostComponentRow;
  return Columns<R>()
      .add("where", "", &R::where)
      .add("component", "", &R::component)
      .add("product", "", &R::product)
      .add("kind", "", &R::kind)
      .range("energy", "J", &R::energy)
      .table();
}

auto area_columns() {
  using R = CostAreaRow;
  return Columns<R>()
      .add("where", "", &R::where)
      .add("component", "", &R::component)
      .add("count", "", &R::count)
      .range("area", "m^2", &R::area)
      .table();
}

auto parameter_columns() {
  using R = CostParameterRow;
  return Columns<R>()
      .add("name", "", &R::name)
      .range("value", "", &R::value)
      .add("unit", "", &R::unit)
      .add("kind", "", &R::kind)
      .add("source", "", &R::source)
      .add("changed", "", &R::changed)
      .table();
}

auto baseline_columns() {
  using R = CostBaselineRow;
  return Columns<R>()
      .add("name", "", &R::name)
      .add("scope", "", &R::scope)
      .add("kind", "", &R::kind)
      .range("tokens_per_second", "1/s", &R::tokens_per_second)
      .range("token_energy", "J", &R::token_energy)
      .add("detail", "", &R::detail)
      .add("source", "", &R::source)
      .table();
}

auto conclusion_columns() {
  using R = CostConclusionRow;
  return Columns<R>()
      .add("sentence", "", &R::sentence)
      .add("low", "", &R::low)
      .add("nominal", "", &R::nominal)
      .add("high", "", &R::high)
      .table();
}

auto workload_columns() {
  using R = CostWorkloadRow;
  return Columns<R>()
      .add("layer", "", &R::layer)
      .add("product", "", &R::product)
      .add("cycles", "", &R::cycles)
      .add("fixed_cycles", "", &R::fixed_cycles)
      .add("conversions", "", &R::conversions)
      .add("driven_cells", "", &R::driven_cells)
      .add("on_cells", "", &R::on_cells)
      .add("scanned_rows", "", &R::scanned_rows)
      .add("stage_cycles", "", &R::stage_cycles)
      .table();
}

auto level_columns() {
  using R = CostLevelRow;
  return Columns<R>()
      .add("layer", "", &R::layer)
      .add("product", "", &R::product)
      .add("k", "", &R::k)
      .add("reads", "", &R::reads)
      .table();
}

auto workload_layer_columns() {
  using R = CostWorkloadLayerRow;
  return Columns<R>()
      .add("layer", "", &R::layer)
      .add("kv_cycles", "", &R::kv_cycles)
      .add("fused_cycles", "", &R::fused_cycles)
      .add("fused_words", "", &R::fused_words)
      .add("unfused_words", "", &R::unfused_words)
      .add("written_bits", "bit", &R::written_bits)
      .add("quantised", "", &R::quantised)
      .add("scores", "", &R::scores)
      .add("macs", "", &R::macs)
      .table();
}

auto sweep_columns() {
  using R = CostSweepRow;
  return Columns<R>()
      .add("point", "", &R::point)
      .add("x", "", &R::x)
      .range("tokens_per_second", "1/s", &R::tokens_per_second)
      .range("token_energy", "J", &R::token_energy)
      .range("mac_energy", "J", &R::mac_energy)
      .range("area", "m^2", &R::area)
      .table();
}

auto read_energy_columns() {
  using R = ReadEnergyRow;
  return Columns<R>()
      .add("k", "", &R::k)
      .add("bitline", "J", &R::bitline)
      .add("word_lines", "J", &R::word_lines)
      .add("swing", "V", &R::swing)
      .table();
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
