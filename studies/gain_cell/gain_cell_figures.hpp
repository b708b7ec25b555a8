// From the measures of single runs to the tables of a gain cell: arithmetic alone, no simulator.
#pragma once

#include <string>
#include <vector>

#include "engine/base/gain_cell_tables.hpp"

namespace flare::studies {

/// Mean and sigma (n - 1) of the values that are numbers; NaN where there are fewer than two.
struct Spread {
  double mean = 0.0;
  double sigma = 0.0;
  int runs = 0;
  int unknown = 0;
};
Spread spread_of(const std::vector<double>& values);

/// The least-squares cubic in y through `values`. Throws std::invalid_argument for fewer than four places.
engine::Cubic fit_cubic(const std::vector<double>& y, const std::vector<double>& values);

/// What reads of two widths gave, one row a cell, one column a level; NaN: no answer.
struct ReadCharges {
  double short_width = 0.0;  // s
  double long_width = 0.0;
  engine::Matrix short_charge;  // C
  engine::Matrix long_charge;
};

/// Charge per added time.
engine::Matrix currents_of(const ReadCharges& charges);

/// `voltages`: of the levels. Kicks are left at 0.
std::vector<engine::TransferRow> transfer_rows(const ReadCharges& charges,
                                               const std::vector<double>& voltages);

/// Over the cells of which every level is known. `currents`: one row a cell.
engine::CellPolynomial cell_polynomial(const engine::Matrix& currents, const std::vector<double>& voltages,
                                       double middle);

/// The line width = gain |charge| / full_scale + offset of each converter (one row of `widths`), at the charges of which all are
/// known, and its spread.
engine::PulseConverterRow converter_row(const std::string& mode, const engine::Matrix& widths,
                                        const std::vector<double>& charges, double full_scale);

/// Energies of one use that make the energy of a token: attention of one head over a full window, as `token` says.
struct TokenUse {
  int dimension = 64;
  int window = 1024;
  int tile = 64;            // tokens of an array
  double mean_pulse = 0.5;  // of the longest, of the reads
};
/// Writes of K and V, reads of both arrays, conversions of the scores (rectifier) and of each tile's output (signed), J.
double token_energy(const std::vector<engine::EnergyRow>& uses, const TokenUse& token = {});

}  // namespace flare::studies
