#include "flare_arch/cost/workload_counts.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "flare_arch/attention/layer_arrays.hpp"
#include "flare_arch/attention/linear_layer.hpp"
#include "flare_arch/cost/layer_reads.hpp"
#include "flare_arch/models/accuracy.hpp"

namespace flare::arch {
namespace {

/// The arithmetic of a layer on its arrays of weights.
struct CountedLayer {
  std::unique_ptr<IntegerAttention> attention;
  std::array<std::unique_ptr<EmsbLinear>, mlp_products.size()> mlp;  // null: none, or not counted
};

std::vector<CountedLayer> make_layers(const Transformer& model, const Dataset& dataset, const Architecture& a,
                                      const CountOptions& options, bool mlp) {
  const IntegerAttentionOptions arithmetic = attention_options(a);
  const LayerInputs inputs = model.layer_inputs(*dataset.train, options.calibration_examples, mlp);
  std::vector<CountedLayer> layers(static_cast<std::size_t>(model.spec().layers));
  for (int i = 0; i < model.spec().layers; ++i) {
    CountedLayer& layer = layers[static_cast<std::size_t>(i)];
    layer.attention = std::make_unique<IntegerAttention>(
        model.attention(i), i, inputs.attention[static_cast<std::size_t>(i)], arithmetic);
    for (const MlpProduct which : mlp_products) {
      const MatrixF& weight = model.mlp(i, which).weight;
      const auto m = static_cast<std::size_t>(which);
      if (!mlp || weight.size() == 0) continue;
      layer.mlp[m] = std::make_unique<EmsbLinear>(weight, i, mlp_arrays + static_cast<int>(which),
                                                  inputs.mlp[m][static_cast<std::size_t>(i)], arithmetic);
    }
  }
  return layers;
}

/// One sequence through the model, every layer counted.
class SequenceCounter {
 public:
  SequenceCounter(const Transformer& model, const std::vector<CountedLayer>& layers, const ModelShape& shape,
                  const Architecture& a, bool mlp)
      : model_(model), layers_(layers), shape_(shape), a_(a), mlp_(mlp) {}

  std::vector<LayerTally> count(const Example& example) const {
    std::vector<LayerReads> reads(layers_.size(), LayerReads(shape_, a_));
    std::vector<AttentionCounters> simulated(layers_.size()), mlp(layers_.size());
    std::vector<std::int64_t> words(layers_.size(), 0);
    Eigen::Index tokens = 0;
    const auto observed = [&](std::size_t layer, std::vector<AttentionCounters>& counters) {
      AttentionErrors errors;
      errors.counters = &counters[layer];
      errors.observer = &reads[layer];
      return errors;
    };
    LayerProducts products;
    products.attention = [&](int layer, const MatrixF& x) {
      const auto i = static_cast<std::size_t>(layer);
      tokens = x.rows();
      return layers_[i].attention->forward(x, observed(i, simulated));
    };
    if (mlp_)
      products.mlp = [&](int layer, MlpProduct which, const MatrixF& x) {
        const auto i = static_cast<std::size_t>(layer);
        MatrixF y = layers_[i].mlp[static_cast<std::size_t>(which)]->forward(x, observed(i, mlp));
        // Fused: what comes in once, and what goes out.
        words[i] += which == MlpProduct::down ? y.size() : which == MlpProduct::up ? x.size() : 0;
        return y;
      };
    model_.logits(example, products);
    std::vector<LayerTally> tallies;
    for (std::size_t i = 0; i < reads.size(); ++i) {
      words[i] += simulated[i].tensor_words;
      simulated[i] += mlp[i];
      tallies.push_back(reads[i].finish(tokens, simulated[i]));
      tallies.back().tensor_words = words[i];
    }
    return tallies;
  }

 private:
  const Transformer& model_;
  const std::vector<CountedLayer>& layers_;
  const ModelShape& shape_;
  const Architecture& a_;
  bool mlp_;
};

void put(ProductLoad& load, const ProductTally& tally, double n) {
  load.cycles = static_cast<double>(tally.cycles) / n;
  load.fixed_cycles = static_cast<double>(tally.fixed_cycles) / n;
  load.conversions = static_cast<double>(tally.conversions) / n;
  load.driven_cells = static_cast<double>(tally.driven_cells) / n;
  load.on_cells = static_cast<double>(tally.on_cells()) / n;
  load.scanned_rows = static_cast<double>(tally.scanned_rows) / n;
  load.stage_cycles = static_cast<double>(tally.stage_cycles) / n;
  for (const std::int64_t reads : tally.levels) load.levels.push_back(static_cast<double>(reads) / n);
}

/// Means over `sequences` of what was counted, in the frame of the arrays.
LayerLoad mean_of(LayerTally& tally, const ModelShape& shape, const Architecture& a, std::int64_t sequences) {
  const auto n = static_cast<double>(sequences);
  LayerLoad layer = layer_frame(shape, a);
  for (ProductLoad& load : layer.products) put(load, tally.of(load.product), n);
  layer.kv_cycles = static_cast<double>(tally.kv_cycles) / n;
  layer.fused_cycles = static_cast<double>(tally.fused_cycles) / n;
  layer.fused_words = static_cast<double>(tally.tensor_words) / n;
  // Digital work and traffic go with the tokens that there were, or with their squares.
  const double tokens = static_cast<double>(tally.tokens) / n, met = static_cast<double>(tally.squares) / n;
  const double full = shape.tokens, full_met = shape.causal ? full * (full + 1) / 2 : full * full;
  const double scores = layer.scores, squares = 2 * scores;
  layer.quantised = (layer.quantised - scores) * tokens / full + scores * met / full_met;
  layer.unfused_words = (layer.unfused_words - squares) * tokens / full + squares * met / full_met;
  layer.written_bits *= tokens / full;
  const double products = 2 * full_met * shape.heads * shape.head();
  layer.macs = (layer.macs - products) * tokens / full + products * met / full_met;
  layer.scores = scores * met / full_met;
  return layer;
}

}  // namespace

IntegerAttentionOptions attention_options(const Architecture& a) {
  IntegerAttentionOptions o;
  o.activation_bits = a.activation_bits;
  o.kv_bits = a.kv_bits;
  o.weight_bits = a.weight_bits;
  o.probability_bits = a.probability_bits;
  o.stationary = {a.weights.sawl, a.slice_length, a.packing};
  o.dynamic = {a.dynamic.sawl, a.slice_length, a.packing};
  return o;
}

Workload count_workload(const Transformer& model, const Dataset& dataset, const Architecture& a,
                        const CountOptions& options) {
  if (dataset.test == nullptr || dataset.test->size() == 0 || dataset.train == nullptr ||
      dataset.train->size() == 0)
    throw std::invalid_argument("cost: the data set is empty");
  const ModelShape shape = shape_of_model(model.spec());
  check_fit(shape, a);
  const bool mlp = a.scope == Scope::encoder && shape.mlp_width > 0;
  const std::vector<CountedLayer> layers = make_layers(model, dataset, a, options, mlp);
  const SequenceCounter counter(model, layers, shape, a, mlp);
  const std::int64_t all = dataset.test->size();
  const std::vector<std::int64_t> numbers =
      sample_of(all, options.examples > 0 ? options.examples : all, options.seed);
  const auto n = static_cast<std::int64_t>(numbers.size());
  std::vector<LayerTally> sum(layers.size());
  std::mutex mutex;
  std::exception_ptr failure;
  std::atomic<bool> quit = false;
  std::int64_t done = 0;
  const int threads = options.threads > 0 ? options.threads : omp_get_max_threads();
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (std::int64_t i = 0; i < n; ++i) {
    if (quit || options.stop.stop_requested()) continue;
    try {
      const std::vector<LayerTally> mine =
          counter.count(dataset.test->example(numbers[static_cast<std::size_t>(i)]));
      const std::lock_guard lock(mutex);
      for (std::size_t l = 0; l < sum.size(); ++l) sum[l] += mine[l];
      if (options.progress) options.progress(++done, n);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      quit = true;
    }
  }
  if (failure) std::rethrow_exception(failure);
  if (options.stop.stop_requested()) throw CountStopped();
  Workload work;
  work.shape = shape;
  work.origin =
      fmt::format("counted on {}, {} sequences", std::filesystem::path(dataset.name).stem().string(), n);
  work.sequences = static_cast<double>(n);
  work.tokens = static_cast<double>(sum.front().tokens) / static_cast<double>(n);
  for (LayerTally& tally : sum) work.layers.push_back(mean_of(tally, shape, a, n));
  return work;
}

}  // namespace flare::arch
