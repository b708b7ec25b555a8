#include "analysis/results/accuracy_table.hpp"

#include <fmt/format.h>

#include <cmath>

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
          "metric", "", [](auto& r) -> auto& { return r.metric; }, "metric")
      .column(
          "low", "", [](auto& r) -> auto& { return r.low; }, "low")
      .column(
          "high", "", [](auto& r) -> auto& { return r.high; }, "low")
      .column(
          "drop", "", [](auto& r) -> auto& { return r.drop; }, "low")
      .column(
          "drop_low", "", [](auto& r) -> auto& { return r.drop_low; }, "low")
      .column(
          "drop_high", "", [](auto& r) -> auto& { return r.drop_high; }, "low")
      .column(
          "p", "", [](auto& r) -> auto& { return r.p; }, "low")
      .column(
          "p_adjusted", "", [](auto& r) -> auto& { return r.p_adjusted; }, "low")
      .column(
          "detectable", "", [](auto& r) -> auto& { return r.detectable; }, "low")
      .column(
          "agreement", "", [](auto& r) -> auto& { return r.agreement; }, "low")
      .column(
          "divergence", "nat", [](auto& r) -> auto& { return r.divergence; }, "low")
      .column(
          "logit_error", "", [](auto& r) -> auto& { return r.logit_error; }, "low")
      .column(
          "allowed", "", [](auto& r) -> auto& { return r.allowed; }, "low")
      .column(
          "dies_within", "", [](auto& r) -> auto& { return r.dies_within; }, "low")
      .column(
          "yield_low", "", [](auto& r) -> auto& { return r.yield_low; }, "low")
      .column(
          "yield_high", "", [](auto& r) -> auto& { return r.yield_high; }, "low")
      .column(
          "difference", "", [](auto& r) -> auto& { return r.difference; }, "low")
      .column(
          "calibration", "", [](auto& r) -> auto& { return r.calibration; }, "calibration");
}

constexpr double accuracy_digits = 1e4;  // of a unit: a hundredth of a per cent, or four places

}  // namespace

std::string accuracy_limit_text(const AccuracyRow& row, double limit) {
  constexpr double rounding = 1e-9;  // of a limit that has no more digits
  return accuracy_text(row, std::ceil(limit * accuracy_digits - rounding) / accuracy_digits);
}

std::string accuracy_text(const AccuracyRow& row, double value) {
  if (std::isnan(value)) return "-";
  const bool share = row.metric == "top1" || row.metric == "top5" || row.metric == "f1";
  const double shown = std::abs(value) < 0.5 / accuracy_digits ? 0.0 : value;  // no "-0.00"
  return share ? fmt::format("{:.2f} %", 100.0 * shown) : fmt::format("{:.4f}", shown);
}

std::string accuracy_limits_text(const AccuracyRow& row, double low, double high) {
  if (std::isnan(low) || std::isnan(high)) return "-";
  return fmt::format("[{}, {}]", accuracy_text(row, low), accuracy_text(row, high));
}

void write_accuracy(H5::H5File& file, const std::vector<AccuracyRow>& rows) {
  engine::write_table(file, "/accuracy", accuracy_columns().table(rows));
}

std::vector<AccuracyRow> read_accuracy(const H5::H5File& file) {
  if (!engine::exists(file, "/accuracy")) return {};
  return accuracy_columns().rows(engine::read_table(file, "/accuracy"));
}

}  // namespace flare::analysis
