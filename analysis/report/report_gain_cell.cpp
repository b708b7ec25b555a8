#include "analysis/report/report_gain_cell.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/verdict/verdict.hpp"

namespace flare::analysis {
namespace {

using engine::GainCellTables;
using Cells = std::vector<GainCellTables>;

std::string scaled(double value, double unit, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value / unit, digits) : std::string("-");
}

/// From the lowest to the highest level, A.
double full_scale(const GainCellTables& t) {
  return t.transfer.empty() ? NAN : t.transfer.back().mean - t.transfer.front().mean;
}

TextTable transfer_table(const Cells& cells) {
  TextTable table{"Current drawn from the bitline",
                  {"cell, corner", "level", "V", "uA", "sigma uA", "% of full scale", "offset fC", "kick mV",
                   "cells", "unknown"},
                  {}};
  for (const GainCellTables& t : cells) {
    for (const engine::TransferRow& r : t.transfer) {
      table.rows.push_back({fmt::format("{}, {}", t.cell, corner_text(t.corner)), std::to_string(r.level),
                            scaled(r.voltage, 1, 3), scaled(r.mean, 1e-6, 3), scaled(r.sigma, 1e-6, 3),
                            scaled(100.0 * r.sigma / full_scale(t), 1, 2), scaled(r.offset, 1e-15, 3),
                            scaled(r.kick, 1e-3, 1), std::to_string(r.runs), std::to_string(r.unknown)});
    }
  }
  return table;
}

TextTable polynomial_table(const Cells& cells) {
  TextTable table{"Cubic in v less half the supply, uA/V^i, mean and sigma",
                  {"cell, corner", "g0", "g1", "g2", "g3", "off it, % of full scale", "rises"},
                  {}};
  for (const GainCellTables& t : cells) {
    std::vector<std::string> row{fmt::format("{}, {}", t.cell, corner_text(t.corner))};
    for (std::size_t i = 0; i < engine::cubic_terms; ++i) {
      const auto at = static_cast<Eigen::Index>(i);
      row.push_back(fmt::format("{} ± {}", scaled(t.polynomial.g[i], 1e-6, 3),
                                scaled(std::sqrt(t.polynomial.covariance(at, at)), 1e-6, 3)));
    }
    row.push_back(scaled(100.0 * t.polynomial.residual / full_scale(t), 1, 2));
    row.push_back(t.monotone() ? "yes" : "no");
    table.rows.push_back(std::move(row));
  }
  return table;
}

TextTable hold_table(const Cells& cells) {
  TextTable table{"Lost of a level, mV: by its write, then over time",
                  {"cell, corner", "level", "V", "write", "sigma"},
                  {}};
  std::vector<double> times;
  for (const GainCellTables& t : cells) {
    for (const engine::RetentionRow& r : t.retention) {
      if (std::find(times.begin(), times.end(), r.time) == times.end()) times.push_back(r.time);
    }
  }
  for (const double time : times) {
    table.head.push_back(fmt::format("{:.3g} ms", time * 1e3));
    table.head.push_back("sigma");
  }
  for (const GainCellTables& t : cells) {
    for (const engine::WriteRow& w : t.write) {
      std::vector<std::string> row{fmt::format("{}, {}", t.cell, corner_text(t.corner)),
                                   std::to_string(w.level), scaled(w.target, 1, 3),
                                   scaled(w.target - w.mean, 1e-3, 2), scaled(w.sigma, 1e-3, 2)};
      row.resize(table.head.size(), "-");
      for (const engine::RetentionRow& r : t.retention) {
        if (r.level != w.level) continue;
        const auto at = std::find(times.begin(), times.end(), r.time) - times.begin();
        row[static_cast<std::size_t>(5 + 2 * at)] = scaled(w.target - r.mean, 1e-3, 2);
        row[static_cast<std::size_t>(6 + 2 * at)] = scaled(r.sigma, 1e-3, 2);
      }
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

TextTable converter_table(const Cells& cells) {
  TextTable table{
      "Charge to pulse: width = gain |charge| / full scale + offset",
      {"cell, corner", "mode", "gain", "sigma", "offset ns", "sigma", "INL ps", "converters", "unknown"},
      {}};
  for (const GainCellTables& t : cells) {
    for (const engine::PulseConverterRow& r : t.converters) {
      table.rows.push_back({fmt::format("{}, {}", t.cell, corner_text(t.corner)), r.mode,
                            scaled(r.gain, 1, 4), scaled(r.gain_sigma, 1, 4), scaled(r.offset, 1e-9, 3),
                            scaled(r.offset_sigma, 1e-9, 3), scaled(r.inl, 1e-12, 1), std::to_string(r.runs),
                            std::to_string(r.unknown)});
    }
  }
  return table;
}

TextTable energy_table(const Cells& cells) {
  TextTable table{"Energy (a token: attention of one head, d 64, over a window of 1,024)",
                  {"cell, corner", "write fJ", "read fJ", "rectifier fJ", "signed fJ", "token pJ"},
                  {}};
  for (const GainCellTables& t : cells) {
    std::vector<std::string> row{fmt::format("{}, {}", t.cell, corner_text(t.corner))};
    for (const char* use : {"write", "read", "rectifier", "signed", "token"}) {
      double energy = NAN;
      for (const engine::EnergyRow& r : t.energy) {
        if (r.use == use) energy = r.energy;
      }
      const bool token = std::string_view(use) == "token";
      row.push_back(scaled(energy, token ? 1e-12 : 1e-15, 2));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

TextTable column_table(const Cells& cells) {
  TextTable table{"Columns of 64 rows against the sum of their cells",
                  {"cell, corner", "column", "cells fC", "column fC", "less, %", "less, % of full scale"},
                  {}};
  for (const GainCellTables& t : cells) {
    const double full = t.full_scale * t.read_pulse;
    for (const engine::ColumnCheckRow& r : t.columns) {
      table.rows.push_back({fmt::format("{}, {}", t.cell, corner_text(t.corner)), std::to_string(r.pattern),
                            scaled(r.sum, 1e-15, 1), scaled(r.charge, 1e-15, 1),
                            scaled(100.0 * (1.0 - r.charge / r.sum), 1, 2),
                            scaled(100.0 * (r.sum - r.charge) / full, 1, 2)});
    }
  }
  return table;
}

}  // namespace

std::vector<TextTable> gain_cell_tables(const Cells& cells) {
  if (cells.empty()) return {};
  std::vector<TextTable> tables{transfer_table(cells), polynomial_table(cells), hold_table(cells),
                                converter_table(cells), energy_table(cells)};
  TextTable columns = column_table(cells);
  if (!columns.rows.empty()) tables.push_back(std::move(columns));
  return tables;
}

}  // namespace flare::analysis
