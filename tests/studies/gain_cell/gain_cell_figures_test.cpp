// Arithmetic of the tables against exact answers and a published polynomial.
#include "studies/gain_cell/gain_cell_figures.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>

#include "tests/flare_arch/gain_cell/authors_table.hpp"

namespace flare::studies {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// The model of the authors' code has these four numbers; the table is rounded to six digits, so the bound on each is what
// that rounding can move it.
TEST(GainCellFigures, TheCubicOfThePublishedCurveIsThePublishedPolynomial) {
  const arch::AuthorsTable curve = arch::authors_table();
  const engine::Cubic g = fit_cubic(curve.distance, curve.current);
  const Eigen::Vector4d published = arch::authors_polynomial(), bound = arch::refit_bound(curve);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(g[static_cast<std::size_t>(i)], published[i], bound[i]) << "g" << i;
}

TEST(GainCellFigures, ACubicComesBackExactly) {
  const engine::Cubic g{0.52136361, 13.61226063, -2.62044562, 46.05483778};
  std::vector<double> y, values;
  y.reserve(8);
  values.reserve(8);
  for (int k = 0; k < 8; ++k) {
    y.push_back(0.9 * k / 7 - 0.45);
    values.push_back(engine::cubic_value(g, y.back()));
  }
  const engine::Cubic fit = fit_cubic(y, values);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(fit[i], g[i], 1e-12);
  EXPECT_THROW(fit_cubic({0.0, 0.1, 0.2}, {0.0, 0.1, 0.2}), std::invalid_argument);
}

TEST(GainCellFigures, CurrentIsWhatMoreTimeAddsAndTheRestIsOffset) {
  ReadCharges charges{1e-9, 15e-9, engine::Matrix(3, 1), engine::Matrix(3, 1)};
  const double currents[] = {8e-6, 9e-6, nan};
  for (int cell = 0; cell < 3; ++cell) {
    charges.short_charge(cell, 0) = currents[cell] * 1e-9 + 0.2e-15;
    charges.long_charge(cell, 0) = currents[cell] * 15e-9 + 0.2e-15;
  }
  const std::vector<engine::TransferRow> rows = transfer_rows(charges, {0.9});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_NEAR(rows[0].mean, 8.5e-6, 1e-17);
  EXPECT_NEAR(rows[0].sigma, std::sqrt(0.5) * 1e-6, 1e-17);
  EXPECT_NEAR(rows[0].offset, 0.2e-15, 1e-26);
  EXPECT_EQ(rows[0].runs, 2);
  EXPECT_EQ(rows[0].unknown, 1);
}

// Cells g + z h with a known z: the covariance is that of z times h h^T.
TEST(GainCellFigures, CovarianceOfThePolynomialIsThatOfTheCells) {
  const engine::Cubic g{1e-7, 1.5e-5, 3e-6, 3e-5};
  const engine::Cubic h{2e-7, 1e-6, -1e-6, 2e-6};
  const std::vector<double> z{-1.0, 0.0, 1.0, nan};
  std::vector<double> voltages;
  voltages.reserve(8);
  for (int k = 0; k < 8; ++k) voltages.push_back(0.9 * k / 7);
  engine::Matrix currents(4, 8);
  for (int cell = 0; cell < 4; ++cell)
    for (int k = 0; k < 8; ++k) {
      const double y = voltages[static_cast<std::size_t>(k)] - 0.45;
      currents(cell, k) =
          engine::cubic_value(g, y) + z[static_cast<std::size_t>(cell)] * engine::cubic_value(h, y);
    }
  const engine::CellPolynomial polynomial = cell_polynomial(currents, voltages, 0.45);
  EXPECT_LT(polynomial.residual, 1e-18);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(polynomial.g[i], g[i], 1e-16);
    for (std::size_t j = 0; j < 4; ++j)
      EXPECT_NEAR(polynomial.covariance(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)),
                  h[i] * h[j], 1e-22);
  }
}

TEST(GainCellFigures, NoNumberWhereTooFewCellsHaveOne) {
  engine::Matrix currents = engine::Matrix::Constant(3, 4, nan);
  currents.row(1).setOnes();
  const engine::CellPolynomial polynomial = cell_polynomial(currents, {0.0, 0.3, 0.6, 0.9}, 0.45);
  EXPECT_TRUE(std::isnan(polynomial.g[0]));
  EXPECT_TRUE(std::isnan(polynomial.residual));
  const Spread spread = spread_of({nan, 1.0, nan});
  EXPECT_TRUE(std::isnan(spread.mean));
  EXPECT_EQ(spread.unknown, 2);
}

TEST(GainCellFigures, LinesOfConverters) {
  const std::vector<double> charges{-0.9e-12, 0.1e-12, 0.9e-12};
  engine::Matrix widths(3, 3);
  for (int c = 0; c < 3; ++c) {
    const double ideal = std::fabs(charges[static_cast<std::size_t>(c)]) / 80e-6;
    widths(0, c) = 1.00 * ideal + 0.5e-9;
    widths(1, c) = 1.02 * ideal + 0.7e-9;
    widths(2, c) = c == 0 ? nan : ideal;
  }
  const engine::PulseConverterRow row = converter_row("signed", widths, charges, 80e-6);
  EXPECT_NEAR(row.gain, 1.01, 1e-12);
  EXPECT_NEAR(row.gain_sigma, std::sqrt(2.0) * 0.01, 1e-12);
  EXPECT_NEAR(row.offset, 0.6e-9, 1e-20);
  EXPECT_LT(row.inl, 1e-20);
  EXPECT_EQ(row.runs, 2);
  EXPECT_EQ(row.unknown, 1);
}

TEST(GainCellFigures, ATokenIsItsWritesReadsAndConversions) {
  const std::vector<engine::EnergyRow> uses{
      {"write", 1.0}, {"read", 1e-3}, {"rectifier", 1e-2}, {"signed", 1e-4}};
  EXPECT_NEAR(token_energy(uses, {4, 16, 8, 0.25}), 8.0 + 2 * 4 * 16 * 0.25 * 1e-3 + 0.16 + 4 * 2 * 1e-4,
              1e-12);
  EXPECT_TRUE(std::isnan(token_energy({{"write", 1.0}})));
}

}  // namespace
}  // namespace flare::studies
