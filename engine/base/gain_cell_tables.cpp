#include "engine/base/gain_cell_tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "engine/base/row_table.hpp"

namespace flare::engine {

namespace {

constexpr const char* root = "/gain_cell";

RowTable<TransferRow> transfer_columns() {
  using Row = TransferRow;
  return RowTable<Row>()
      .column("level", "", &Row::level)
      .column("voltage", "V", &Row::voltage)
      .column("mean", "A", &Row::mean)
      .column("sigma", "A", &Row::sigma)
      .column("offset", "C", &Row::offset)
      .column("kick", "V", &Row::kick)
      .column("runs", "", &Row::runs)
      .column("unknown", "", &Row::unknown);
}

RowTable<PulseRow> pulse_columns() {
  using Row = PulseRow;
  return RowTable<Row>()
      .column("level", "", &Row::level)
      .column("width", "s", &Row::width)
      .column("charge", "C", &Row::charge);
}

RowTable<WriteRow> write_columns() {
  using Row = WriteRow;
  return RowTable<Row>()
      .column("level", "", &Row::level)
      .column("target", "V", &Row::target)
      .column("mean", "V", &Row::mean)
      .column("sigma", "V", &Row::sigma)
      .column("runs", "", &Row::runs)
      .column("unknown", "", &Row::unknown);
}

RowTable<RetentionRow> retention_columns() {
  using Row = RetentionRow;
  return RowTable<Row>()
      .column("level", "", &Row::level)
      .column("time", "s", &Row::time)
      .column("mean", "V", &Row::mean)
      .column("sigma", "V", &Row::sigma)
      .column("runs", "", &Row::runs)
      .column("unknown", "", &Row::unknown);
}

RowTable<PulseWidthRow> width_columns() {
  using Row = PulseWidthRow;
  return RowTable<Row>()
      .column("mode", "", &Row::mode)
      .column("charge", "C", &Row::charge)
      .column("width", "s", &Row::width)
      .column("sigma", "s", &Row::sigma)
      .column("runs", "", &Row::runs)
      .column("unknown", "", &Row::unknown);
}

RowTable<PulseConverterRow> converter_columns() {
  using Row = PulseConverterRow;
  return RowTable<Row>()
      .column("mode", "", &Row::mode)
      .column("gain", "", &Row::gain)
      .column("offset", "s", &Row::offset)
      .column("inl", "s", &Row::inl)
      .column("gain_sigma", "", &Row::gain_sigma)
      .column("offset_sigma", "s", &Row::offset_sigma)
      .column("runs", "", &Row::runs)
      .column("unknown", "", &Row::unknown);
}

RowTable<EnergyRow> energy_columns() {
  using Row = EnergyRow;
  return RowTable<Row>().column("use", "", &Row::use).column("energy", "J", &Row::energy);
}

RowTable<ColumnCheckRow> column_columns() {
  using Row = ColumnCheckRow;
  return RowTable<Row>()
      .column("pattern", "", &Row::pattern)
      .column("sum", "C", &Row::sum)
      .column("charge", "C", &Row::charge);
}

/// A term of the polynomial as a row of the file.
struct TermRow {
  int power = 0;
  double g = 0.0;
  double sigma = 0.0;
};

RowTable<TermRow> term_columns() {
  using Row = TermRow;
  return RowTable<Row>()
      .column("power", "", &Row::power)
      .column("g", "A/V^power", &Row::g)
      .column("sigma", "A/V^power", &Row::sigma);
}

void write_polynomial(H5::H5File& file, const std::string& path, const CellPolynomial& polynomial) {
  std::vector<TermRow> terms;
  for (std::size_t i = 0; i < cubic_terms; ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    terms.push_back({static_cast<int>(i), polynomial.g[i], std::sqrt(polynomial.covariance(row, row))});
  }
  write_table(file, path + "/g", term_columns().table(terms));
  write_matrix(file, path + "/covariance", polynomial.covariance, "A^2/V^(i+j)");
  write_attribute(file, path, "residual", polynomial.residual);
}

CellPolynomial read_polynomial(const H5::H5File& file, const std::string& path) {
  CellPolynomial polynomial;
  const std::vector<TermRow> terms = term_columns().rows(read_table(file, path + "/g"));
  polynomial.covariance = read_matrix(file, path + "/covariance");
  constexpr auto n = static_cast<Eigen::Index>(cubic_terms);
  if (terms.size() != cubic_terms || polynomial.covariance.rows() != n || polynomial.covariance.cols() != n) {
    throw FileError(
        fmt::format("{}: {} is no cubic with its covariance; the file is damaged", file.getFileName(), path));
  }
  for (std::size_t i = 0; i < cubic_terms; ++i) polynomial.g[i] = terms[i].g;
  polynomial.residual = read_number(file, path, "residual");
  return polynomial;
}

/// "there are A, B" or "none".
std::string held(const H5::H5File& file, const std::string& path) {
  if (!exists(file, path)) return "none; run a study with [gain_cell]";
  return fmt::format("{}", fmt::join(members(file, path), ", "));
}

/// What a study of an earlier version or a damaged file may lack.
void need(const H5::H5File& file, const std::string& path) {
  if (exists(file, path)) return;
  throw FileError(fmt::format("{}: has no {}; run the study of the gain cell again (flare run)",
                              file.getFileName(), path));
}

}  // namespace

double cubic_value(const Cubic& g, double y) { return g[0] + y * (g[1] + y * (g[2] + y * g[3])); }

bool cubic_rises(const Cubic& g, double low, double high) {
  const auto slope = [&](double y) { return g[1] + y * (2.0 * g[2] + 3.0 * y * g[3]); };
  if (!(slope(low) > 0.0) || !(slope(high) > 0.0)) return false;
  // Between the ends the slope is least where its own derivative is zero.
  const double least = g[3] > 0.0 ? -g[2] / (3.0 * g[3]) : low;
  return least <= low || least >= high || slope(least) > 0.0;
}

bool GainCellTables::monotone() const {
  double low = 0.0;
  double high = 0.0;
  for (const TransferRow& row : transfer) {
    low = std::min(low, row.voltage - middle);
    high = std::max(high, row.voltage - middle);
  }
  return cubic_rises(polynomial.g, low, high);
}

void write_gain_cell(H5::H5File& file, const GainCellTables& t) {
  const std::string path = t.path();
  write_table(file, path + "/transfer", transfer_columns().table(t.transfer));
  write_table(file, path + "/pulses", pulse_columns().table(t.pulses));
  write_polynomial(file, path + "/polynomial", t.polynomial);
  write_table(file, path + "/write", write_columns().table(t.write));
  write_table(file, path + "/retention", retention_columns().table(t.retention));
  write_table(file, path + "/converter/widths", width_columns().table(t.widths));
  write_table(file, path + "/converter/figures", converter_columns().table(t.converters));
  write_table(file, path + "/energy", energy_columns().table(t.energy));
  if (!t.columns.empty()) write_table(file, path + "/column", column_columns().table(t.columns));
  write_attribute(file, path, "supply", t.supply);
  write_attribute(file, path, "temperature", t.temperature);
  write_attribute(file, path, "middle", t.middle);
  write_attribute(file, path, "read_pulse", t.read_pulse);
  write_attribute(file, path, "integration", t.integration);
  write_attribute(file, path, "full_scale", t.full_scale);
  write_attribute(file, path, "monotone", static_cast<std::int64_t>(t.monotone()));
}

GainCellTables read_gain_cell(const H5::H5File& file, const std::string& cell, const std::string& corner) {
  GainCellTables t;
  t.cell = cell;
  t.corner = corner;
  const std::string of_cell = fmt::format("{}/{}", root, cell);
  if (cell.empty() || !exists(file, of_cell)) {
    throw FileError(
        fmt::format("{}: has no gain cell '{}'; it has {}", file.getFileName(), cell, held(file, root)));
  }
  if (corner.empty() || !exists(file, t.path())) {
    throw FileError(fmt::format("{}: {} was not measured at '{}'; there are {}", file.getFileName(), cell,
                                corner, held(file, of_cell)));
  }
  const std::string path = t.path();
  for (const char* part : {"/transfer", "/pulses", "/polynomial", "/write", "/retention", "/converter/widths",
                           "/converter/figures", "/energy"}) {
    need(file, path + part);
  }
  t.transfer = transfer_columns().rows(read_table(file, path + "/transfer"));
  t.pulses = pulse_columns().rows(read_table(file, path + "/pulses"));
  t.polynomial = read_polynomial(file, path + "/polynomial");
  t.write = write_columns().rows(read_table(file, path + "/write"));
  t.retention = retention_columns().rows(read_table(file, path + "/retention"));
  t.widths = width_columns().rows(read_table(file, path + "/converter/widths"));
  t.converters = converter_columns().rows(read_table(file, path + "/converter/figures"));
  t.energy = energy_columns().rows(read_table(file, path + "/energy"));
  if (exists(file, path + "/column")) t.columns = column_columns().rows(read_table(file, path + "/column"));
  t.supply = read_number(file, path, "supply");
  t.temperature = read_number(file, path, "temperature");
  t.middle = read_number(file, path, "middle");
  t.read_pulse = read_number(file, path, "read_pulse");
  t.integration = read_number(file, path, "integration");
  t.full_scale = read_number(file, path, "full_scale");
  return t;
}

std::vector<GainCellTables> read_gain_cells(const H5::H5File& file) {
  std::vector<GainCellTables> all;
  if (!exists(file, root)) return all;
  for (const std::string& cell : members(file, root)) {
    for (const std::string& corner : members(file, fmt::format("{}/{}", root, cell))) {
      all.push_back(read_gain_cell(file, cell, corner));
    }
  }
  return all;
}

}  // namespace flare::engine
