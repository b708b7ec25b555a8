// Accuracy of a model on a data set, attention on the arithmetic and the arrays asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "flare_arch/array/error_model.hpp"
#include "flare_arch/models/answers.hpp"
#include "flare_arch/models/dataset.hpp"
#include "flare_arch/models/layer_set.hpp"
#include "flare_arch/models/reference_logits.hpp"
#include "flare_arch/models/transformer.hpp"

namespace flare::arch {

/// Answers to neighbouring examples of one repeat, and what their reads counted.
struct AnswerBlock {
  int repeat = 0;
  std::int64_t first = 0;  // example
  std::vector<Answer> answers;
  AttentionCounters counters;
};

/// Finished work that outlives the process: asked before a block is computed, told after.
class AnswerStore {
 public:
  virtual ~AnswerStore() = default;
  /// A block that begins with example `first`; nothing where none is known.
  virtual std::optional<AnswerBlock> recall(int repeat, std::int64_t first) = 0;
  virtual void keep(const AnswerBlock& block) = 0;
};

struct AccuracyOptions {
  std::string quantizer = "emsbq";
  /// Error models of the arrays that hold weights and of those that hold keys and values. Null: no errors.
  /// The SAWL of a model is the SAWL of its arrays.
  std::shared_ptr<const ErrorModel> weight_arrays, dynamic_arrays;
  ErrorMode mode = ErrorMode::read;
  ReadPath path = ReadPath::automatic;
  int repeats = 1;   // read mode: independent draws; die mode: dies. Without errors one is enough and made
  int examples = 0;  // test examples used, drawn by the seed (sample_of); 0: all
  int calibration_examples = 64;  // training examples that fix static scales
  std::uint64_t seed = 1;
  int threads = 0;                     // 0: all
  IntegerAttentionOptions attention;   // widths, packing; rows per read come from the error models
  bool feed_forward = false;           // the feed-forward products lie on arrays (qrazor: are razored), too
  int qrazor_group = 16;               // values that share a flag
  ErrorPlace place;                    // where errors fall: one layer, one operand, or everywhere
  std::shared_ptr<LayerCache> layers;  // prepared layers of this model; null: made for this call
  std::shared_ptr<const ReferenceLogits> reference;  // null: deviations from floating point are not computed
  AnswerStore* store = nullptr;                      // null: nothing is kept
  std::function<void(std::int64_t done, std::int64_t total)> progress;  // called from one thread at a time
  std::stop_token stop;

  /// False, with the reason in `error`, for options that make no sense.
  bool is_valid(std::string* error) const;
};

struct AccuracyResult {
  std::vector<double> accuracies;            // of the repeats that finished: by the data set's metric
  std::vector<std::vector<Answer>> answers;  // of the same repeats, example by example
  double mean = 0;
  double standard_deviation = 0;  // between repeats, n - 1; 0 for one repeat
  std::int64_t examples = 0;
  std::vector<std::int64_t> numbers;  // of the examples in their set, rising
  bool stopped = false;               // the stop token ended the run before its last repeat
  AttentionCounters counters;
};

/// `wanted` of the numbers 0 .. all - 1, every choice as likely as any other, rising; all of them where that is not more.
/// An example's own draws follow its number, so that its answer is the same in every sample.
std::vector<std::int64_t> sample_of(std::int64_t all, std::int64_t wanted, std::uint64_t seed);
/// Seed of repeat `repeat` (a draw or a die) of a run with `seed`.
std::uint64_t repeat_seed(std::uint64_t seed, int repeat);
/// The share of examples, over all repeats of `result`, whose answer is that of `reference`'s first repeat.
double agreement_with(const AccuracyResult& reference, const AccuracyResult& result);
/// Mean deviation of all answers of all repeats; NaN where they were not computed.
Deviation mean_deviation(const AccuracyResult& result);

/// Throws std::invalid_argument for options that are not valid, and for a data set that the model cannot take. The numbers do not depend on `threads`.
AccuracyResult evaluate_accuracy(const Transformer& model, const Dataset& dataset,
                                 const AccuracyOptions& options);

}  // namespace flare::arch
