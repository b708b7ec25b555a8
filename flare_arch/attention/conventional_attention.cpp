#include "flare_arch/attention/conventional_attention.hpp"

#include <cmath>
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
                   const ErrorInjection& errors, ArrayCounters* counters, double scale) {
  const auto dequantized = [&](auto sums) {
    array.multiply(inputs.values, format, errors, counters, sums);
    return dequantize(sums, inputs.scales, scale);
  };
  const double largest =
      largest_sum(array.depth(), array.format(), format, array.segmentation(), errors.sampler);
  return fits_32_bits(largest) ? dequantized(MatrixI()) : dequantized(MatrixL());
}

}  // namespace

Int8Attention::Int8Attention(const AttentionWeights& weights, int layer, const Int8Options& options)
    : options_(options),
      layer_(layer),
      heads_(weights.heads),
      head_width_(0),
      output_bias_(weights.output_bias) {
  weights.check();
  head_width_ = weights.head_width();
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
  for (const int array : {query_array, key_array, value_array, output_arrays})
    die.add(array, true, query_.array->depth(), query_.array->bitlines());
  for (int h = 0; h < heads_; ++h) {
    die.add(key_heads + h, false, head_width_, tokens * cells.planes());
    die.add(value_heads + h, false, tokens, head_width_ * cells.planes());
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

MatrixF Int8Attention::attend(int head, const MatrixF& q, const MatrixF& k, const MatrixF& v,
                              const AttentionErrors& errors) const {
  ArrayCounters* counters = errors.counters != nullptr ? &errors.counters->dynamic : nullptr;
  const PlaneFormat cells{8, options_.weight_encoding};
  const Rows query = absmax_rows(q, 127), key = absmax_tensor(k, 127), value = absmax_tensor(v, 127);
  const Array keys(key.values.transpose(), cells, options_.dynamic);
  MatrixF scores = product_on(keys, query, {8, options_.input_encoding},
                              array_injection(errors, layer_, key_heads + head, false), counters,
                              key.scales.front() / std::sqrt(static_cast<double>(head_width_)));
  softmax_rows(scores);
  const Rows probability = absmax_rows(scores, 255);
  const Array values(value.values, cells, options_.dynamic);
  return product_on(values, probability, {8, Encoding::unsigned_binary},
                    array_injection(errors, layer_, value_heads + head, false), counters,
                    value.scales.front());
}

MatrixF Int8Attention::forward(const MatrixF& x, const AttentionErrors& errors) const {
  // Dequantisation, softmax and quantisation happen outside: every tensor between the products crosses the border.
  if (errors.counters != nullptr)
    errors.counters->tensor_words +=
        2 * x.size() + 2 * heads_ * x.rows() * x.rows() + 4 * heads_ * x.rows() * head_width_;
  const MatrixF q = project(query_, query_array, x, errors), k = project(key_, key_array, x, errors);
  const MatrixF v = project(value_, value_array, x, errors);
  MatrixF heads(x.rows(), x.cols());
  for (int h = 0; h < heads_; ++h) {
    const Eigen::Index at = h * head_width_;
    heads.middleCols(at, head_width_) =
        attend(h, q.middleCols(at, head_width_), k.middleCols(at, head_width_), v.middleCols(at, head_width_),
               errors);
  }
  MatrixF out = project(output_, output_arrays, heads, errors);
  out.rowwise() += output_bias_.transpose();
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
    : options_(options), heads_(weights.heads), head_width_(0), output_bias_(weights.output_bias) {
  weights.check();
  head_width_ = weights.head_width();
  for (const int bits : {options.weight_bits, options.activation_bits, options.kv_bits})
    if (bits != 4 && bits != 8) throw std::invalid_argument("QRazor: operands have 4 or 8 bits");
  if (options.group < 1 || options.group > 4096)
    throw std::invalid_argument("QRazor: groups of 1 to 4096 values");
  for (const MatrixF* w : {&weights.query, &weights.key, &weights.value, &weights.output})
    weights_.push_back(weight(*w, options));
}

MatrixF QrazorAttention::forward(const MatrixF& x, const AttentionErrors&) const {
  const Operand a = activation(x);
  const MatrixF q = product(a, weights_[0]), k = product(a, weights_[1]), v = product(a, weights_[2]);
  MatrixF heads(x.rows(), x.cols());
  for (int h = 0; h < heads_; ++h) {
    const Eigen::Index at = h * head_width_;
    MatrixF scores = product(activation(q.middleCols(at, head_width_)), cache(k.middleCols(at, head_width_)));
    scores *= 1.0f / std::sqrt(static_cast<float>(head_width_));
    softmax_rows(scores);
    // V is razored as it is stored, a token a row, and read by columns.
    Operand values = cache(v.middleCols(at, head_width_));
    values.values = MatrixI(values.values.transpose());
    values.scales.assign(head_width_, values.scales.front());
    heads.middleCols(at, head_width_) = product(activation(scores), values);
  }
  MatrixF out = product(activation(heads), weights_[3]);
  out.rowwise() += output_bias_.transpose();
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
