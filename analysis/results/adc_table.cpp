#include "analysis/results/adc_table.hpp"

#include "engine/base/row_table.hpp"

namespace flare::analysis {

namespace {

constexpr const char* root = "/adc";

engine::RowTable<AdcThresholdRow> threshold_columns() {
  using Row = AdcThresholdRow;
  engine::RowTable<Row> table;
  const auto add = [&](const char* name, const char* unit, auto member) {
    table.column(
        name, unit, [member](auto& row) -> auto& { return row.*member; });
  };
  add("corner", "", &Row::corner);
  add("k", "", &Row::k);
  add("threshold", "V", &Row::threshold);
  add("common_mode", "V", &Row::common_mode);
  add("kick", "V", &Row::kick);
  add("offset_mean", "V", &Row::offset_mean);
  add("offset_sigma", "V", &Row::offset_sigma);
  add("offset_sigma_low", "V", &Row::offset_sigma_low);
  add("offset_sigma_high", "V", &Row::offset_sigma_high);
  add("first_order", "V", &Row::first_order);
  add("reference_sigma", "V", &Row::reference_sigma);
  add("drift_sigma", "V", &Row::drift_sigma);
  add("left_mean", "V", &Row::left_mean);
  add("left_sigma", "V", &Row::left_sigma);
  add("noise", "V", &Row::noise);
  add("decision_time", "s", &Row::decision_time);
  add("dies", "", &Row::dies);
  add("unknown", "", &Row::unknown);
  return table;
}

engine::RowTable<AdcFigureRow> figure_columns() {
  using Row = AdcFigureRow;
  engine::RowTable<Row> table;
  const auto add = [&](const char* name, const char* unit, auto member) {
    table.column(
        name, unit, [member](auto& row) -> auto& { return row.*member; });
  };
  add("corner", "", &Row::corner);
  add("codes", "", &Row::codes);
  add("lsb", "V", &Row::lsb);
  add("dnl", "LSB", &Row::dnl);
  add("inl", "LSB", &Row::inl);
  add("sinad", "dB", &Row::sinad);
  add("enob", "bit", &Row::enob);
  add("die_dnl", "LSB", &Row::die_dnl);
  add("die_inl", "LSB", &Row::die_inl);
  add("die_enob", "bit", &Row::die_enob);
  add("worst_enob", "bit", &Row::worst_enob);
  add("energy", "J", &Row::energy);
  add("comparator_energy", "J", &Row::comparator_energy);
  add("array_energy", "J", &Row::array_energy);
  add("clock_energy", "J", &Row::clock_energy);
  add("time", "s", &Row::time);
  add("load", "F", &Row::load);
  add("area", "m^2", &Row::area);
  return table;
}

std::string path_of(const std::string& name) { return std::string(root) + "/" + name; }

}  // namespace

void write_adc(H5::H5File& file, const AdcResult& result) {
  const std::string path = path_of(result.name);
  engine::write_table(file, path + "/thresholds", threshold_columns().table(result.thresholds));
  engine::write_table(file, path + "/figures", figure_columns().table(result.figures));
  engine::write_attribute(file, path, "circuit", result.circuit);
  engine::write_attribute(file, path, "trim", result.trim);
  engine::write_attribute(file, path, "references", result.references);
  engine::write_attribute(file, path, "trim_bits", static_cast<std::int64_t>(result.trim_bits));
  engine::write_attribute(file, path, "trim_range", result.trim_range);
  engine::write_attribute(file, path, "trim_area", result.trim_area);
}

std::vector<AdcResult> read_adcs(const H5::H5File& file) {
  std::vector<AdcResult> results;
  if (!engine::exists(file, root)) return results;
  for (const std::string& name : engine::members(file, root)) {
    const std::string path = path_of(name);
    AdcResult result;
    result.name = name;
    result.circuit = engine::read_text(file, path, "circuit");
    result.trim = engine::read_text(file, path, "trim");
    result.references = engine::read_text(file, path, "references");
    result.trim_bits = static_cast<int>(engine::read_integer(file, path, "trim_bits"));
    result.trim_range = engine::read_number(file, path, "trim_range");
    result.trim_area = engine::read_number(file, path, "trim_area");
    result.thresholds = threshold_columns().rows(engine::read_table(file, path + "/thresholds"));
    result.figures = figure_columns().rows(engine::read_table(file, path + "/figures"));
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace flare::analysis
