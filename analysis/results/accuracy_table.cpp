#include "analysis/results/accuracy_table.hpp"

#include <fmt/format.h>

#include "engine/base/row_table.hpp"

namespace flare::analysis {

namespace {

engine::RowTable<AccuracyRow> accuracy_columns() {
  engine::RowTable<AccuracyRow> table;
  return table
      .column(
          "model", "", [](auto& r) -> auto& { return r.model; })
      .column(
          "dataset", "", [](auto& r) -> auto& { return r.dataset; })
      .column(
          "quantizer", "", [](auto& r) -> auto& { return r.quantizer; })
      .column(
          "cell", "", [](auto& r) -> auto& { return r.cell; })
      .column(
          "sawl", "", [](auto& r) -> auto& { return r.sawl; })
      .column(
          "adc", "", [](auto& r) -> auto& { return r.adc; })
      .column(
          "corner", "", [](auto& r) -> auto& { return r.corner; })
      .column(
          "mode", "", [](auto& r) -> auto& { return r.mode; })
      .column(
          "repeats", "", [](auto& r) -> auto& { return r.repeats; })
      .column(
          "examples", "", [](auto& r) -> auto& { return r.examples; })
      .column(
          "accuracy_mean", "", [](auto& r) -> auto& { return r.mean; })
      .column(
          "accuracy_std", "", [](auto& r) -> auto& { return r.std; })
      .column(
          "accuracy_float", "", [](auto& r) -> auto& { return r.floating; })
      .column(
          "metric", "", [](auto& r) -> auto& { return r.metric; }, "metric");
}

}  // namespace

std::string accuracy_text(const AccuracyRow& row, double value) {
  return row.is_loss() ? fmt::format("{:.4f}", value) : fmt::format("{:.2f} %", 100.0 * value);
}

void write_accuracy(H5::H5File& file, const std::vector<AccuracyRow>& rows) {
  engine::write_table(file, "/accuracy", accuracy_columns().table(rows));
}

std::vector<AccuracyRow> read_accuracy(const H5::H5File& file) {
  if (!engine::exists(file, "/accuracy")) return {};
  return accuracy_columns().rows(engine::read_table(file, "/accuracy"));
}

}  // namespace flare::analysis
