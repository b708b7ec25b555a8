// Accuracy of a model on a data set, attention on the arithmetic and the arrays asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "flare_arch/array/error_model.hpp"
#include "flare_arch/attention/conventional_attention.hpp"
#include "flare_arch/attention/integer_attention.hpp"
#include "flare_arch/models/dataset.hpp"
#include "flare_arch/models/transformer.hpp"

namespace flare::arch {

/// Arithmetic of the attention layers:
///   "float"    floating point
///   "uniform"  floating point, scores ignored    (how much the scores matter)
///   "removed"  no attention output               (how much attention matters)
///   "emsbq"    FLARE: eMSB-Q and VDR-Softmax on arrays
///   "int8"     conventional: int8 on arrays, dequantised and quantised again at every stage, float softmax
///   "qrazor_w4a8", "qrazor_w4a4", "qrazor_w4a8kv4", "qrazor_w4a4kv4"
///              significant data razoring, digital (no error models)
std::vector<std::string> quantizer_names();

/// Operand widths of a "qrazor_..." quantiser; false for another name.
bool qrazor_options(const std::string& quantizer, int group, QrazorOptions* options);

struct AccuracyOptions {
  std::string quantizer = "emsbq";
  /// Error models of the arrays that hold weights and of those that hold keys and values. Null: no errors.
  /// The SAWL of a model is the SAWL of its arrays.
  std::shared_ptr<const ErrorModel> weight_arrays, dynamic_arrays;
  ErrorMode mode = ErrorMode::read;
  ReadPath path = ReadPath::automatic;
  int repeats = 1;   // read mode: independent draws; die mode: dies. Without errors one is enough and made
  int examples = 0;  // test examples used, from the first; 0: all
  int calibration_examples = 64;  // training examples that fix static scales
  std::uint64_t seed = 1;
  int threads = 0;                    // 0: all
  IntegerAttentionOptions attention;  // widths, packing; rows per read come from the error models
  bool feed_forward = false;          // the feed-forward products lie on arrays (qrazor: are razored), too
  int qrazor_group = 16;              // values that share a flag
  std::function<void(std::int64_t done, std::int64_t total)> progress;  // called from one thread at a time
  std::stop_token stop;

  /// False, with the reason in `error`, for options that make no sense.
  bool is_valid(std::string* error) const;
};

/// What one example contributes to the metric, and its weight: right or not (top-1) over 1; the sum of -log p of its
/// tokens but the first (loss) over how many they are.
struct Score {
  double sum = 0, weight = 0;
};

/// One example's label and the model's answer: the class of the largest logit, of the last token in a language model.
struct Answer {
  std::int32_t label = -1, answer = -1;
  Score score;
};

struct AccuracyResult {
  std::vector<double> accuracies;            // of the repeats that finished: by the data set's metric
  std::vector<std::vector<Answer>> answers;  // of the same repeats, example by example
  double mean = 0;
  double standard_deviation = 0;  // between repeats, n - 1; 0 for one repeat
  std::int64_t examples = 0;
  bool stopped = false;  // the stop token ended the run before its last repeat
  AttentionCounters counters;
};

/// Throws std::invalid_argument for a label that the model has not.
Answer answer_of(const MatrixF& logits, const Example& example, Metric metric);
/// The share of examples, over all repeats of `result`, whose answer is that of `reference`'s first repeat.
double agreement_with(const AccuracyResult& reference, const AccuracyResult& result);

/// Throws std::invalid_argument for options that are not valid, and for a data set that the model cannot take. The numbers do not depend on `threads`.
AccuracyResult evaluate_accuracy(const Transformer& model, const Dataset& dataset,
                                 const AccuracyOptions& options);

}  // namespace flare::arch
