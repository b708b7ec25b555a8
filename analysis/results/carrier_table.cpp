#include "analysis/results/carrier_table.hpp"

#include <fmt/format.h>

#include "engine/base/row_table.hpp"

namespace flare::analysis {

namespace {

using Columns = engine::RowTable<CarrierRow>;

std::string column_path(const ModelKey& key) {
  return fmt::format("{}/carriers/{}", key.point_path(), key.adc);
}

std::string circuit_path(const std::string& circuit, const std::string& corner) {
  return fmt::format("/points/{}/{}/carriers", circuit, corner);
}

Columns column_carriers() {
  Columns table;
  return table
      .column(
          "k", "", [](auto& r) -> auto& { return r.k; })
      .column(
          "direction", "", [](auto& r) -> auto& { return r.direction; })
      .column(
          "distance", "sigma", [](auto& r) -> auto& { return r.distance; })
      .column(
          "variable", "", [](auto& r) -> auto& { return r.variable; })
      .column(
          "share", "", [](auto& r) -> auto& { return r.share; })
      .column(
          "coordinate", "sigma", [](auto& r) -> auto& { return r.coordinate; }, "coordinate")
      .column(
          "area_slope", "sigma", [](auto& r) -> auto& { return r.area_slope; }, "coordinate");
}

Columns circuit_carriers() {
  Columns table;
  return table
      .column(
          "distance", "sigma", [](auto& r) -> auto& { return r.distance; })
      .column(
          "variable", "", [](auto& r) -> auto& { return r.variable; })
      .column(
          "share", "", [](auto& r) -> auto& { return r.share; })
      .column(
          "coordinate", "sigma", [](auto& r) -> auto& { return r.coordinate; }, "coordinate")
      .column(
          "area_slope", "sigma", [](auto& r) -> auto& { return r.area_slope; }, "coordinate")
      .column(
          "spec", "", [](auto& r) -> auto& { return r.spec; }, "coordinate");
}

std::vector<CarrierRow> read(const H5::H5File& file, const std::string& path, const Columns& columns) {
  if (!engine::exists(file, path)) return {};
  return columns.rows(engine::read_table(file, path));
}

}  // namespace

void write_column_carriers(H5::H5File& file, const ModelKey& key, const std::vector<CarrierRow>& rows) {
  if (!rows.empty()) engine::write_table(file, column_path(key), column_carriers().table(rows));
}

std::vector<CarrierRow> read_column_carriers(const H5::H5File& file, const ModelKey& key) {
  return read(file, column_path(key), column_carriers());
}

void write_circuit_carriers(H5::H5File& file, const std::string& circuit, const std::string& corner,
                            const std::vector<CarrierRow>& rows) {
  engine::write_table(file, circuit_path(circuit, corner), circuit_carriers().table(rows));
}

std::vector<CarrierRow> read_circuit_carriers(const H5::H5File& file, const std::string& circuit,
                                              const std::string& corner) {
  return read(file, circuit_path(circuit, corner), circuit_carriers());
}

}  // namespace flare::analysis
