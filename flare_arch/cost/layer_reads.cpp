#include "flare_arch/cost/layer_reads.hpp"

#include <algorithm>
#include <initializer_list>
#include <stdexcept>

#include "flare_arch/attention/layer_arrays.hpp"
#include "flare_arch/models/transformer.hpp"

namespace flare::arch {
namespace {

Product product_of_mlp(int number) {
  switch (static_cast<MlpProduct>(number)) {
    case MlpProduct::gate:
      return Product::gate;
    case MlpProduct::up:
      return Product::up;
    default:
      return Product::down;
  }
}

/// A product, and which of the groups of heads that work beside each other.
struct Reader {
  Product product = Product::key;
  int group = 0;
};

Reader reader_of(int array, const ModelShape& shape) {
  const int shared = shape.heads / shape.kv_heads();
  switch (operand_of(array)) {
    case Operand::query:
      return {Product::query};
    case Operand::key:
      return {Product::key};
    case Operand::value:
      return {Product::value};
    case Operand::output:
      return {Product::output};  // the heads' blocks share bit lines
    case Operand::scores:
      return {Product::logits, (array - key_heads) / shared};
    case Operand::weighted:
      return {Product::weighted, (array - value_heads) / shared};
    default:
      return {product_of_mlp(array - mlp_arrays)};
  }
}

}  // namespace

LayerTally& LayerTally::operator+=(const LayerTally& other) {
  for (std::size_t i = 0; i < products.size(); ++i) products[i] += other.products[i];
  kv_cycles += other.kv_cycles;
  fused_cycles += other.fused_cycles;
  tensor_words += other.tensor_words;
  tokens += other.tokens;
  squares += other.squares;
  return *this;
}

LayerReads::LayerReads(const ModelShape& shape, const Architecture& architecture)
    : shape_(shape), a_(architecture) {}

void LayerReads::see(const ArrayJob& job, Eigen::Index token, TokenPlan& plan) {
  const Reader reader = reader_of(static_cast<int>(job.errors.array) % arrays_per_layer, shape_);
  std::vector<Cycles>& groups = cycles_[static_cast<std::size_t>(reader.product)];
  groups.resize(std::max(groups.size(), static_cast<std::size_t>(reader.group) + 1));
  Cycles& cycles = groups[static_cast<std::size_t>(reader.group)];
  cycles.resize(std::max(cycles.size(), static_cast<std::size_t>(job.inputs.rows())), 0);
  const TallyPlan shares{parts_of(a_, reader.product, job.array.depth()), a_.sharing, a_.copies};
  cycles[static_cast<std::size_t>(token)] += token_.add(job, token, plan, shares, tally_.of(reader.product));
}

/// Groups beside each other: the slowest counts. Columns that share a converter are read after each other.
LayerReads::Cycles LayerReads::stage_of(Product product, Eigen::Index tokens) {
  Cycles slowest(static_cast<std::size_t>(tokens), 0);
  for (const Cycles& group : cycles_[static_cast<std::size_t>(product)])
    for (std::size_t t = 0; t < slowest.size(); ++t) slowest[t] = std::max(slowest[t], group[t]);
  const ArrayChoice& array = on_weights(product) ? a_.weights : a_.dynamic;
  for (std::int64_t& cycles : slowest) {
    cycles *= array.columns_per_converter;
    tally_.of(product).stage_cycles += cycles;
  }
  return slowest;
}

void LayerReads::pipeline(Eigen::Index tokens) {
  const auto read = [&](Product product) { return !cycles_[static_cast<std::size_t>(product)].empty(); };
  std::vector<Cycles> stages;
  for (int p = 0; p < product_count; ++p) {
    const auto product = static_cast<Product>(p);
    if (!read(product)) continue;
    Cycles stage = stage_of(product, tokens);
    if (product == Product::value) continue;  // the same word lines as the keys
    if (product == Product::key) {
      for (const std::int64_t cycles : stage) tally_.kv_cycles += cycles;
      continue;
    }
    if (product == Product::up && read(Product::gate)) continue;  // the gate's word lines
    stages.push_back(std::move(stage));
    if (product == Product::logits) stages.emplace_back(static_cast<std::size_t>(tokens), a_.softmax_cycles);
  }
  tally_.fused_cycles = pipeline_cycles(stages);
}

void LayerReads::hold_to(const AttentionCounters& simulated) const {
  if (a_.sharing == Sharing::split || a_.weights.word_lines > 0 || a_.dynamic.word_lines > 0) return;
  for (const bool weights : {true, false}) {
    const ArrayCounters& counters = weights ? simulated.stationary : simulated.dynamic;
    ProductTally sum;
    for (int p = 0; p < product_count; ++p)
      if (on_weights(static_cast<Product>(p)) == weights) sum += tally_.of(static_cast<Product>(p));
    if (counters.cycles != sum.cycles || counters.fixed_cycles != sum.fixed_cycles ||
        counters.conversions != sum.conversions || counters.driven_rows != sum.driven_rows ||
        counters.dummy_rows != sum.dummy_rows)
      throw std::logic_error("cost: counted reads differ from the array simulator's counters");
  }
}

LayerTally LayerReads::finish(Eigen::Index tokens, const AttentionCounters& simulated) {
  hold_to(simulated);
  pipeline(tokens);
  tally_.tokens = tokens;
  tally_.squares = shape_.causal ? tokens * (tokens + 1) / 2 : tokens * tokens;
  return std::move(tally_);
}

}  // namespace flare::arch
