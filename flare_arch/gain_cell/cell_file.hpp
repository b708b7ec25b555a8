// A gain cell as a study measured it (engine/base/gain_cell_tables.hpp), ready to compute with.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "flare_arch/gain_cell/cell_array.hpp"
#include "flare_arch/gain_cell/cell_errors.hpp"
#include "flare_arch/gain_cell/cell_law.hpp"

namespace flare::arch {

struct MeasuredCell {
  std::string cell, corner;
  double temperature = 0;  // degC
  StoredLevels stored;
  Cubic polynomial{};
  std::vector<double> transfer;  // A by level
  std::vector<double> times;     // s, ascending; empty: retention was not measured
  MatrixD voltages;              // times x levels, V
  double full_scale = 0;         // A, of the charge-to-pulse converter
  double read_pulse = 0;         // s, the longest
  double token_energy = 0;       // J; 0: not measured
  double head_time = 0;  // s: the longest query, the longest pulse, the longest count; 0: not measured
  CellSpread spread;     // covariance over mismatch; converters

  CellLaw polynomial_law() const;
  /// Straight lines between the levels' own currents.
  CellLaw transfer_law() const;
  /// Throws std::invalid_argument, with the remedy, where retention was not measured, or not for as long as `window` tokens
  /// of `token_time` s last.
  Retention retention(int window, double token_time) const;
};

/// Throws std::invalid_argument for tables that miss a level or hold what is not finite.
MeasuredCell measured_cell(const engine::GainCellTables& tables);

/// `place`: "<cell>/<corner>", "<cell>" where it has one corner, or empty where the file holds one only. Throws
/// engine::FileError "file: what is wrong; what is there".
MeasuredCell load_cell(const std::filesystem::path& file, const std::string& place);
/// All corners of all cells of a file, those of `cell` where it is named.
std::vector<MeasuredCell> load_cells(const std::filesystem::path& file, const std::string& cell = "");

}  // namespace flare::arch
