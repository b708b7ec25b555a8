#include "studies/gain_cell/gain_cell_figures.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace flare::studies {

namespace {

engine::Matrix powers_of(const std::vector<double>& y) {
  constexpr auto terms = static_cast<Eigen::Index>(engine::cubic_terms);
  engine::Matrix powers(static_cast<Eigen::Index>(y.size()), terms);
  for (Eigen::Index r = 0; r < powers.rows(); ++r) {
    powers(r, 0) = 1.0;
    for (Eigen::Index i = 1; i < terms; ++i) powers(r, i) = powers(r, i - 1) * y[static_cast<std::size_t>(r)];
  }
  return powers;
}

std::vector<double> column(const engine::Matrix& matrix, Eigen::Index c) {
  std::vector<double> values;
  for (Eigen::Index r = 0; r < matrix.rows(); ++r) values.push_back(matrix(r, c));
  return values;
}

/// Rows without NaN.
engine::Matrix known_rows(const engine::Matrix& matrix) {
  engine::Matrix known(matrix.rows(), matrix.cols());
  Eigen::Index rows = 0;
  for (Eigen::Index r = 0; r < matrix.rows(); ++r) {
    if (matrix.row(r).allFinite()) known.row(rows++) = matrix.row(r);
  }
  return known.topRows(rows);
}

double energy_of(const std::vector<engine::EnergyRow>& uses, const std::string& use) {
  for (const engine::EnergyRow& row : uses) {
    if (row.use == use) return row.energy;
  }
  return NAN;
}

struct Line {
  double gain = 0.0;
  double offset = 0.0;
  double inl = 0.0;
};

/// Least-squares line through (x, y).
Line line_of(const std::vector<double>& x, const engine::Vector& y) {
  engine::Matrix terms(y.size(), 2);
  for (Eigen::Index r = 0; r < y.size(); ++r) {
    terms(r, 0) = x[static_cast<std::size_t>(r)];
    terms(r, 1) = 1.0;
  }
  const engine::Vector fit = terms.colPivHouseholderQr().solve(y);
  return {fit(0), fit(1), (terms * fit - y).cwiseAbs().maxCoeff()};
}

}  // namespace

Spread spread_of(const std::vector<double>& values) {
  Spread spread;
  double sum = 0.0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    ++spread.runs;
    sum += value;
  }
  spread.unknown = static_cast<int>(values.size()) - spread.runs;
  if (spread.runs < 2) return {NAN, NAN, spread.runs, spread.unknown};
  spread.mean = sum / spread.runs;
  double square = 0.0;
  for (const double value : values) {
    if (std::isfinite(value)) square += (value - spread.mean) * (value - spread.mean);
  }
  spread.sigma = std::sqrt(square / (spread.runs - 1));
  return spread;
}

engine::Cubic fit_cubic(const std::vector<double>& y, const std::vector<double>& values) {
  if (y.size() < engine::cubic_terms || y.size() != values.size())
    throw std::invalid_argument("a cubic needs a value at each of at least four places");
  const Eigen::Map<const engine::Vector> of(values.data(), static_cast<Eigen::Index>(values.size()));
  const engine::Vector fit = powers_of(y).colPivHouseholderQr().solve(of);
  engine::Cubic g{};
  for (std::size_t i = 0; i < g.size(); ++i) g[i] = fit(static_cast<Eigen::Index>(i));
  return g;
}

engine::Matrix currents_of(const ReadCharges& c) {
  return (c.long_charge - c.short_charge) / (c.long_width - c.short_width);
}

std::vector<engine::TransferRow> transfer_rows(const ReadCharges& charges,
                                               const std::vector<double>& voltages) {
  const engine::Matrix currents = currents_of(charges);
  const engine::Matrix offsets = charges.long_charge - currents * charges.long_width;
  std::vector<engine::TransferRow> rows;
  for (std::size_t k = 0; k < voltages.size(); ++k) {
    const auto c = static_cast<Eigen::Index>(k);
    const Spread current = spread_of(column(currents, c));
    engine::TransferRow row;
    row.level = static_cast<int>(k);
    row.voltage = voltages[k];
    row.mean = current.mean;
    row.sigma = current.sigma;
    row.offset = spread_of(column(offsets, c)).mean;
    row.runs = current.runs;
    row.unknown = current.unknown;
    rows.push_back(row);
  }
  return rows;
}

engine::CellPolynomial cell_polynomial(const engine::Matrix& currents, const std::vector<double>& voltages,
                                       double middle) {
  constexpr auto terms = static_cast<Eigen::Index>(engine::cubic_terms);
  std::vector<double> y;
  y.reserve(voltages.size());
  for (const double v : voltages) y.push_back(v - middle);
  const engine::Matrix known = known_rows(currents);
  engine::CellPolynomial polynomial;
  polynomial.covariance = engine::Matrix::Constant(terms, terms, NAN);
  polynomial.g.fill(NAN);
  polynomial.residual = NAN;
  if (known.rows() < 2) return polynomial;
  const engine::Matrix fits =
      powers_of(y).colPivHouseholderQr().solve(known.transpose().eval()).transpose();  // cells x terms
  const Eigen::RowVectorXd mean = fits.colwise().mean();
  const engine::Matrix off = fits.rowwise() - mean;
  polynomial.covariance = off.transpose() * off / static_cast<double>(known.rows() - 1);
  for (std::size_t i = 0; i < polynomial.g.size(); ++i) polynomial.g[i] = mean(static_cast<Eigen::Index>(i));
  const Eigen::RowVectorXd curve = known.colwise().mean();
  polynomial.residual = 0.0;
  for (std::size_t k = 0; k < y.size(); ++k) {
    const double distance = curve(static_cast<Eigen::Index>(k)) - engine::cubic_value(polynomial.g, y[k]);
    polynomial.residual = std::max(polynomial.residual, std::fabs(distance));
  }
  return polynomial;
}

engine::PulseConverterRow converter_row(const std::string& mode, const engine::Matrix& widths,
                                        const std::vector<double>& charges, double full_scale) {
  std::vector<double> ideal;
  ideal.reserve(charges.size());
  for (const double charge : charges) ideal.push_back(std::fabs(charge) / full_scale);
  std::vector<double> gains;
  std::vector<double> offsets;
  std::vector<double> inls;
  for (Eigen::Index r = 0; r < widths.rows(); ++r) {
    const bool known = widths.row(r).allFinite();
    const Line line = known ? line_of(ideal, widths.row(r).transpose()) : Line{NAN, NAN, NAN};
    gains.push_back(line.gain);
    offsets.push_back(line.offset);
    inls.push_back(line.inl);
  }
  const Spread gain = spread_of(gains);
  const Spread offset = spread_of(offsets);
  return {mode,       gain.mean,    offset.mean, spread_of(inls).mean,
          gain.sigma, offset.sigma, gain.runs,   gain.unknown};
}

double token_energy(const std::vector<engine::EnergyRow>& uses, const TokenUse& token) {
  const double writes = 2.0 * token.dimension;
  const double reads = 2.0 * token.dimension * token.window * token.mean_pulse;
  const double tiles = static_cast<double>(token.window) / token.tile;
  return writes * energy_of(uses, "write") + reads * energy_of(uses, "read") +
         token.window * energy_of(uses, "rectifier") + token.dimension * tiles * energy_of(uses, "signed");
}

}  // namespace flare::studies
