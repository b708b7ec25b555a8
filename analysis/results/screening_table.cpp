#include "analysis/results/screening_table.hpp"

#include <algorithm>

#include "engine/base/row_table.hpp"

namespace flare::analysis {

namespace {

constexpr const char* path = "/screening";
constexpr const char* about =
    "sigma: least margin over first-order spread. By converter: how many corners have an estimate too, the "
    "least and "
    "the greatest estimated / screened, and the standard deviation of its logarithm about the mean of each "
    "SAWL";

engine::RowTable<ScreeningRow> screening_columns() {
  engine::RowTable<ScreeningRow> table;
  return table
      .column(
          "cell", "", [](auto& r) -> auto& { return r.cell; })
      .column(
          "sawl", "", [](auto& r) -> auto& { return r.sawl; })
      .column(
          "corner", "", [](auto& r) -> auto& { return r.corner; })
      .column(
          "adc", "", [](auto& r) -> auto& { return r.adc; })
      .column(
          "wordline_off", "s", [](auto& r) -> auto& { return r.wordline_off; })
      .column(
          "sigma", "sigma", [](auto& r) -> auto& { return r.sigma; })
      .column(
          "full", "", [](auto& r) -> auto& { return r.full; })
      .column(
          "estimated", "sigma", [](auto& r) -> auto& { return r.estimated; });
}

/// The attributes, all of the same length.
struct ErrorAttributes {
  std::vector<std::string> adc;
  std::vector<double> corners, least, most, scatter;

  template <class Of>
  void each(Of of) {
    of("corners_estimated", corners);
    of("least_ratio", least);
    of("most_ratio", most);
    of("scatter", scatter);
  }
};

}  // namespace

void write_screening(H5::H5File& file, const std::vector<ScreeningRow>& rows,
                     const std::vector<ConverterScreening>& errors) {
  engine::write_table(file, path, screening_columns().table(rows));
  ErrorAttributes attributes;
  for (const ConverterScreening& converter : errors) {
    attributes.adc.push_back(converter.adc);
    attributes.corners.push_back(static_cast<double>(converter.error.corners));
    attributes.least.push_back(converter.error.least);
    attributes.most.push_back(converter.error.most);
    attributes.scatter.push_back(converter.error.scatter);
  }
  engine::write_attribute(file, path, "adc", attributes.adc);
  attributes.each([&](const char* name, const std::vector<double>& values) {
    engine::write_attribute(file, path, name, values);
  });
  engine::write_attribute(file, path, "about", std::string(about));
}

std::vector<ScreeningRow> read_screening(const H5::H5File& file) {
  if (!engine::exists(file, path)) return {};
  const engine::Table table = engine::read_table(file, path);
  return table.has("adc") ? screening_columns().rows(table) : std::vector<ScreeningRow>{};
}

std::vector<ConverterScreening> read_screening_error(const H5::H5File& file) {
  if (!engine::exists(file, path) || !engine::has_attribute(file, path, "scatter")) return {};
  ErrorAttributes attributes;
  attributes.adc = engine::read_texts(file, path, "adc");
  attributes.each([&](const char* name, std::vector<double>& values) {
    values = engine::read_numbers(file, path, name);
    if (values.size() < attributes.adc.size()) {
      throw engine::FileError(
          "/screening: its attributes have fewer entries than converters; the file is damaged");
    }
  });
  std::vector<ConverterScreening> converters;
  for (std::size_t i = 0; i < attributes.adc.size(); ++i) {
    const double known = attributes.corners[i];
    ConverterScreening& converter = converters.emplace_back();
    converter.adc = attributes.adc[i];
    converter.error.corners = known > 0.0 && known < 1e9 ? static_cast<std::size_t>(known) : 0;
    converter.error.least = attributes.least[i];
    converter.error.most = attributes.most[i];
    converter.error.scatter = attributes.scatter[i];
  }
  return converters;
}

}  // namespace flare::analysis
