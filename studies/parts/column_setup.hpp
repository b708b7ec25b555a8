// What a study can say of a column besides how many word lines rise.
#pragma once

#include "studies/parts/cell.hpp"

namespace flare::studies {

/// Times in s, everything SI; the defaults are those of the shipped 8T column.
struct ColumnSetup {
  Cell cell;
  int rows = 128;                     // on the bitline, active ones included
  double wordline_ratio = 1.0;        // word-line high level over the supply: above 1 is a boosted word line
  double wire_capacitance = 0.3e-15;  // F per row: wire and contact, without the junctions (data/devices)
  double wire_resistance = 1.5;       // ohm per row
  double sense_capacitance = 10e-15;  // F: input of the converter
  double edge = 20e-12;               // of precharge-off (from t = 0), then of the word line, up and down
  double settle = 80e-12;             // from the end of the word line's last edge to the sense time
};

}  // namespace flare::studies
