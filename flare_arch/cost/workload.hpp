// What a model asks of its arrays for one sequence: reads, conversions, rows, on-cells, and how long its stages are in
// cycles. Counted on data (workload_counts.hpp), or in closed form.
//
// The stages of a layer (FLARE, sections 2.2 and 4.5): keys and values of all tokens first, both from the same word lines;
// then token by token queries, logits, softmax, weighted sums, output, each a stage of a pipeline. A stage lasts as long
// as its slowest array: heads lie on arrays of their own. Query heads that share keys read them one after the other; the
// heads' blocks of the output projection share bit lines and are read one after the other.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "flare_arch/cost/architecture.hpp"
#include "flare_arch/cost/model_shape.hpp"

namespace flare::arch {

enum class Product { key, value, query, logits, weighted, output, gate, up, down };
constexpr int product_count = 9;
std::string_view to_string(Product product);
/// On arrays that hold weights; else keys or values.
constexpr bool on_weights(Product product) {
  return product != Product::logits && product != Product::weighted;
}

/// One product of one layer, for one sequence. Doubles: means over sequences.
struct ProductLoad {
  Product product = Product::key;
  // The arrays that hold it.
  double arrays = 0;   // parts one below another included
  double rows = 0;     // word lines in all arrays, parts one below another included
  double columns = 0;  // bit lines in all arrays: cells on one word line
  double cells = 0;
  double converters = 0;  // before columns share one: bit lines times parts
  // What happens on them.
  double cycles = 0;           // word-line activations: reads of all bit lines at once
  double fixed_cycles = 0;     // what fixed groups of SAWL rows would need
  double conversions = 0;      // reads of one bit line
  double driven_cells = 0;     // driven rows, dummies too, times bit lines
  double on_cells = 0;         // of them those that conduct, over all reads
  double scanned_rows = 0;     // word lines a controller looks at, over all reads
  double stage_cycles = 0;     // of the slowest array, over all tokens
  std::vector<double> levels;  // conversions by their number of on-cells, [k]
};

struct LayerLoad {
  std::vector<ProductLoad> products;
  double kv_cycles = 0;     // keys and values of all tokens
  double fused_cycles = 0;  // the pipeline from queries on, first token's way through included
  double fused_words = 0, unfused_words = 0;  // tensor words over the device's border
  double written_bits = 0;                    // keys and values into their cells
  double quantised = 0;                       // values that a quantiser makes
  double scores = 0;                          // values that go through the softmax
  double macs = 0;

  const ProductLoad* find(Product product) const;
};

struct Workload {
  ModelShape shape;
  std::string origin;  // "counted on digits.csv, 50 sequences" or "closed form"
  double tokens = 0;   // of a sequence
  double sequences = 1;
  std::vector<LayerLoad> layers;
};

/// How long `stages` take, [stage][token] in cycles, where a stage takes one token at a time and tokens go from stage to
/// stage: T(s, t) = max(T(s - 1, t), T(s, t - 1)) + c(s, t). For equal tokens: sum + (N - 1) max.
template <class Cycles>
Cycles pipeline_cycles(const std::vector<std::vector<Cycles>>& stages) {
  if (stages.empty()) return 0;
  std::vector<Cycles> done(stages.size(), 0);
  for (std::size_t t = 0; t < stages.front().size(); ++t)
    for (std::size_t s = 0; s < stages.size(); ++s)
      done[s] = (s > 0 && done[s - 1] > done[s] ? done[s - 1] : done[s]) + stages[s][t];
  return done.back();
}

/// Into how many parts, each with converters of its own, a product of `depth` rows is cut on an architecture.
int parts_of(const Architecture& architecture, Product product, int depth);

/// Arrays, traffic and digital work of a layer for `tokens` tokens; what is read stays 0.
LayerLoad layer_frame(const ModelShape& shape, const Architecture& architecture);

/// Reads by level where only sums are known: the binomial distribution over k = 0 ... sawl of their mean.
std::vector<double> binomial_levels(double reads, double on_cells, int sawl);

/// A read of every plane: bits * ceil(depth * density / SAWL), fixed groups bits * ceil(depth / SAWL); by parts and planes
/// as the architecture shares them out. A lower bound where BitSift keeps slices whole. Levels: binomial, of the mean number
/// of on-cells.
Workload closed_form(const ModelShape& shape, const Architecture& architecture, Bound bound = Bound::nominal);

/// Throws std::invalid_argument "key: what; remedy" for arrays that cannot hold the model as the architecture asks.
void check_fit(const ModelShape& shape, const Architecture& architecture);

}  // namespace flare::arch
