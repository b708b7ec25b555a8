// Who carries the failures: shares of the variables in the squared distance of the nearest failing points, as the
// result file holds them, summed over devices of the same role.
#pragma once

#include <H5Cpp.h>

#include <string>
#include <vector>

#include "analysis/converters/error_model.hpp"
#include "analysis/report/figure.hpp"

namespace flare::analysis {

/// One nearest failing point.
struct CarrierBar {
  std::string label;           // "7 up", or a corner
  double distance = 0.0;       // sigma
  std::vector<double> shares;  // by role; sums to 1
};

struct ReportCarriers {
  std::string subject;  // "sram8t, SAWL 8, flash, ss 0.81 V -40 degC"
  std::string name;     // of the figure: letters, digits, "_"
  /// "ma vth": parameter of a device, whatever cell it is in; largest share first.
  std::vector<std::string> roles;
  std::vector<CarrierBar> bars;
};

/// The carriers of a column's levels; no bars where the file holds none.
ReportCarriers column_carriers(const H5::H5File& file, const ModelKey& key);
/// The carriers of a circuit, a bar a corner.
ReportCarriers circuit_carriers(const H5::H5File& file, const std::string& circuit,
                                const std::vector<std::string>& corners);

/// Stacked bars. Throws FigureError.
ReportFigure carriers_figure(const ReportCarriers& carriers);

}  // namespace flare::analysis
