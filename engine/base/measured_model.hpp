// A confusion matrix that was measured, as an error model: a CSV file of a few lines, or a matrix in an HDF5 file.
//
//   ## chip 7, 0.9 V, 27 degC                                          a comment
//   # reconstruct = 0, 1, 2, 3, 4, 5, 6, 7, 8                          what is known beside the matrix
//   0.999, 0.001, 0, 0, 0, 0, 0, 0, 0                                  P(code | k): row k = 0 .. SAWL,
//   0.001, 0.998, 0.001, 0, 0, 0, 0, 0, 0                              a column a code
//   ...
//
// Everything beside the matrix has a default, see MatrixDescription. What the file says and this does not know is
// an error that names all of it at once: a misspelt key is no default.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/error_model.hpp"

namespace flare::engine {

/// What is known beside a matrix. In a CSV file these are the keys of the lines `# key = value`, in an HDF5 file
/// the attributes of the dataset.
struct MatrixDescription {
  bool counts = false;  // the numbers are reads counted, not probabilities: rows are divided by their sums
  /// On-cells each code stands for; default: evenly from 0 to SAWL.
  std::optional<std::vector<double>> reconstruct;
  std::optional<std::vector<double>> thresholds;  // steps; default: half way between what codes stand for
  std::optional<std::vector<double>> level_mean;  // steps, of k = 0 .. SAWL; default: k
  std::optional<double> cell_sigma_step, off_cell_sigma_step;  // deviation of one cell; frozen; default: 0
  std::optional<double> threshold_offset_sigma_step;  // frozen; default: 0, or what the next line says
  std::optional<std::vector<double>> threshold_offset_sigmas_step;  // of each threshold, where they differ
  bool threshold_offset_common = false;                             // one draw moves all thresholds
  std::optional<double> read_noise_sigma_step;                      // drawn per read; default: 0
  std::optional<std::string> frozen, per_read;                      // what of the error is which, in words
  std::string status = "estimated";                                 // of the probabilities
  std::optional<int> sawl;                                          // checked against the number of rows
  std::string cell, adc, corner;                                    // names in tables; default: none
};

/// Names of the keys above, in that order.
const std::vector<std::string>& description_keys();

/// Sets the key `name` from a text ("5 %", "0.05 step", "0, 1, 2", "true"). Throws std::runtime_error with what was
/// expected, for an unknown name too.
void describe(MatrixDescription& description, const std::string& name, const std::string& text);

/// Sums of rows of probabilities may be off 1 by this much, as after rounding to six digits; such rows are divided by
/// their sums. Within 1e-9 they are taken as they stand.
inline constexpr double row_sum_tolerance = 1e-6;

/// The error model of a matrix of levels x codes. Throws std::runtime_error with everything that is wrong: rows
/// whose sum is not 1, entries that are no probabilities, lists of the wrong length, default codes that do not
/// stand for the levels that give them.
ErrorModel model_of_matrix(const Matrix& matrix, const MatrixDescription& description,
                           const std::string& name);

struct MeasuredModel {
  ErrorModel model;
  MatrixDescription description;
};

/// Throws FileError "file:line: what is wrong". At most 65 rows of 1024 codes.
MeasuredModel load_measured_model(const std::filesystem::path& csv);
/// The same from the text of a file; throws std::runtime_error "line: what is wrong" or "what is wrong".
MeasuredModel parse_measured_model(const std::string& text, const std::string& name);

}  // namespace flare::engine
