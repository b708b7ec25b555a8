#include "flare_arch/attention/conventional_attention.hpp"

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "flare_arch/attention/layer_arrays.hpp"
#include "flare_arch/quantizers/sdr.hpp"

namespace flare::arch {
namespace {

/// Integers, and what one of them is worth in each row.
struct Rows {
  MatrixI values;
  std::vector<double> scales;
};

/// Absmax, symmetric, one scale per row; `top` is the largest integer.
Rows absmax_rows(const MatrixF& x, double top) {
  Rows r{MatrixI(x.rows(), x.cols()), {}};
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    const double largest = x.row(i).cwiseAbs().maxCoeff();
    r.scales.push_back(largest > 0 ? largest / top : 1.0);
    for (Eigen::Index c = 0; c < x.cols(); ++c)
      r.values(i, c) = static_cast<std::int32_t>(std::lrint(x(i, c) / r.scales.back()));
  }
  return r;
}

/// The same with one scale for all.
Rows absmax_tensor(const MatrixF& x, double top) {
  const double largest = x.cwiseAbs().maxCoeff(), scale = largest > 0 ? largest / top : 1.0;
  return {x.unaryExpr([scale](float v) { return static_cast<std::int32_t>(std::lrint(v / scale)); }),
          std::vector<double>(x.rows(), scale)};
}

template <class Sum>
MatrixF dequantize(const Matrix<Sum>& sums, const std::vector<double>& row_scales, double scale) {
  MatrixF out(sums.rows(), sums.cols());
  for (Eigen::Index i = 0; i < sums.rows(); ++i)
    for (Eigen::Index c = 0; c < sums.cols(); ++c)
      out(i, c) = static_cast<float>(static_cast<double>(sums(i, c)) * (row_scales[i] * scale));
  return out;
}

/// A product on an array, dequantised; its sums in 32 bits where they fit.
MatrixF product_on(const Array& array, const Rows& inputs, const PlaneFormat& format,
                   const ErrorInjection& errors, ArrayCounters* counters, double scale,
                   const PresentCells& present = {}) {
  const auto dequantized = [&](auto sums) {
    array.multiply(inputs.values, format, errors, counters, sums, present);
    return dequantize(sums, inputs.scales, scale);
  };
  const double largest =
      largest_sum(array.depth(), array.format(), format, array.segmentation(), errors.sampler);
  return fits_32_bits(largest) ? dequantized(MatrixI()) : dequantized(MatrixL());
}

}  // namespace

Int8Attention::Int8Attention(const AttentionWeights& weights, int layer, const Int8Options& options)
    : options_(options), layer_(layer), form_(weights) {
  const auto projection = [&](const MatrixF& w) {
    const Rows q = absmax_tensor(w, 127);
    return Projection{
        std::make_unique<Array>(q.values, PlaneFormat{8, options.weight_encoding}, options.stationary),
        q.scales.front()};
  };
  query_ = projection(weights.query);
  key_ = projection(weights.key);
  value_ = projection(weights.value);
  output_ = projection(weights.output);
}

LayerDie Int8Attention::make_die(const AttentionErrors& errors, Eigen::Index tokens) const {
  LayerDieMaker die(errors, layer_);
  const PlaneFormat cells{8, options_.weight_encoding};
  const auto add = [&](int number, const Projection& p) {
    die.add(number, true, p.array->depth(), p.array->bitlines());
  };
  add(query_array, query_);
  add(key_array, key_);
  add(value_array, value_);
  add(output_arrays, output_);
  for (int g = 0; g < form_.groups; ++g) {
    die.add(key_heads + g, false, form_.head_width, tokens * cells.planes());
    die.add(value_heads + g, false, tokens, form_.head_width * cells.planes());
  }
  return die.take();
}

MatrixF Int8Attention::project(const Projection& p, int number, const MatrixF& x,
                               const AttentionErrors& errors) const {
  const Rows a = absmax_rows(x, 127);
  ArrayCounters* counters = errors.counters != nullptr ? &errors.counters->stationary : nullptr;
  return product_on(*p.array, a, {8, options_.input_encoding}, array_injection(errors, layer_, number, true),
                    counters, p.scale);
}

struct Int8Attention::Cache {
  int group;
  double key_scale, value_scale;
  Array keys, values;
};

MatrixF Int8Attention::attend(int head, const MatrixF& q, const Cache& cache,
                              const AttentionErrors& errors) const {
  ArrayCounters* counters = errors.counters != nullptr ? &errors.counters->dynamic : nullptr;
  std::vector<std::int32_t> met(form_.causal ? q.rows() : 0);  // cells of later tokens are absent
  std::iota(met.begin(), met.end(), 1);
  MatrixF scores =
      product_on(cache.keys, absmax_rows(q, 127), {8, options_.input_encoding},
                 shared_injection(errors, layer_, key_heads + head, key_heads + cache.group), counters,
                 cache.key_scale / std::sqrt(static_cast<double>(form_.head_width)), {{}, met});
  softmax_rows(scores, form_.causal);
  return product_on(cache.values, absmax_rows(scores, 255), {8, Encoding::unsigned_binary},
                    shared_injection(errors, layer_, value_heads + head, value_heads + cache.group), counters,
                    cache.value_scale, {met, {}});
}

MatrixF Int8Attention::forward(const MatrixF& x, const AttentionErrors& errors) const {
  const Eigen::Index dk = form_.head_width;
  // Dequantisation, softmax and quantisation happen outside: every tensor between the products crosses the border.
  if (errors.counters != nullptr)
    errors.counters->tensor_words +=
        2 * x.size() + 2 * form_.heads * x.rows() * x.rows() + 4 * form_.heads * x.rows() * dk;
  MatrixF q = project(query_, query_array, x, errors), k = project(key_, key_array, x, errors);
  MatrixF v = project(value_, value_array, x, errors);
  add_bias(q, form_.query_bias);
  add_bias(k, form_.key_bias);
  add_bias(v, form_.value_bias);
  turn_heads(q, form_.rotary.get());
  turn_heads(k, form_.rotary.get());
  const PlaneFormat cells{8, options_.weight_encoding};
  MatrixF heads(x.rows(), q.cols());
  for (int g = 0; g < form_.groups; ++g) {
    const Rows key = absmax_tensor(k.middleCols(g * dk, dk), 127),
               value = absmax_tensor(v.middleCols(g * dk, dk), 127);
    const Cache cache{g, key.scales.front(), value.scales.front(),
                      Array(key.values.transpose(), cells, options_.dynamic),
                      Array(value.values, cells, options_.dynamic)};
    for (int h = g * form_.heads_of_a_group(); h < (g + 1) * form_.heads_of_a_group(); ++h)
      heads.middleCols(h * dk, dk) = attend(h, q.middleCols(h * dk, dk), cache, errors);
  }
  MatrixF out = project(output_, output_arrays, heads, errors);
  add_bias(out, form_.output_bias);
  return out;
}

struct QrazorAttention::Operand : Rows {};

namespace {

void razor_in_place(Rows& r, int base_bits, int group) {
  r.values = razor(r.values, base_bits, group).decode();
}

}  // namespace

QrazorAttention::~QrazorAttention() = default;

QrazorAttention::Operand QrazorAttention::activation(const MatrixF& x) const {
  const bool cut = options_.activation_bits == 4;
  Operand a{absmax_rows(x, cut ? 32767 : 127)};
  if (cut) razor_in_place(a, 16, options_.group);
  return a;
}

/// Transposed, so that a row is an output channel and groups run along the products' depth.
QrazorAttention::Operand QrazorAttention::weight(const MatrixF& w, const QrazorOptions& options) {
  Operand o{absmax_rows(w.transpose(), 127)};
  if (options.weight_bits == 4) razor_in_place(o, 8, options.group);
  return o;
}

QrazorAttention::Operand QrazorAttention::cache(const MatrixF& kv) const {
  Operand o{absmax_tensor(kv, 127)};
  if (options_.kv_bits == 4) razor_in_place(o, 8, options_.group);
  return o;
}

MatrixF QrazorAttention::product(const Operand& a, const Operand& b) {
  const Matrix<std::int64_t> sums = a.values.cast<std::int64_t>() * b.values.cast<std::int64_t>().transpose();
  MatrixF out(sums.rows(), sums.cols());
  for (Eigen::Index i = 0; i < out.rows(); ++i)
    for (Eigen::Index c = 0; c < out.cols(); ++c)
      out(i, c) = static_cast<float>(static_cast<double>(sums(i, c)) * a.scales[i] * b.scales[c]);
  return out;
}

QrazorAttention::QrazorAttention(const AttentionWeights& weights, const QrazorOptions& options)
    : options_(options), form_(weights) {
  for (const int bits : {options.weight_bits, options.activation_bits, options.kv_bits})
    if (bits != 4 && bits != 8) throw std::invalid_argument("QRazor: operands have 4 or 8 bits");
  if (options.group < 1 || options.group > 4096)
    throw std::invalid_argument("QRazor: groups of 1 to 4096 values");
  for (const MatrixF* w : {&weights.query, &weights.key, &weights.value, &weights.output})
    weights_.push_back(weight(*w, options));
}

MatrixF QrazorAttention::forward(const MatrixF& x, const AttentionErrors&) const {
  const Eigen::Index dk = form_.head_width;
  const Operand a = activation(x);
  MatrixF q = product(a, weights_[0]), k = product(a, weights_[1]), v = product(a, weights_[2]);
  add_bias(q, form_.query_bias);
  add_bias(k, form_.key_bias);
  add_bias(v, form_.value_bias);
  turn_heads(q, form_.rotary.get());
  turn_heads(k, form_.rotary.get());
  MatrixF heads(x.rows(), q.cols());
  for (int g = 0; g < form_.groups; ++g) {
    const Operand keys = cache(k.middleCols(g * dk, dk));
    // V is razored as it is stored, a token a row, and read by columns.
    Operand values = cache(v.middleCols(g * dk, dk));
    values.values = MatrixI(values.values.transpose());
    values.scales.assign(dk, values.scales.front());
    for (int h = g * form_.heads_of_a_group(); h < (g + 1) * form_.heads_of_a_group(); ++h) {
      MatrixF scores = product(activation(q.middleCols(h * dk, dk)), keys);
      scores *= 1.0f / std::sqrt(static_cast<float>(dk));
      softmax_rows(scores, form_.causal);
      heads.middleCols(h * dk, dk) = product(activation(scores), values);
    }
  }
  MatrixF out = product(activation(heads), weights_[3]);
  add_bias(out, form_.output_bias);
  return out;
}

StorageBits int8_storage(std::int64_t rows, std::int64_t columns) { return {8 * rows * columns, 32 * rows}; }

StorageBits emsb_storage(std::int64_t rows, std::int64_t columns, int bits) {
  return {bits * rows * columns, 5 * rows};
}

StorageBits qrazor_storage(std::int64_t rows, std::int64_t columns, int base, int group) {
  return {4 * rows * columns, rows * ((columns + group - 1) / group) * (base <= 8 ? 3 : 4) + 32 * rows};
}

}  // namespace flare::arch
