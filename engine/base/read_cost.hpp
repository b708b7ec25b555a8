// What a read costs: beside the error model of the same column, converter and corner in a result file.
#pragma once

#include <H5Cpp.h>

#include <cmath>
#include <optional>
#include <vector>

#include "engine/base/error_model_file.hpp"

namespace flare::engine {

/// Of a nominal column and converter at a corner. NaN: not measured (a converter by formula has no circuit).
struct ReadCost {
  std::vector<double>
      column_energy;               // J a read of k on-cells takes from supply and word lines; k = 0 ... SAWL
  double column_time = NAN;        // s, from the precharge to a level that has settled
  double column_area = NAN;        // m^2 of gates: the rows that are read, and the sense end
  double conversion_energy = NAN;  // J
  double conversion_time = NAN;    // s
  double converter_area = NAN;     // m^2 of gates, trims included
};

/// As attributes of the model's matrix, which must be there.
void write_read_cost(H5::H5File& file, const ModelKey& key, const ReadCost& cost);

/// Nothing where the file does not say it. Throws FileError where it says something else.
std::optional<ReadCost> read_read_cost(const H5::H5File& file, const ModelKey& key);

}  // namespace flare::engine
