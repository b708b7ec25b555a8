// The last stage of a study: what the errors that remain do to a model. Reads the error models back from the
// result file, as any other user of the array simulator does.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "analysis/results/accuracy_table.hpp"
#include "flare_arch/models/accuracy.hpp"
#include "studies/column/column_study.hpp"
#include "studies/model/answer_journal.hpp"
#include "studies/model/array_spec.hpp"
#include "studies/model/shared_answers.hpp"

namespace flare::studies {

/// One evaluation: a row of /accuracy with what stands behind it.
struct AccuracyEvaluation : analysis::AccuracyRow {
  ArrayErrors weight_arrays, dynamic_arrays;       // of the arrays of weights; of those of keys and values
  arch::AttentionCounters counters;                // over all repeats and examples
  std::vector<std::vector<arch::Answer>> answers;  // [repeat][example]
  std::vector<std::int64_t> numbers;               // of the examples in their set
};

/// Their rows of /accuracy.
std::vector<analysis::AccuracyRow> table_rows(const std::vector<AccuracyEvaluation>& evaluations);

/// Evaluates one example without errors: throws engine::FileError or StudyError where the model or the data set cannot be
/// read, or do not fit each other, before hours are spent on the error models.
void check_accuracy_inputs(const AccuracyStudy& study);

/// Evaluates one model on one data set, one setting after the other, with the progress of all of them. What was prepared
/// for one setting serves the next; with a journal, what was answered before the process was killed is not asked again.
class AccuracyBench {
 public:
  /// Throws std::runtime_error for a model or data set that cannot be read. journal: empty for none. help: who else
  /// answers; null: nobody.
  AccuracyBench(const AccuracyStudy& study, std::uint64_t seed, Progress& progress, std::stop_token stop,
                const std::filesystem::path& journal = {}, AnswerHelp* help = nullptr);
  AccuracyBench(const AccuracyBench&) = delete;
  AccuracyBench& operator=(const AccuracyBench&) = delete;

  /// How many evaluations there will be, for the progress.
  void expect(std::size_t evaluations) { evaluations_ = evaluations; }
  /// Attention's widths, packing and rounding, and QRazor's group; the rest comes from the study.
  arch::AccuracyOptions& arithmetic() { return arithmetic_; }

  /// Without errors.
  AccuracyEvaluation evaluate(const std::string& quantizer);
  /// Under the errors of both kinds of arrays, in mode "read" or "die".
  AccuracyEvaluation evaluate(const std::string& quantizer, const ArrayErrors& weights,
                              const ArrayErrors& dynamic, const std::string& mode,
                              const arch::ErrorPlace& place = {});
  const arch::Transformer& model() const { return model_; }
  /// Examples of one draw or die.
  std::int64_t examples() const;
  /// Ends the stage; compares the rows with each other: p adjusted for all of them, floating point's value in each.
  void finish(std::vector<AccuracyEvaluation>& rows);

 private:
  AccuracyEvaluation run(arch::AccuracyOptions options);
  AccuracyEvaluation row_of(const arch::AccuracyOptions& options, const arch::AccuracyResult& result);

  AccuracyStudy study_;
  std::uint64_t seed_;
  Progress& progress_;
  std::stop_token stop_;
  arch::AccuracyOptions arithmetic_;
  arch::Transformer model_;
  arch::Dataset dataset_;
  std::shared_ptr<arch::LayerCache> layers_;
  std::shared_ptr<const arch::ReferenceLogits> reference_;
  std::unique_ptr<AnswerJournal> journal_;
  AnswerHelp* help_;
  std::size_t units_ = 0;     // draws and dies of the evaluations so far
  std::uint64_t inputs_ = 0;  // hash of the model's and the data set's files
  std::size_t evaluations_ = 1;
  std::size_t finished_ = 0;
  arch::AccuracyResult floating_;  // the answers that others are compared with
};

/// In floating point, quantised without errors, and under every error model of `keys` in every mode of the study. Arrays
/// that the study names by themselves err as named; FILE is found beside `folder`.
std::vector<AccuracyEvaluation> evaluate_verdict(AccuracyBench& bench, const AccuracyStudy& study,
                                                 const std::filesystem::path& models,
                                                 const std::filesystem::path& folder,
                                                 const std::vector<analysis::ModelKey>& keys);

/// In floating point, quantised without errors, and under the error model of the worst corner of every SAWL
/// in every mode asked for. `models` is the file that holds /error_models.
/// `journal`: where answers are kept while the stage runs; whoever writes the result removes it. `others`: processes that
/// answer, too; null: there are none.
std::vector<AccuracyEvaluation> run_accuracy_stage(const StudyRun& run, const std::filesystem::path& models,
                                                   const ColumnResult& column,
                                                   const std::filesystem::path& journal,
                                                   SharedAnswers* others = nullptr);

/// Answers the units of a task's share, and hands every block over as it is computed.
void answer_share(const AnswerTask& task,
                  const std::function<void(std::uint64_t key, const arch::AnswerBlock& block)>& computed);

}  // namespace flare::studies
