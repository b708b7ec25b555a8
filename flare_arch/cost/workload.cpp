#include "flare_arch/cost/workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "flare_arch/array/bit_planes.hpp"

namespace flare::arch {
namespace {

double planes_of(int bits) { return PlaneFormat{bits, Encoding::twos_complement}.planes(); }

const ArrayChoice& array_of(const Architecture& a, Product product) {
  return on_weights(product) ? a.weights : a.dynamic;
}

std::vector<Product> products_of(const ModelShape& shape, const Architecture& a) {
  std::vector<Product> products = {Product::key,    Product::value,    Product::query,
                                   Product::logits, Product::weighted, Product::output};
  if (a.scope != Scope::encoder || shape.mlp_width == 0) return products;
  if (shape.gated) products.push_back(Product::gate);
  products.push_back(Product::up);
  products.push_back(Product::down);
  return products;
}

/// Rows, columns of words and bits of one array of a product, and how many arrays there are.
struct ArrayForm {
  int depth, words, bits, arrays;
};

ArrayForm form_of(const ModelShape& s, const Architecture& a, Product product) {
  const int queries = s.heads * s.head(), keys = s.kv_heads() * s.head();
  switch (product) {
    case Product::key:
    case Product::value:
      return {s.width, keys, a.weight_bits, 1};
    case Product::query:
      return {s.width, queries, a.weight_bits, 1};
    case Product::logits:
      return {s.head(), s.tokens, a.kv_bits, s.kv_heads()};
    case Product::weighted:
      return {s.tokens, s.head(), a.kv_bits, s.kv_heads()};
    case Product::output:
      return {queries, s.width, a.weight_bits, 1};
    case Product::down:
      return {s.mlp_width, s.width, a.weight_bits, 1};
    default:
      return {s.width, s.mlp_width, a.weight_bits, 1};
  }
}

ProductLoad frame_of(const ModelShape& shape, const Architecture& a, Product product) {
  const ArrayForm form = form_of(shape, a, product);
  const int parts = parts_of(a, product, form.depth);
  ProductLoad load;
  load.product = product;
  load.arrays = double(form.arrays) * parts;
  load.rows = double(form.depth) * form.arrays;
  load.columns = form.words * planes_of(form.bits) * form.arrays;
  load.cells = load.columns * form.depth;
  load.converters = load.columns * parts;
  return load;
}

}  // namespace

std::string_view to_string(Product product) {
  constexpr std::array<std::string_view, product_count> names = {
      "key", "value", "query", "logits", "weighted", "output", "gate", "up", "down"};
  return names[static_cast<std::size_t>(product)];
}

const ProductLoad* LayerLoad::find(Product product) const {
  const auto at = std::find_if(products.begin(), products.end(),
                               [&](const ProductLoad& load) { return load.product == product; });
  return at == products.end() ? nullptr : &*at;
}

int parts_of(const Architecture& a, Product product, int depth) {
  const ArrayChoice& array = array_of(a, product);
  const int tiles = array.word_lines > 0 ? (depth + array.word_lines - 1) / array.word_lines : 1;
  return std::max(tiles, a.sharing == Sharing::split ? std::min(a.copies, depth) : 1);
}

std::vector<double> binomial_levels(double reads, double on_cells, int sawl) {
  std::vector<double> levels(static_cast<std::size_t>(sawl) + 1, 0);
  if (!(reads > 0)) return levels;
  const double p = std::clamp(on_cells / reads / sawl, 0.0, 1.0);
  for (int k = 0; k <= sawl; ++k) {
    const double choose =
        std::exp(std::lgamma(sawl + 1.0) - std::lgamma(k + 1.0) - std::lgamma(sawl - k + 1.0));
    levels[static_cast<std::size_t>(k)] = reads * choose * std::pow(p, k) * std::pow(1 - p, sawl - k);
  }
  return levels;
}

void check_fit(const ModelShape& shape, const Architecture& a) {
  for (const Product product : products_of(shape, a)) {
    const ArrayForm form = form_of(shape, a, product);
    const ArrayChoice& array = array_of(a, product);
    if (array.word_lines == 0 || !array.full_parallelism || array.word_lines >= form.depth) continue;
    throw std::invalid_argument(
        fmt::format("arrays.{}.word_lines: {} word lines cannot hold the {} rows of {} at full parallelism; "
                    "give at least {}, "
                    "or set full_parallelism = false to cut it into arrays one below another",
                    on_weights(product) ? "weights" : "dynamic", array.word_lines, form.depth,
                    to_string(product), form.depth));
  }
}

LayerLoad layer_frame(const ModelShape& shape, const Architecture& a) {
  LayerLoad layer;
  for (const Product product : products_of(shape, a)) layer.products.push_back(frame_of(shape, a, product));
  const double n = shape.tokens, h = shape.heads, d = shape.width, q = h * shape.head(),
               kv = double(shape.kv_heads()) * shape.head();
  const double met = shape.causal ? n * (n + 1) / 2 : n * n;
  const bool mlp = layer.find(Product::up) != nullptr;
  layer.fused_words = 3 * n * d + (mlp ? 2 * n * d : 0);
  layer.unfused_words = 2 * n * d + 2 * h * met + (2 * q + 2 * kv) * n +
                        (mlp ? 2 * n * (d + shape.mlp_width * (shape.gated ? 2.0 : 1.0)) : 0);
  layer.written_bits = 2 * n * kv * planes_of(a.kv_bits);
  layer.quantised = n * (2 * d + 2 * q + 2 * kv) + h * met + (mlp ? n * (d + shape.mlp_width) : 0);
  layer.scores = h * met;
  layer.macs = shape.macs(mlp);
  return layer;
}

namespace {

/// The closed form of one product of one token.
struct TokenReads {
  double cycles = 0;  // of one array, all parts
  double fixed = 0;
  double slowest = 0;  // as the parts and planes are shared out
};

TokenReads reads_of(const Architecture& a, int sawl, int bits, int depth, int parts, double density) {
  const int part = (depth + parts - 1) / parts, whole = depth / part, rest = depth % part;
  // A density such as 0.1 has no exact double: a product that is whole must not be rounded up.
  const auto sifted = [&](int rows) {
    return std::ceil((a.packing == Packing::fixed ? rows : rows * density) / sawl - 1e-9);
  };
  const auto fixed = [&](int rows) { return std::ceil(double(rows) / sawl); };
  const int rounds = a.sharing == Sharing::planes ? (bits + a.copies - 1) / a.copies : bits;
  return {bits * (whole * sifted(part) + sifted(rest)), bits * (whole * fixed(part) + fixed(rest)),
          rounds * sifted(part)};
}

struct Fed {
  int bits;
  double density;
};

Fed fed_to(const Architecture& a, Product product, Bound bound) {
  const auto density = [&](const char* name) { return std::min(1.0, a.parameters.at(name, bound)); };
  switch (product) {
    case Product::key:
    case Product::value:
      return {a.kv_bits, density("input_ones")};
    case Product::logits:
      return {a.activation_bits, density("query_ones")};
    case Product::weighted:
      return {a.probability_bits, density("score_ones")};
    case Product::output:
      return {a.activation_bits, density("output_ones")};
    case Product::down:
      return {a.activation_bits, density("hidden_ones")};
    default:
      return {a.activation_bits, density("input_ones")};
  }
}

/// Adds one token; returns how long its stage is.
double add_token(ProductLoad& load, const ModelShape& shape, const Architecture& a, int token, Bound bound) {
  const ArrayForm form = form_of(shape, a, load.product);
  const Fed fed = fed_to(a, load.product, bound);
  const ArrayChoice& array = array_of(a, load.product);
  const int met = shape.causal ? token + 1 : shape.tokens;
  const bool logits = load.product == Product::logits, weighted = load.product == Product::weighted;
  const bool blocks = load.product == Product::output;  // one a head
  const int depth = weighted ? met : blocks ? shape.head() : form.depth;
  // Reads of one array, how many arrays read at once, and how often after each other.
  const int turns = logits || weighted ? shape.heads / shape.kv_heads() : blocks ? shape.heads : 1;
  const TokenReads reads =
      reads_of(a, array.sawl, fed.bits, depth, parts_of(a, load.product, depth), fed.density);
  const double columns = (logits ? met : form.words) * planes_of(form.bits);
  const double cycles = reads.cycles * turns * form.arrays;
  load.cycles += cycles;
  load.fixed_cycles += reads.fixed * turns * form.arrays;
  load.conversions += cycles * columns;
  load.driven_cells += cycles * columns * array.sawl;
  const double ones = fed.bits * depth * fed.density * turns * form.arrays;
  load.on_cells += ones * columns * a.parameters.at("cell_ones", bound);
  load.scanned_rows += cycles * depth;
  const double slowest = reads.slowest * turns * array.columns_per_converter;
  load.stage_cycles += slowest;
  return slowest;
}

}  // namespace

Workload closed_form(const ModelShape& shape, const Architecture& a, Bound bound) {
  check_fit(shape, a);
  Workload work;
  work.shape = shape;
  work.origin = "closed form";
  work.tokens = shape.tokens;
  LayerLoad layer = layer_frame(shape, a);
  const auto n = static_cast<std::size_t>(shape.tokens);
  std::vector<std::vector<double>> stages;
  for (ProductLoad& load : layer.products) {
    std::vector<double> tokens(n);
    for (std::size_t t = 0; t < n; ++t) tokens[t] = add_token(load, shape, a, static_cast<int>(t), bound);
    load.levels = binomial_levels(load.conversions, load.on_cells, array_of(a, load.product).sawl);
    if (load.product == Product::value) continue;  // the same word lines as the keys
    if (load.product == Product::key) {
      for (const double cycles : tokens) layer.kv_cycles += cycles;
      continue;
    }
    if (load.product == Product::up && layer.find(Product::gate) != nullptr)
      continue;  // the gate's word lines
    stages.push_back(std::move(tokens));
    if (load.product == Product::logits) stages.emplace_back(n, a.softmax_cycles);
  }
  layer.fused_cycles = pipeline_cycles(stages);
  work.layers.assign(static_cast<std::size_t>(shape.layers), layer);
  return work;
}

}  // namespace flare::arch
