#include "flare_arch/models/accuracy.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>

#include "flare_arch/array/random_streams.hpp"
#include "flare_arch/attention/layer_arrays.hpp"
#include "flare_arch/attention/linear_layer.hpp"
#include "flare_arch/base/float_product.hpp"

namespace flare::arch {
namespace {

constexpr std::int64_t block_of_a_thread = 32;  // examples: what is lost at most when a run is killed

LayerSettings settings_of(const AccuracyOptions& options) {
  LayerSettings s{options.quantizer, options.attention, options.calibration_examples, options.feed_forward,
                  options.qrazor_group};
  // The SAWL of each kind of array is its error model's.
  if (options.weight_arrays) s.attention.stationary.rows_per_read = options.weight_arrays->rows_per_read;
  if (options.dynamic_arrays) s.attention.dynamic.rows_per_read = options.dynamic_arrays->rows_per_read;
  return s;
}

/// Runs the examples of one repeat over the threads; keeps the first exception and stops early on request.
class Repeat {
 public:
  Repeat(const Transformer& model, const Dataset& dataset, const LayerSet& layers,
         const AccuracyOptions& options, const std::vector<std::int64_t>& numbers, AttentionErrors errors)
      : model_(model),
        dataset_(dataset),
        layers_(layers),
        options_(options),
        numbers_(numbers),
        errors_(errors) {
    threads_ = options.threads > 0 ? options.threads : omp_get_max_threads();
  }

  /// Answers to `count` examples from the `first` of the sample; none where the run was stopped.
  AnswerBlock run(std::int64_t first, std::int64_t count, const std::function<void()>& done_one) {
    make_dies();
    AnswerBlock block;
    block.first = first;
    block.answers.resize(static_cast<std::size_t>(count));
    std::atomic<bool> quit = false;
    std::exception_ptr failure;
    std::int64_t failed_at = count;  // the first in order, whichever thread met its own first
    std::mutex mutex;
#pragma omp parallel for schedule(dynamic) num_threads(threads_)
    for (std::int64_t i = 0; i < count; ++i) {
      if (quit || options_.stop.stop_requested()) continue;
      try {
        AttentionCounters mine;
        block.answers[static_cast<std::size_t>(i)] =
            answer(numbers_[static_cast<std::size_t>(first + i)], mine);
        const std::lock_guard lock(mutex);
        block.counters += mine;
        done_one();
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < failed_at) {
          failure = std::current_exception();
          failed_at = i;
        }
        quit = true;
      }
    }
    if (failure) std::rethrow_exception(failure);
    if (options_.stop.stop_requested()) block.answers.clear();
    return block;
  }

  std::int64_t block_size() const { return block_of_a_thread * threads_; }

 private:
  void make_dies() {
    const bool random = errors_.stationary != nullptr || errors_.dynamic != nullptr;
    if (random && options_.mode == ErrorMode::die && dies_.empty())
      dies_ = layers_.make_dies(errors_, model_.spec().tokens());
  }

  Answer answer(std::int64_t index, AttentionCounters& counters) const {
    AttentionErrors errors = errors_;
    errors.counters = &counters;
    errors.first_token = static_cast<std::uint32_t>(index * model_.spec().tokens());
    const Example example = dataset_.test->example(index);
    try {
      const MatrixF logits = model_.logits(example, products(errors));
      Answer a = answer_of(logits, example, dataset_.metric);
      if (options_.reference) a.deviation = deviation_of(logits, *options_.reference->logits(index, example));
      return a;
    } catch (const std::invalid_argument& e) {
      throw std::invalid_argument(fmt::format("{}, example {}: {}", dataset_.name, index, e.what()));
    }
  }

  LayerProducts products(const AttentionErrors& errors) const {
    const auto here = [this, errors](int layer) {
      AttentionErrors e = errors;
      e.die = dies_.empty() ? nullptr : &dies_[static_cast<std::size_t>(layer)];
      return e;
    };
    LayerProducts products;
    products.attention = [this, here](int layer, const MatrixF& x) {
      return layers_.attention(layer).forward(x, here(layer));
    };
    if (options_.feed_forward)
      products.mlp = [this, here](int layer, MlpProduct which, const MatrixF& x) {
        const LinearLayer* linear = layers_.mlp(layer, which);
        return linear != nullptr ? linear->forward(x, here(layer))
                                 : product(x, model_.mlp(layer, which).weight);
      };
    return products;
  }

  const Transformer& model_;
  const Dataset& dataset_;
  const LayerSet& layers_;
  const AccuracyOptions& options_;
  const std::vector<std::int64_t>& numbers_;
  AttentionErrors errors_;
  std::vector<LayerDie> dies_;
  int threads_ = 1;
};

/// The answers of one repeat, block by block, from the store where it has them.
class RepeatAnswers {
 public:
  RepeatAnswers(Repeat& repeat, int number, const AccuracyOptions& options)
      : repeat_(repeat), number_(number), options_(options) {}

  /// False where the run was stopped.
  bool collect(std::int64_t examples, const std::function<void(std::int64_t)>& done) {
    while (static_cast<std::int64_t>(answers.size()) < examples) {
      const auto first = static_cast<std::int64_t>(answers.size());
      std::optional<AnswerBlock> block = recalled(first, examples - first);
      if (block) {
        done(static_cast<std::int64_t>(block->answers.size()));
      } else {
        block = repeat_.run(first, std::min(repeat_.block_size(), examples - first), [&] { done(1); });
        if (block->answers.empty()) return false;
        block->repeat = number_;
        if (options_.store != nullptr) options_.store->keep(*block);
      }
      answers.insert(answers.end(), block->answers.begin(), block->answers.end());
      counters += block->counters;
    }
    return true;
  }

  std::vector<Answer> answers;
  AttentionCounters counters;

 private:
  std::optional<AnswerBlock> recalled(std::int64_t first, std::int64_t most) const {
    if (options_.store == nullptr) return std::nullopt;
    std::optional<AnswerBlock> block = options_.store->recall(number_, first);
    if (block && (block->answers.empty() || static_cast<std::int64_t>(block->answers.size()) > most))
      return std::nullopt;
    return block;
  }

  Repeat& repeat_;
  int number_;
  const AccuracyOptions& options_;
};

/// In the order of the examples, whoever computed them.
double value_of(Metric metric, const std::vector<Answer>& answers) {
  const double value = metric_value(metric, answers);
  if (std::isnan(value) && metric == Metric::loss)
    throw std::invalid_argument("accuracy: no text has two tokens, nothing to predict");
  return value;
}

void summarise(AccuracyResult& result) {
  const auto n = static_cast<double>(result.accuracies.size());
  if (n == 0) return;
  double sum = 0, squares = 0;
  for (const double a : result.accuracies) sum += a;
  result.mean = sum / n;
  for (const double a : result.accuracies) squares += (a - result.mean) * (a - result.mean);
  result.standard_deviation = n > 1 ? std::sqrt(squares / (n - 1)) : 0;
}

}  // namespace

std::vector<std::int64_t> sample_of(std::int64_t all, std::int64_t wanted, std::uint64_t seed) {
  if (wanted >= all) {
    std::vector<std::int64_t> every(static_cast<std::size_t>(all));
    std::iota(every.begin(), every.end(), 0);
    return every;
  }
  // Floyd's algorithm (Bentley, Programming pearls, 1987): as many draws as examples, whatever the set's size.
  std::set<std::int64_t> chosen;
  UniformSequence uniform(StreamKey(seed, StreamPurpose::examples, 0), 0, 0, 0);
  for (std::int64_t last = all - wanted; last < all; ++last) {
    const auto drawn = static_cast<std::int64_t>(uniform.next() * static_cast<double>(last + 1));
    if (!chosen.insert(std::min(drawn, last)).second) chosen.insert(last);
  }
  return {chosen.begin(), chosen.end()};
}

std::uint64_t repeat_seed(std::uint64_t seed, int repeat) {
  const StreamKey key(seed, StreamPurpose::repeat, static_cast<std::uint32_t>(repeat));
  return (static_cast<std::uint64_t>(key.high) << 32) | key.low;
}

bool AccuracyOptions::is_valid(std::string* error) const {
  const auto fail = [&](const std::string& what) {
    if (error != nullptr) *error = what;
    return false;
  };
  const std::vector<std::string> names = quantizer_names();
  if (std::find(names.begin(), names.end(), quantizer) == names.end())
    return fail(fmt::format("unknown quantizer '{}'; known: {}", quantizer, fmt::join(names, ", ")));
  if (repeats < 1 || repeats > 10'000) return fail("repeats must be 1 to 10000");
  if (examples < 0) return fail("examples must not be negative");
  if (calibration_examples < 1) return fail("at least one calibration example is needed");
  if (qrazor_group < 1 || qrazor_group > 4096) return fail("the QRazor group must be 1 to 4096");
  if (threads < 0 || threads > 1024) return fail("threads must be 0 to 1024");
  if (!runs_on_arrays(quantizer) && (weight_arrays || dynamic_arrays))
    return fail(
        fmt::format("quantizer '{}' does not run on analog arrays and takes no error model", quantizer));
  for (const auto& m : {weight_arrays, dynamic_arrays})
    if (m && !m->is_valid(error)) return false;
  return true;
}

double agreement_with(const AccuracyResult& reference, const AccuracyResult& result) {
  if (reference.answers.empty()) throw std::invalid_argument("accuracy: nothing to agree with");
  const std::vector<Answer>& known = reference.answers.front();
  std::int64_t equal = 0, all = 0;
  for (const std::vector<Answer>& answers : result.answers)
    for (std::size_t i = 0; i < std::min(known.size(), answers.size()); ++i, ++all)
      equal += answers[i].answer == known[i].answer ? 1 : 0;
  return all > 0 ? static_cast<double>(equal) / static_cast<double>(all) : 0;
}

namespace {

void check_dataset(const Transformer& model, const Dataset& dataset) {
  if (dataset.test == nullptr || dataset.test->size() == 0)
    throw std::invalid_argument(dataset.name + ": no test examples");
  if (model.spec().is_language_model() && dataset.metric != Metric::loss)
    throw std::invalid_argument(dataset.name + ": a language model is scored on text without labels");
  if (!model.spec().is_language_model() && dataset.metric == Metric::loss &&
      dataset.test->example(0).label < 0)
    throw std::invalid_argument(dataset.name + ": no labels, the model classifies");
}

}  // namespace

Deviation mean_deviation(const AccuracyResult& result) {
  Deviation sum{0, 0};
  double all = 0;
  for (const std::vector<Answer>& answers : result.answers)
    for (const Answer& a : answers) {
      sum.divergence += a.deviation.divergence;
      sum.logit_error += a.deviation.logit_error;
      all += 1;
    }
  return {sum.divergence / all, sum.logit_error / all};
}

AccuracyResult evaluate_accuracy(const Transformer& model, const Dataset& dataset,
                                 const AccuracyOptions& options) {
  std::string error;
  if (!options.is_valid(&error)) throw std::invalid_argument("accuracy: " + error);
  check_dataset(model, dataset);
  const std::int64_t all = dataset.test->size();
  AccuracyResult result;
  result.numbers = sample_of(all, options.examples > 0 ? options.examples : all, options.seed);
  result.examples = static_cast<std::int64_t>(result.numbers.size());

  LayerCache own(model, dataset.train);
  const std::shared_ptr<const LayerSet> layers =
      (options.layers ? *options.layers : own).layers(settings_of(options));
  std::unique_ptr<const CodeSampler> stationary, dynamic;
  if (options.weight_arrays) stationary = std::make_unique<CodeSampler>(*options.weight_arrays);
  if (options.dynamic_arrays) dynamic = std::make_unique<CodeSampler>(*options.dynamic_arrays);
  const bool random = stationary || dynamic;
  const int repeats = random ? options.repeats : 1;
  std::int64_t done = 0;
  const auto progress = [&](std::int64_t more) {
    done += more;
    if (options.progress) options.progress(done, result.examples * repeats);
  };
  for (int r = 0; r < repeats && !result.stopped; ++r) {
    const AttentionErrors errors{.stationary = stationary.get(),
                                 .dynamic = dynamic.get(),
                                 .mode = options.mode,
                                 .path = options.path,
                                 .seed = repeat_seed(options.seed, r),
                                 .place = options.place};
    Repeat repeat(model, dataset, *layers, options, result.numbers, errors);
    RepeatAnswers answers(repeat, r, options);
    result.stopped = !answers.collect(result.examples, progress);
    if (result.stopped) break;
    result.counters += answers.counters;
    result.accuracies.push_back(value_of(dataset.metric, answers.answers));
    result.answers.push_back(std::move(answers.answers));
  }
  summarise(result);
  return result;
}

}  // namespace flare::arch
