// The error model of a column with its converter, parts kept apart: what is frozen per die, what is drawn per
// read, and the confusion matrix they imply. Written to and read from a result file; lengths in steps (one
// step = one on-cell). Downstream programs read the names below.
#pragma once

#include <string>
#include <vector>

#include "analysis/converter.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

/// Which column, converter and corner.
struct ModelKey {
  std::string cell;  // "sram8t"
  int sawl = 0;
  std::string adc;     // the converter's name
  std::string corner;  // "tt_0.90V_27C"

  std::string point_path() const;  // /points/<cell>/sawl<N>/<corner>
  std::string model_path() const;  // /error_models/<cell>/sawl<N>/<adc>/<corner>
};

struct ErrorModel {
  engine::Matrix confusion;  // (SAWL + 1) x codes, P(code | k); rows sum to 1
  std::vector<double> reconstruct;
  std::vector<double> thresholds;
  std::vector<double> level_mean;
  double cell_sigma_step = 0.0;              // deviation of one on-cell; frozen
  double off_cell_sigma_step = 0.0;          // deviation of one off-cell; frozen
  double threshold_offset_sigma_step = 0.0;  // frozen
  double read_noise_sigma_step = 0.0;        // per read
  std::string frozen;                        // what of the error is frozen per die, in words
  std::string per_read;                      // what is drawn per read, in words
  std::string status;                        // of the worst level's error: "estimated", "extrapolated", ...
  double enob = 0.0;
  std::vector<double> p_wrong, p_wrong_low, p_wrong_high;  // per k
};

/// Deviations of one cell from how the variance of a level grows with the number of on-cells:
/// var(level k) = k on^2 + (SAWL - k) off^2, least squares weighted by the variances' own errors, both >= 0.
struct CellDeviation {
  double on = 0.0;
  double off = 0.0;
};
/// `variances`: per k, any unit squared; `runs`: per k, the samples behind each.
CellDeviation cell_deviation(const std::vector<double>& variances, const std::vector<std::size_t>& runs);

ErrorModel make_error_model(const std::vector<LevelFit>& levels, const ReferenceLevels& reference,
                            const ConvertedPoint& point);

void write_error_model(H5::H5File& file, const ModelKey& key, const ErrorModel& model);
/// Throws engine::FileError where it is absent or malformed (shapes, rows that do not sum to 1, negative
/// entries).
ErrorModel read_error_model(const H5::H5File& file, const ModelKey& key);

}  // namespace flare::analysis
