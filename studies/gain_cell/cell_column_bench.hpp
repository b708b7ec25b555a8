// A column of gain cells on the capacitor that integrates their currents: what cells by themselves do not tell, since the bitline moves.
#pragma once

#include <vector>

#include "studies/gain_cell/cell_bench.hpp"

namespace flare::studies {

/// Row r stores `levels[r]` (V) and is read for `widths[r]` (s; 0: not at all). All reads begin together.
struct CellColumnBench {
  GainCell cell;
  CellDrive drive;
  double park = 0.45;
  double capacitance = 8e-12;  // F
  std::vector<double> levels;
  std::vector<double> widths;
};

/// Measure "charge" (C): what the rows have drawn from the capacitor, half a nanosecond after the longest read.
engine::Testbench cell_column_testbench(const CellColumnBench& bench);

}  // namespace flare::studies
