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
#include <stdexcept>

#include "flare_arch/array/random_streams.hpp"
#include "flare_arch/attention/layer_arrays.hpp"
#include "flare_arch/attention/linear_layer.hpp"
#include "flare_arch/base/float_product.hpp"

namespace flare::arch {
namespace {

/// What a model's layers run on. Feed-forward products that are null run in floating point.
struct Layers {
  std::vector<std::unique_ptr<AttentionLayer>> attention;
  std::array<std::vector<std::unique_ptr<LinearLayer>>, mlp_products.size()> mlp;
};

bool runs_on_arrays(const std::string& quantizer) { return quantizer == "emsbq" || quantizer == "int8"; }

const std::map<std::string, QrazorOptions>& qrazor_variants() {
  static const std::map<std::string, QrazorOptions> variants = {{"qrazor_w4a8", {4, 8, 8}},
                                                                {"qrazor_w4a4", {4, 4, 8}},
                                                                {"qrazor_w4a8kv4", {4, 8, 4}},
                                                                {"qrazor_w4a4kv4", {4, 4, 4}}};
  return variants;
}

/// Widths and packing as asked for; the SAWL of each kind of array is its error model's.
IntegerAttentionOptions array_options(const AccuracyOptions& options) {
  IntegerAttentionOptions o = options.attention;
  if (options.weight_arrays) o.stationary.rows_per_read = options.weight_arrays->rows_per_read;
  if (options.dynamic_arrays) o.dynamic.rows_per_read = options.dynamic_arrays->rows_per_read;
  return o;
}

std::unique_ptr<AttentionLayer> make_layer(const std::shared_ptr<const AttentionWeights>& weights, int layer,
                                           const std::vector<MatrixF>& calibration,
                                           const AccuracyOptions& options) {
  const std::string& q = options.quantizer;
  const IntegerAttentionOptions arrays = array_options(options);
  if (q == "emsbq") return std::make_unique<IntegerAttention>(*weights, layer, calibration, arrays);
  if (q == "int8") {
    const Int8Options int8{arrays.input_encoding, arrays.weight_encoding, arrays.stationary, arrays.dynamic};
    return std::make_unique<Int8Attention>(*weights, layer, int8);
  }
  QrazorOptions razored;
  if (qrazor_options(q, options.qrazor_group, &razored))
    return std::make_unique<QrazorAttention>(*weights, razored);
  const Ablation ablation = q == "uniform"   ? Ablation::uniform
                            : q == "removed" ? Ablation::removed
                                             : Ablation::none;
  return std::make_unique<FloatAttention>(weights, ablation);
}

std::unique_ptr<LinearLayer> make_linear(const MatrixF& weight, int layer, MlpProduct which,
                                         const std::vector<MatrixF>& calibration,
                                         const AccuracyOptions& options) {
  const int number = mlp_arrays + static_cast<int>(which);
  const IntegerAttentionOptions arrays = array_options(options);
  if (weight.size() == 0) return nullptr;
  if (options.quantizer == "emsbq")
    return std::make_unique<EmsbLinear>(weight, layer, number, calibration, arrays);
  if (options.quantizer == "int8")
    return std::make_unique<Int8Linear>(
        weight, layer, number, Int8Options{arrays.input_encoding, arrays.weight_encoding, arrays.stationary});
  QrazorOptions razored;
  if (qrazor_options(options.quantizer, options.qrazor_group, &razored))
    return std::make_unique<QrazorLinear>(weight, razored);
  return nullptr;
}

Layers make_layers(const Transformer& model, const Dataset& dataset, const AccuracyOptions& options) {
  const std::vector<std::vector<MatrixF>> none(model.spec().layers);
  LayerInputs inputs{none, {none, none, none}};
  if (options.quantizer == "emsbq")
    inputs = model.layer_inputs(*dataset.train, options.calibration_examples, options.feed_forward);
  Layers layers;
  for (int i = 0; i < model.spec().layers; ++i) {
    layers.attention.push_back(make_layer(model.shared_attention(i), i, inputs.attention[i], options));
    for (const MlpProduct which : mlp_products) {
      const auto at = static_cast<std::size_t>(which);
      layers.mlp[at].push_back(
          options.feed_forward ? make_linear(model.mlp(i, which).weight, i, which, inputs.mlp[at][i], options)
                               : nullptr);
    }
  }
  return layers;
}

/// What is frozen of a layer's arrays on a die.
LayerDie make_die(const Layers& layers, int layer, const AttentionErrors& errors, int tokens) {
  LayerDie die = layers.attention[layer]->make_die(errors, tokens);
  for (const auto& products : layers.mlp)
    if (products[layer] != nullptr) products[layer]->add_to(die, errors);
  return die;
}

std::uint64_t repeat_seed(std::uint64_t seed, int repeat) {
  const StreamKey key(seed, StreamPurpose::repeat, static_cast<std::uint32_t>(repeat));
  return (static_cast<std::uint64_t>(key.high) << 32) | key.low;
}

/// Runs the examples of one repeat over the threads; keeps the first exception and stops early on request.
class Repeat {
 public:
  Repeat(const Transformer& model, const Dataset& dataset, const Layers& layers,
         const AccuracyOptions& options)
      : model_(model), dataset_(dataset), layers_(layers), options_(options) {}

  /// Answers to the first `examples`; none where the run was stopped.
  std::vector<Answer> run(AttentionErrors errors, std::int64_t examples, const std::vector<LayerDie>& dies,
                          AttentionCounters& counters, const std::function<void(std::int64_t)>& done_one) {
    const int threads = options_.threads > 0 ? options_.threads : omp_get_max_threads();
    std::vector<Answer> answers(static_cast<std::size_t>(examples));
    std::atomic<bool> quit = false;
    std::exception_ptr failure;
    std::int64_t failed_at = examples;  // the first in order, whichever thread met its own first
    std::mutex mutex;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (std::int64_t i = 0; i < examples; ++i) {
      if (quit || options_.stop.stop_requested()) continue;
      try {
        AttentionCounters mine;
        answers[static_cast<std::size_t>(i)] = answer(i, errors, dies, mine);
        const std::lock_guard lock(mutex);
        counters += mine;
        done_one(i);
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
    if (options_.stop.stop_requested()) answers.clear();
    return answers;
  }

 private:
  Answer answer(std::int64_t index, AttentionErrors errors, const std::vector<LayerDie>& dies,
                AttentionCounters& counters) const {
    errors.counters = &counters;
    errors.first_token = static_cast<std::uint32_t>(index * model_.spec().tokens());
    const Example example = dataset_.test->example(index);
    const auto here = [&](int layer) {
      AttentionErrors e = errors;
      e.die = dies.empty() ? nullptr : &dies[layer];
      return e;
    };
    LayerProducts products;
    products.attention = [&](int layer, const MatrixF& x) {
      return layers_.attention[layer]->forward(x, here(layer));
    };
    if (options_.feed_forward)
      products.mlp = [&](int layer, MlpProduct which, const MatrixF& x) {
        const auto& linear = layers_.mlp[static_cast<std::size_t>(which)][layer];
        return linear != nullptr ? linear->forward(x, here(layer))
                                 : product(x, model_.mlp(layer, which).weight);
      };
    try {
      return answer_of(model_.logits(example, products), example, dataset_.metric);
    } catch (const std::invalid_argument& e) {
      throw std::invalid_argument(
          fmt::format("data set '{}', example {}: {}", dataset_.name, index, e.what()));
    }
  }

  const Transformer& model_;
  const Dataset& dataset_;
  const Layers& layers_;
  const AccuracyOptions& options_;
};

/// In the order of the examples, whoever computed them.
double mean_of(const std::vector<Answer>& answers) {
  Score all;
  for (const Answer& a : answers) {
    all.sum += a.score.sum;
    all.weight += a.score.weight;
  }
  if (!(all.weight > 0)) throw std::invalid_argument("accuracy: no text has two tokens, nothing to predict");
  return all.sum / all.weight;
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

std::vector<std::string> quantizer_names() {
  std::vector<std::string> names = {"float", "uniform", "removed", "emsbq", "int8"};
  for (const auto& [name, variant] : qrazor_variants()) names.push_back(name);
  return names;
}

bool qrazor_options(const std::string& quantizer, int group, QrazorOptions* options) {
  const auto at = qrazor_variants().find(quantizer);
  if (at == qrazor_variants().end()) return false;
  *options = at->second;
  options->group = group;
  return true;
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

Answer answer_of(const MatrixF& logits, const Example& example, Metric metric) {
  if (!logits.allFinite())
    throw std::runtime_error("accuracy: the model gives numbers that are not finite for an example");
  Answer a;
  Eigen::Index largest_at = 0;
  logits.row(logits.rows() - 1).maxCoeff(&largest_at);
  a.label = example.label;
  a.answer = static_cast<std::int32_t>(largest_at);
  if (metric == Metric::top1) {
    if (example.label < 0 || example.label >= logits.cols())
      throw std::invalid_argument(fmt::format("accuracy: label {} is not one of the model's {} classes",
                                              example.label, logits.cols()));
    a.score = {a.answer == a.label ? 1.0 : 0.0, 1};
    return a;
  }
  for (Eigen::Index t = 0; t + 1 < logits.rows(); ++t) {
    const Eigen::RowVectorXd row = logits.row(t).cast<double>();
    const double largest = row.maxCoeff();
    a.score.sum += largest + std::log((row.array() - largest).exp().sum()) - row(example.tokens[t + 1]);
    a.score.weight += 1;
  }
  return a;
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
    throw std::invalid_argument("accuracy: the data set has no test examples");
  if ((dataset.metric == Metric::loss) != model.spec().is_language_model())
    throw std::invalid_argument(model.spec().is_language_model()
                                    ? "accuracy: a language model is scored on text without labels"
                                    : "accuracy: the model classifies, the data set has no labels");
}

}  // namespace

AccuracyResult evaluate_accuracy(const Transformer& model, const Dataset& dataset,
                                 const AccuracyOptions& options) {
  std::string error;
  if (!options.is_valid(&error)) throw std::invalid_argument("accuracy: " + error);
  check_dataset(model, dataset);
  const std::int64_t all = dataset.test->size();
  AccuracyResult result;
  result.examples = options.examples > 0 ? std::min<std::int64_t>(options.examples, all) : all;

  const Layers layers = make_layers(model, dataset, options);
  std::unique_ptr<const CodeSampler> stationary, dynamic;
  if (options.weight_arrays) stationary = std::make_unique<CodeSampler>(*options.weight_arrays);
  if (options.dynamic_arrays) dynamic = std::make_unique<CodeSampler>(*options.dynamic_arrays);
  const bool random = stationary || dynamic;
  const int repeats = random ? options.repeats : 1;
  std::int64_t done = 0;
  for (int r = 0; r < repeats && !result.stopped; ++r) {
    AttentionErrors errors;
    errors.stationary = stationary.get();
    errors.dynamic = dynamic.get();
    errors.mode = options.mode;
    errors.path = options.path;
    errors.seed = repeat_seed(options.seed, r);
    std::vector<LayerDie> dies;
    if (random && options.mode == ErrorMode::die)
      for (int i = 0; i < model.spec().layers; ++i)
        dies.push_back(make_die(layers, i, errors, model.spec().tokens()));
    const auto progress = [&](std::int64_t) {
      ++done;
      if (options.progress) options.progress(done, result.examples * repeats);
    };
    std::vector<Answer> answers =
        Repeat(model, dataset, layers, options).run(errors, result.examples, dies, result.counters, progress);
    result.stopped = answers.empty();
    if (result.stopped) break;
    result.accuracies.push_back(mean_of(answers));
    result.answers.push_back(std::move(answers));
  }
  summarise(result);
  return result;
}

}  // namespace flare::arch
