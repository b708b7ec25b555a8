#include "flare_arch/cost/workload_counts.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "flare_arch/attention/layer_arrays.hpp"
#include "flare_arch/attention/linear_layer.hpp"
#include "flare_arch/attention/quantized_operand.hpp"
#include "flare_arch/cost/product_tally.hpp"
#include "flare_arch/models/accuracy.hpp"

namespace flare::arch {
namespace {

using Trace = IntegerAttention::Trace;
using Cycles = std::vector<std::int64_t>;

/// What is counted of one layer over all sequences.
struct LayerTally {
  std::array<ProductTally, product_count> products;
  std::int64_t kv_cycles = 0, fused_cycles = 0, tensor_words = 0, tokens = 0, squares = 0;

  ProductTally& of(Product product) { return products[static_cast<std::size_t>(product)]; }
  LayerTally& operator+=(const LayerTally& other) {
    for (std::size_t i = 0; i < products.size(); ++i) products[i] += other.products[i];
    kv_cycles += other.kv_cycles;
    fused_cycles += other.fused_cycles;
    tensor_words += other.tensor_words;
    tokens += other.tokens;
    squares += other.squares;
    return *this;
  }
};

/// Words as cells: row by row, a word's bits beside each other.
StoredCells stored_words(const MatrixI& words, const PlaneFormat& format) {
  StoredCells cells(words.rows(), words.cols() * format.planes());
  for (Eigen::Index r = 0; r < words.rows(); ++r)
    for (Eigen::Index c = 0; c < words.cols(); ++c)
      cells.store(r, c * format.planes(), format.pattern(words(r, c)));
  return cells;
}

StoredCells stored_weights(const MatrixF& weights, int bits) {
  return stored_words(absmax_tensor(weights, (1 << (bits - 1)) - 1).values,
                      {bits, Encoding::twos_complement});
}

/// The fixed parts of a layer: its arithmetic, and the cells of its weights.
struct CountedLayer {
  std::unique_ptr<IntegerAttention> attention;
  std::array<std::unique_ptr<EmsbLinear>, 3> mlp;
  std::array<StoredCells, product_count> cells;  // by product on weights
};

Product mlp_product_of(MlpProduct which) {
  return which == MlpProduct::gate ? Product::gate : which == MlpProduct::up ? Product::up : Product::down;
}

std::vector<CountedLayer> make_layers(const Transformer& model, const Dataset& dataset, const Architecture& a,
                                      const CountOptions& options, bool mlp) {
  const IntegerAttentionOptions arithmetic = attention_options(a);
  const LayerInputs inputs = model.layer_inputs(*dataset.train, options.calibration_examples, mlp);
  std::vector<CountedLayer> layers(static_cast<std::size_t>(model.spec().layers));
  for (int i = 0; i < model.spec().layers; ++i) {
    CountedLayer& layer = layers[static_cast<std::size_t>(i)];
    const AttentionWeights& w = model.attention(i);
    layer.attention =
        std::make_unique<IntegerAttention>(w, i, inputs.attention[static_cast<std::size_t>(i)], arithmetic);
    const auto keep = [&](Product product, const MatrixF& weight) {
      layer.cells[static_cast<std::size_t>(product)] = stored_weights(weight, a.weight_bits);
    };
    keep(Product::key, w.key);
    keep(Product::value, w.value);
    keep(Product::query, w.query);
    keep(Product::output, w.output);
    for (const MlpProduct which : mlp_products) {
      const MatrixF& weight = model.mlp(i, which).weight;
      const auto m = static_cast<std::size_t>(which);
      if (!mlp || weight.size() == 0) continue;
      layer.mlp[m] = std::make_unique<EmsbLinear>(weight, i, mlp_arrays + static_cast<int>(which),
                                                  inputs.mlp[m][static_cast<std::size_t>(i)], arithmetic);
      keep(mlp_product_of(which), weight);
    }
  }
  return layers;
}

/// Counts one layer of one sequence from what its attention computed on the way.
class LayerCounter {
 public:
  LayerCounter(const CountedLayer& layer, const ModelShape& shape, const Architecture& a, LayerTally& tally)
      : layer_(layer), shape_(shape), a_(a), tally_(tally) {}

  void add(const Trace& trace) {
    tokens_ = trace.words.rows();
    const Cycles kv = on_weights(Product::key, trace.key_inputs, a_.kv_bits);
    on_weights(Product::value, trace.key_inputs, a_.kv_bits);
    for (const std::int64_t c : kv) tally_.kv_cycles += c;
    std::vector<Cycles> stages = {on_weights(Product::query, trace.activations, a_.activation_bits)};
    stages.push_back(on_heads(Product::logits, trace));
    stages.emplace_back(static_cast<std::size_t>(tokens_), a_.softmax_cycles);
    stages.push_back(on_heads(Product::weighted, trace));
    stages.push_back(output(trace));
    stages_ = std::move(stages);
    tally_.tokens += tokens_;
    tally_.squares += shape_.causal ? tokens_ * (tokens_ + 1) / 2 : tokens_ * tokens_;
  }

  /// The feed-forward products: what the simulator counted, every token its mean.
  void add_mlp(Product product, const ArrayCounters& counters, Eigen::Index rows, Eigen::Index columns) {
    ProductTally& t = tally_.of(product);
    const ArrayChoice& array = a_.weights;
    const int parts = parts_of(a_, product, static_cast<int>(rows));
    t.cycles += counters.cycles;
    t.fixed_cycles += counters.fixed_cycles;
    t.conversions += counters.conversions;
    t.driven_cells += (counters.driven_rows + counters.dummy_rows) * columns;
    t.scanned_rows += counters.cycles * rows;
    const std::int64_t ones = layer_.cells[static_cast<std::size_t>(product)].ones();
    t.on_cells += counters.driven_rows * ones / std::max<std::int64_t>(1, rows);
    const std::int64_t shared = a_.sharing == Sharing::planes ? a_.copies : 1;
    const std::int64_t each = (counters.cycles * array.columns_per_converter + shared * parts * tokens_ - 1) /
                              (shared * parts * tokens_);
    t.stage_cycles += each * tokens_;
    if (product != Product::up || layer_.mlp[0] == nullptr)
      stages_.emplace_back(static_cast<std::size_t>(tokens_), each);
  }

  void finish() { tally_.fused_cycles += pipeline_cycles(stages_); }

 private:
  TallyPlan plan(Product product, int depth) const {
    const ArrayChoice& array = arch::on_weights(product) ? a_.weights : a_.dynamic;
    return {{array.sawl, a_.slice_length, a_.packing}, parts_of(a_, product, depth), a_.sharing, a_.copies};
  }

  /// Adds to what a stage takes, columns that share a converter after each other.
  Cycles staged(Product product, Cycles cycles) {
    const ArrayChoice& array = arch::on_weights(product) ? a_.weights : a_.dynamic;
    for (std::int64_t& c : cycles) {
      c *= array.columns_per_converter;
      tally_.of(product).stage_cycles += c;
    }
    return cycles;
  }

  Cycles on_weights(Product product, const MatrixI& inputs, int bits) {
    const StoredCells& cells = layer_.cells[static_cast<std::size_t>(product)];
    const TallyOperands operands{inputs,
                                 {bits, Encoding::twos_complement},
                                 [&](Eigen::Index) { return static_cast<int>(inputs.cols()); },
                                 [&](Eigen::Index) { return cells.lines(); },
                                 cells};
    return staged(product,
                  tally_reads(operands, plan(product, static_cast<int>(inputs.cols())), tally_.of(product)));
  }

  /// One head on its array of keys, or of values.
  Cycles on_head(Product product, const Trace& trace, int head) {
    const bool logits = product == Product::logits;
    const auto h = static_cast<std::size_t>(head);
    const MatrixI& inputs = logits ? trace.queries[h] : trace.probabilities[h];
    const Eigen::Index at = Eigen::Index{head / (shape_.heads / shape_.kv_heads())} * shape_.head();
    const PlaneFormat format{a_.kv_bits, Encoding::twos_complement};
    // A word line a feature of the keys, a token of the values.
    const MatrixI& words = logits ? trace.key : trace.value;
    const MatrixI own = words.block(0, at, tokens_, shape_.head());
    const StoredCells cells = stored_words(logits ? MatrixI(own.transpose()) : own, format);
    const auto met = [&](Eigen::Index token) { return shape_.causal ? token + 1 : tokens_; };
    const TallyOperands operands{
        inputs,
        logits ? PlaneFormat{a_.activation_bits, Encoding::twos_complement}
               : PlaneFormat{a_.probability_bits, Encoding::unsigned_binary},
        [&](Eigen::Index token) { return static_cast<int>(logits ? inputs.cols() : met(token)); },
        [&](Eigen::Index token) {
          return std::int64_t{format.planes()} * (logits ? met(token) : shape_.head());
        },
        cells};
    return tally_reads(operands, plan(product, static_cast<int>(inputs.cols())), tally_.of(product));
  }

  /// Heads of a group after each other, groups beside each other: the slowest counts.
  Cycles on_heads(Product product, const Trace& trace) {
    const int shared = shape_.heads / shape_.kv_heads();
    Cycles slowest(static_cast<std::size_t>(tokens_), 0);
    for (int group = 0; group < shape_.kv_heads(); ++group) {
      Cycles sum(slowest.size(), 0);
      for (int h = group * shared; h < (group + 1) * shared; ++h) {
        const Cycles head = on_head(product, trace, h);
        for (std::size_t t = 0; t < sum.size(); ++t) sum[t] += head[t];
      }
      for (std::size_t t = 0; t < sum.size(); ++t) slowest[t] = std::max(slowest[t], sum[t]);
    }
    return staged(product, std::move(slowest));
  }

  Cycles output(const Trace& trace) {
    Cycles sum(static_cast<std::size_t>(tokens_), 0);
    const StoredCells& cells = layer_.cells[static_cast<std::size_t>(Product::output)];
    for (std::size_t h = 0; h < trace.weighted.size(); ++h) {
      const MatrixI& inputs = trace.weighted[h];
      const TallyOperands operands{inputs,
                                   {a_.activation_bits, Encoding::twos_complement},
                                   [&](Eigen::Index) { return static_cast<int>(inputs.cols()); },
                                   [&](Eigen::Index) { return cells.lines(); },
                                   cells,
                                   static_cast<std::int64_t>(h) * inputs.cols()};
      const Cycles block = tally_reads(operands, plan(Product::output, static_cast<int>(inputs.cols())),
                                       tally_.of(Product::output));
      for (std::size_t t = 0; t < sum.size(); ++t) sum[t] += block[t];
    }
    return staged(Product::output, std::move(sum));
  }

  const CountedLayer& layer_;
  const ModelShape& shape_;
  const Architecture& a_;
  LayerTally& tally_;
  Eigen::Index tokens_ = 0;
  std::vector<Cycles> stages_;
};

/// The counts against the simulator's own. Cut arrays read otherwise than whole ones: nothing to hold them to.
void hold_to(const AttentionCounters& counters, LayerTally& tally, const Architecture& a) {
  if (a.sharing == Sharing::split || a.weights.word_lines > 0 || a.dynamic.word_lines > 0) return;
  const auto same = [](const ArrayCounters& c, std::initializer_list<const ProductTally*> parts) {
    ProductTally sum;
    for (const ProductTally* part : parts) sum += *part;
    return c.cycles == sum.cycles && c.fixed_cycles == sum.fixed_cycles && c.conversions == sum.conversions &&
           c.driven_rows == sum.driven_rows && c.dummy_rows == sum.dummy_rows;
  };
  const bool stationary = same(counters.stationary, {&tally.of(Product::key), &tally.of(Product::value),
                                                     &tally.of(Product::query), &tally.of(Product::output)});
  if (!stationary || !same(counters.dynamic, {&tally.of(Product::logits), &tally.of(Product::weighted)}))
    throw std::logic_error("cost: counted reads differ from the array simulator's counters");
}

/// One sequence through the model, every layer counted.
class SequenceCounter {
 public:
  SequenceCounter(const Transformer& model, const std::vector<CountedLayer>& layers, const ModelShape& shape,
                  const Architecture& a, bool mlp)
      : model_(model), layers_(layers), shape_(shape), a_(a), mlp_(mlp) {}

  std::vector<LayerTally> count(const Example& example) const {
    std::vector<LayerTally> tallies(layers_.size());
    std::vector<LayerCounter> counters;
    for (std::size_t i = 0; i < layers_.size(); ++i)
      counters.emplace_back(layers_[i], shape_, a_, tallies[i]);
    LayerProducts products;
    products.attention = [&](int layer, const MatrixF& x) {
      const auto i = static_cast<std::size_t>(layer);
      Trace trace;
      AttentionCounters simulated;
      AttentionErrors errors;
      errors.counters = &simulated;
      MatrixF y = layers_[i].attention->forward(x, errors, &trace);
      counters[i].add(trace);
      hold_to(simulated, tallies[i], a_);
      tallies[i].tensor_words += simulated.tensor_words;
      return y;
    };
    if (mlp_)
      products.mlp = [&](int layer, MlpProduct which, const MatrixF& x) {
        const auto i = static_cast<std::size_t>(layer);
        AttentionCounters simulated;
        AttentionErrors errors;
        errors.counters = &simulated;
        MatrixF y = layers_[i].mlp[static_cast<std::size_t>(which)]->forward(x, errors);
        counters[i].add_mlp(mlp_product_of(which), simulated.stationary, x.cols(), y.cols() * a_.weight_bits);
        tallies[i].tensor_words += which == MlpProduct::down ? y.size()
                                   : which == MlpProduct::up ? x.size()
                                                             : 0;
        return y;
      };
    model_.logits(example, products);
    for (LayerCounter& counter : counters) counter.finish();
    return tallies;
  }

 private:
  const Transformer& model_;
  const std::vector<CountedLayer>& layers_;
  const ModelShape& shape_;
  const Architecture& a_;
  bool mlp_;
};

/// Levels that were not counted, of the feed-forward part, are the binomial of their mean.
void put(ProductLoad& load, const ProductTally& tally, int sawl, double n) {
  load.cycles = static_cast<double>(tally.cycles) / n;
  load.fixed_cycles = static_cast<double>(tally.fixed_cycles) / n;
  load.conversions = static_cast<double>(tally.conversions) / n;
  load.driven_cells = static_cast<double>(tally.driven_cells) / n;
  load.on_cells = static_cast<double>(tally.on_cells) / n;
  load.scanned_rows = static_cast<double>(tally.scanned_rows) / n;
  load.stage_cycles = static_cast<double>(tally.stage_cycles) / n;
  load.levels = binomial_levels(load.conversions, load.on_cells, sawl);
  for (std::size_t k = 0; k < tally.levels.size(); ++k)
    load.levels[k] = static_cast<double>(tally.levels[k]) / n;
}

/// Means over `sequences` of what was counted, in the frame of the arrays.
LayerLoad mean_of(LayerTally& tally, const ModelShape& shape, const Architecture& a, std::int64_t sequences) {
  const auto n = static_cast<double>(sequences);
  LayerLoad layer = layer_frame(shape, a);
  for (ProductLoad& load : layer.products)
    put(load, tally.of(load.product), on_weights(load.product) ? a.weights.sawl : a.dynamic.sawl, n);
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
  work.origin = fmt::format("counted on {}, {} sequences", dataset.name, n);
  work.sequences = static_cast<double>(n);
  work.tokens = static_cast<double>(sum.front().tokens) / static_cast<double>(n);
  for (LayerTally& tally : sum) work.layers.push_back(mean_of(tally, shape, a, n));
  return work;
}

}  // namespace flare::arch
