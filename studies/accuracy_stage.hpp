// The last stage of a study: what the errors that remain do to a model. Reads the error models back from the
// result file, as any other user of the array simulator does.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "studies/column_study.hpp"

namespace flare::studies {

/// One row of /accuracy.
struct AccuracyRow {
  std::string model, dataset, quantizer, cell;
  int sawl = 0;                   // 0: no array
  std::string adc, corner, mode;  // empty where there are no errors
  int repeats = 1;
  std::int64_t examples = 0;
  double mean = 0.0;
  double std = 0.0;
  double in_float = 0.0;
};

/// In floating point, quantised without errors, and under the error model of the worst corner of every SAWL
/// in every mode asked for. `models` is the file that holds /error_models.
std::vector<AccuracyRow> run_accuracy_stage(const StudyRun& run, const std::filesystem::path& models,
                                            const ColumnResult& column);

void write_accuracy(H5::H5File& file, const std::vector<AccuracyRow>& rows);

}  // namespace flare::studies
