// Tables of who carries the failures: shares of the variables in the squared distance of nearest failing points.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "analysis/converters/error_model.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

/// One variable in one nearest failing point. The shares of a point sum to 1.
struct CarrierRow {
  std::size_t k = 0;                      // of a column's level
  Direction direction = Direction::down;  // the way it is misread
  double distance = 0.0;                  // of the point, sigma
  std::string variable;
  double share = 0.0;
  double coordinate = std::numeric_limits<double>::quiet_NaN();  // of the point, sigma; NaN in earlier files
  /// d sigma / d ln area of its device, where the variable's sigma falls as the root of the gate area: the boundary is taken
  /// for a plane and the nominal circuit for unchanged, so that it is coordinate^2 / (2 distance). 0 of other variables.
  double area_slope = std::numeric_limits<double>::quiet_NaN();
  std::string spec = {};  // of a circuit
};

/// /points/.../carriers/ADC of a column. Nothing is written, and none read, where there are no rows.
void write_column_carriers(H5::H5File& file, const ModelKey& key, const std::vector<CarrierRow>& rows);
std::vector<CarrierRow> read_column_carriers(const H5::H5File& file, const ModelKey& key);

/// /points/CIRCUIT/CORNER/carriers of a circuit, by spec, without level and direction.
void write_circuit_carriers(H5::H5File& file, const std::string& circuit, const std::string& corner,
                            const std::vector<CarrierRow>& rows);
std::vector<CarrierRow> read_circuit_carriers(const H5::H5File& file, const std::string& circuit,
                                              const std::string& corner);

}  // namespace flare::analysis
