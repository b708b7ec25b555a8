#include "analysis/report/report_screening.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace flare::analysis {

std::vector<ReportScreening> read_screening(const H5::H5File& file) {
  std::vector<ReportScreening> rows;
  if (!engine::exists(file, "/screening")) return rows;
  const engine::Table table = engine::read_table(file, "/screening");
  if (!table.has("adc")) return rows;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    rows.push_back({table.texts("cell")[i], static_cast<int>(table.integers("sawl")[i]),
                    table.texts("corner")[i], table.texts("adc")[i], table.numbers("sigma")[i],
                    table.numbers("estimated")[i], table.integers("full")[i] != 0});
  }
  return rows;
}

std::vector<ReportScreeningError> read_screening_error(const H5::H5File& file) {
  std::vector<ReportScreeningError> rows;
  if (!engine::exists(file, "/screening") || !engine::has_attribute(file, "/screening", "scatter"))
    return rows;
  const std::vector<std::string> adc = engine::read_texts(file, "/screening", "adc");
  const std::vector<double> corners = engine::read_numbers(file, "/screening", "corners_estimated");
  const std::vector<double> least = engine::read_numbers(file, "/screening", "least_ratio");
  const std::vector<double> most = engine::read_numbers(file, "/screening", "most_ratio");
  const std::vector<double> scatter = engine::read_numbers(file, "/screening", "scatter");
  if (std::min({corners.size(), least.size(), most.size(), scatter.size()}) < adc.size()) {
    throw engine::FileError(
        "/screening: its attributes have fewer entries than converters; the file is damaged");
  }
  for (std::size_t i = 0; i < adc.size(); ++i) {
    const double known = corners[i] > 0.0 && corners[i] < 1e9 ? corners[i] : 0.0;
    rows.push_back({adc[i], {static_cast<std::size_t>(known), least[i], most[i], 0.0, scatter[i]}});
  }
  return rows;
}

std::string screening_text(const ReportScreeningError& screening) {
  const ScreeningError& error = screening.error;
  if (error.corners == 0)
    return fmt::format("Screening of {}: no corner has an estimate to compare with.", screening.adc);
  std::string text = fmt::format(
      "Screening of {}: the estimate is {:.3f} to {:.3f} of it at {} {} run in full", screening.adc,
      error.least, error.most, error.corners, error.corners == 1 ? "corner" : "corners");
  if (std::isfinite(error.scatter)) {
    text += fmt::format(", with a scatter of {:.1f} % about the mean of each SAWL", 100.0 * error.scatter);
  }
  return text + ".";
}

}  // namespace flare::analysis
