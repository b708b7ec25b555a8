// /gain_cell/<cell>/<corner> of a result file: what was measured of a gain cell and of its charge-to-pulse converter. Written by
// studies of the circuits, read by whoever computes with such cells; needs no simulator. SI units throughout.
//
// A current is positive where the cell draws it from the bitline, which stands at `middle`: f(v) of the cell with v on its
// storage node. A polynomial is f(v) = sum_i g_i (v - middle)^i.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/base/hdf5_io.hpp"

namespace flare::engine {

/// Current of a level over cells: charge per time that a longer read pulse adds, the storage node floating.
struct TransferRow {
  int level = 0;         // from 0
  double voltage = 0.0;  // V, on the storage node before the read
  double mean = 0.0;     // A, over cells
  double sigma = 0.0;    // A
  double offset = 0.0;   // C: charge of a read beyond current times width, mean over cells
  double kick = 0.0;     // V: by how much the read lines move the storage node, without mismatch
  int runs = 0;          // with an answer
  int unknown = 0;       // without
};

/// Charge that one read draws, without mismatch.
struct PulseRow {
  int level = 0;
  double width = 0.0;   // s
  double charge = 0.0;  // C
};

inline constexpr std::size_t cubic_terms = 4;
using Cubic = std::array<double, cubic_terms>;  // g_0 ... g_3, A/V^i

/// sum_i g_i y^i, y = v - middle.
double cubic_value(const Cubic& g, double y);
/// True where the polynomial rises everywhere in [low, high].
bool cubic_rises(const Cubic& g, double low, double high);

/// Least-squares cubic of the levels' currents, cell by cell.
struct CellPolynomial {
  Cubic g{};              // mean over cells
  Matrix covariance;      // 4 x 4, over cells; A^2/V^(i+j)
  double residual = 0.0;  // A: largest distance of a level's mean from the polynomial
};

/// What a level is after its write, the write gate closed.
struct WriteRow {
  int level = 0;
  double target = 0.0;  // V, on the write bitline
  double mean = 0.0;    // V, over cells
  double sigma = 0.0;
  int runs = 0;
  int unknown = 0;
};

/// What a level has become after a time without a write, from its voltage in `transfer`.
struct RetentionRow {
  int level = 0;
  double time = 0.0;  // s
  double mean = 0.0;  // V, over cells
  double sigma = 0.0;
  int runs = 0;
  int unknown = 0;
};

/// Width of the pulse a charge becomes. mode: "rectifier" (0 for a negative charge) or "signed".
struct PulseWidthRow {
  std::string mode;
  double charge = 0.0;  // C, drawn from the bitline
  double width = 0.0;   // s, mean over converters
  double sigma = 0.0;
  int runs = 0;
  int unknown = 0;
};

/// width = gain |charge| / full_scale + offset.
struct PulseConverterRow {
  std::string mode;
  double gain = 0.0;    // mean over converters
  double offset = 0.0;  // s
  double inl = 0.0;     // s, largest distance from the line, mean over converters
  double gain_sigma = 0.0;
  double offset_sigma = 0.0;
  int runs = 0;
  int unknown = 0;
};

/// Energy of one use, J.
struct EnergyRow {
  std::string use;  // "write", "read", "rectifier", "signed", "token"
  double energy = 0.0;
};

/// Charge of a whole column against the sum of its cells, without mismatch.
struct ColumnCheckRow {
  int pattern = 0;
  double sum = 0.0;     // C, of its cells by themselves
  double charge = 0.0;  // C, of the column
};

struct GainCellTables {
  std::string cell;
  std::string corner;
  double supply = 0.0;       // V
  double temperature = 0.0;  // degC
  double middle = 0.0;       // V, of the bitline
  double read_pulse = 0.0;   // s, the longest
  double integration = 0.0;  // F
  double full_scale = 0.0;   // A: current that fills the longest pulse of the converter
  std::vector<TransferRow> transfer;
  std::vector<PulseRow> pulses;
  CellPolynomial polynomial;
  std::vector<WriteRow> write;
  std::vector<RetentionRow> retention;
  std::vector<PulseWidthRow> widths;
  std::vector<PulseConverterRow> converters;
  std::vector<EnergyRow> energy;
  std::vector<ColumnCheckRow> columns;  // of the nominal corner alone

  std::string path() const { return "/gain_cell/" + cell + "/" + corner; }
  /// True where `polynomial` rises over the stored range.
  bool monotone() const;
};

void write_gain_cell(H5::H5File& file, const GainCellTables& tables);

/// Throws FileError, with what the file does hold, where it has no such cell or corner or a table is absent or damaged.
GainCellTables read_gain_cell(const H5::H5File& file, const std::string& cell, const std::string& corner);

/// All of a file, by cell and corner; empty where it has none.
std::vector<GainCellTables> read_gain_cells(const H5::H5File& file);

}  // namespace flare::engine
