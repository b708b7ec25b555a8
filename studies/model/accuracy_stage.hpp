// The last stage of a study: what the errors that remain do to a model. Reads the error models back from the
// result file, as any other user of the array simulator does.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/results/accuracy_table.hpp"
#include "flare_arch/models/accuracy.hpp"
#include "studies/column/column_study.hpp"
#include "studies/model/array_spec.hpp"

namespace flare::studies {

/// One evaluation: a row of /accuracy with what stands behind it.
struct AccuracyEvaluation : analysis::AccuracyRow {
  ArrayErrors weight_arrays, dynamic_arrays;       // of the arrays of weights; of those of keys and values
  arch::AttentionCounters counters;                // over all repeats and examples
  double agreement = 1;                            // share of answers that floating point gives, too
  std::vector<std::vector<arch::Answer>> answers;  // [repeat][example]
};

/// Their rows of /accuracy.
std::vector<analysis::AccuracyRow> table_rows(const std::vector<AccuracyEvaluation>& evaluations);

/// Evaluates one example without errors: throws engine::FileError or StudyError where the model or the data set cannot be
/// read, or do not fit each other, before hours are spent on the error models.
void check_accuracy_inputs(const AccuracyStudy& study);

/// Evaluates one model on one data set, one setting after the other, with the progress of all of them.
class AccuracyBench {
 public:
  /// `evaluations`: how many there will be. Throws std::runtime_error for a model or data set that cannot be read.
  AccuracyBench(const AccuracyStudy& study, std::uint64_t seed, Progress& progress, std::stop_token stop,
                std::size_t evaluations);

  /// Attention's widths, packing and rounding, and QRazor's group; the rest comes from the study.
  arch::AccuracyOptions& arithmetic() { return arithmetic_; }

  /// Without errors.
  AccuracyEvaluation evaluate(const std::string& quantizer);
  /// Under the errors of both kinds of arrays, in mode "read" or "die".
  AccuracyEvaluation evaluate(const std::string& quantizer, const ArrayErrors& weights,
                              const ArrayErrors& dynamic, const std::string& mode);
  const arch::Transformer& model() const { return model_; }
  void finish();

 private:
  AccuracyEvaluation run(arch::AccuracyOptions options);

  AccuracyStudy study_;
  std::uint64_t seed_;
  Progress& progress_;
  std::stop_token stop_;
  arch::AccuracyOptions arithmetic_;
  arch::Transformer model_;
  arch::Dataset dataset_;
  std::size_t evaluations_;
  std::size_t finished_ = 0;
  arch::AccuracyResult floating_;  // the answers that others are compared with; empty until there are any
};

/// In floating point, quantised without errors, and under every error model of `keys` in every mode of the study.
std::vector<AccuracyEvaluation> evaluate_verdict(AccuracyBench& bench, const AccuracyStudy& study,
                                                 const std::filesystem::path& models,
                                                 const std::vector<analysis::ModelKey>& keys);

/// In floating point, quantised without errors, and under the error model of the worst corner of every SAWL
/// in every mode asked for. `models` is the file that holds /error_models.
std::vector<AccuracyEvaluation> run_accuracy_stage(const StudyRun& run, const std::filesystem::path& models,
                                                   const ColumnResult& column);

}  // namespace flare::studies
