#include "flare_arch/attention/conventional_attention.hpp"

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "flare_arch/attention/layer_arrays.hpp"
#include "flare_arch/attention/quantized_operand.hpp"

namespace flare::arch {

Int8Attention::Int8Attention(const AttentionWeights& weights, int layer, const Int8Options& options)
    : options_(options), layer_(layer), form_(weights) {
  const auto projection = [&](const MatrixF& w) {
    const QuantizedOperand q = absmax_tensor(w, 127);
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
  const QuantizedOperand a = absmax_rows(x, 127);
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
    const QuantizedOperand key = absmax_tensor(k.middleCols(g * dk, dk), 127),
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

QrazorAttention::QrazorAttention(const AttentionWeights& weights, const QrazorOptions& options)
    : options_(options), form_(weights) {
  options.check();
  for (const MatrixF* w : {&weights.query, &weights.key, &weights.value, &weights.output})
    weights_.push_back(razored_weight(*w, options));
}

MatrixF QrazorAttention::forward(const MatrixF& x, const AttentionErrors&) const {
  const Eigen::Index dk = form_.head_width;
  const auto activation = [this](const MatrixF& m) { return razored_activation(m, options_); };
  const QuantizedOperand a = activation(x);
  MatrixF q = dequantized_product(a, weights_[0]), k = dequantized_product(a, weights_[1]);
  MatrixF v = dequantized_product(a, weights_[2]);
  add_bias(q, form_.query_bias);
  add_bias(k, form_.key_bias);
  add_bias(v, form_.value_bias);
  turn_heads(q, form_.rotary.get());
  turn_heads(k, form_.rotary.get());
  MatrixF heads(x.rows(), q.cols());
  for (int g = 0; g < form_.groups; ++g) {
    const QuantizedOperand keys = razored_cache(k.middleCols(g * dk, dk), options_);
    // V is razored as it is stored, a token a row, and read by columns.
    QuantizedOperand values = razored_cache(v.middleCols(g * dk, dk), options_);
    values.values = MatrixI(values.values.transpose());
    values.scales.assign(dk, values.scales.front());
    for (int h = g * form_.heads_of_a_group(); h < (g + 1) * form_.heads_of_a_group(); ++h) {
      MatrixF scores = dequantized_product(activation(q.middleCols(h * dk, dk)), keys);
      scores *= 1.0f / std::sqrt(static_cast<float>(dk));
      softmax_rows(scores, form_.causal);
      heads.middleCols(h * dk, dk) = dequantized_product(activation(scores), values);
    }
  }
  MatrixF out = dequantized_product(activation(heads), weights_[3]);
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
