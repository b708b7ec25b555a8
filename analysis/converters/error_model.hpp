// Makes the error model of a column with its converter from what a study found: fits of its levels and their tails.
// The model itself, and how it is written and read: engine/base/error_model.hpp, error_model_file.hpp.
#pragma once

#include <vector>

#include "analysis/converters/converter.hpp"
#include "engine/base/error_model_file.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

using engine::ErrorModel;
using engine::ModelKey;
using engine::read_error_model;
using engine::write_error_model;

/// Deviations of one cell from how the variance of a level grows with the number of on-cells:
/// var(level k) = k on^2 + (SAWL - k) off^2, least squares weighted by the variances' own errors, both >= 0.
struct CellDeviation {
  double on = 0.0;
  double off = 0.0;
};
/// `variances`: per k, any unit squared; `runs`: per k, the samples behind each.
CellDeviation cell_deviation(const std::vector<double>& variances, const std::vector<std::size_t>& runs);

/// Lengths in steps (one step = one on-cell).
ErrorModel make_error_model(const std::vector<LevelFit>& levels, const ReferenceLevels& reference,
                            const ConvertedPoint& point);

}  // namespace flare::analysis
