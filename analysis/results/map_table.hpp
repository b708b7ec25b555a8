// /map of the result file: every cell, SAWL and converter of a study with its error at the worst corner and what a read costs.
// Attribute `claim`: what somebody else has said of it.
#pragma once

#include <string>
#include <vector>

#include "analysis/tails/tail.hpp"
#include "engine/base/error_model_file.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

/// Not a number: not known, as of a converter that is a formula.
struct MapRow {
  engine::ModelKey key;  // with the worst corner
  double enob = 0.0;
  TailProbability error;
  bool passes = false;
  double column_energy =
      0.0;  // J a read takes from supply and word lines, mean over the levels; nominal corner
  double conversion_energy = 0.0;  // J
  double column_time = 0.0;        // s
  double conversion_time = 0.0;    // s
  double column_area = 0.0;        // m^2 of gates: rows that are read, and the sense end
  double converter_area = 0.0;     // m^2 of gates, trims included
  bool cheapest = false;           // least energy per row among those that pass

  /// J.
  double energy_per_row() const { return (column_energy + conversion_energy) / key.sawl; }
};

struct ResultMap {
  std::vector<MapRow> rows;
  std::string claim;
};

void write_map(H5::H5File& file, const ResultMap& map);
/// Empty where the file has none. Throws engine::FileError for a damaged one.
ResultMap read_map(const H5::H5File& file);

/// "Cheapest that holds 6 sigma: ...", or that none does; `target` as the study says it.
std::string cheapest_text(const ResultMap& map, const std::string& target);

}  // namespace flare::analysis
