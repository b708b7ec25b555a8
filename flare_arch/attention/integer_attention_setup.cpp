// What a layer of FLARE's attention is made of before the first token runs: quantised weights, static scales, start bits,
// tables. Floating point and divisions are allowed here.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "flare_arch/attention/integer_attention.hpp"
#include "flare_arch/attention/integer_rows.hpp"
#include "flare_arch/attention/layer_arrays.hpp"

namespace flare::arch {
namespace {

struct QuantizedWeights {
  MatrixI values;
  double scale = 1;
};

/// Symmetric absmax quantisation, done once, off line.
QuantizedWeights quantize_weights(const MatrixF& w, int bits) {
  const double largest = w.cwiseAbs().maxCoeff(), top = (1 << (bits - 1)) - 1;
  QuantizedWeights q;
  q.scale = largest > 0 ? largest / top : 1.0;
  q.values = w.unaryExpr([&](float v) { return static_cast<std::int32_t>(std::lrint(v / q.scale)); });
  return q;
}

int ceil_log2(Eigen::Index n) { return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n - 1))); }

template <class Sum>
int used_bits(const Matrix<Sum>& m) {
  return effective_bits(values_of(m), true);
}

double largest_of(const std::vector<std::int64_t>& words) {
  std::int64_t largest = 0;
  for (const std::int64_t w : words) largest = std::max(largest, std::abs(w));
  return static_cast<double>(largest);
}

/// Bits, without sign, of accumulators that use `bits` before a bias is added and pairs are turned.
int bits_with(int bits, const std::vector<std::int64_t>& bias, bool turned) {
  if (!bias.empty()) {
    const double sum = std::ldexp(1.0, bits) + largest_of(bias);
    bits = static_cast<int>(std::ceil(std::log2(sum + 1)));
  }
  return bits + (turned ? 1 : 0);
}

/// A bias in accumulators worth `unit` each.
std::vector<std::int64_t> bias_words(const VectorF& bias, double unit) {
  constexpr double largest = 0x1p45;  // leaves room for sums and turned pairs in 64 bits
  std::vector<std::int64_t> words;
  for (const float b : bias) {
    if (!(std::abs(b / unit) < largest))
      throw std::invalid_argument("integer attention: a bias is far larger than the inputs it meets");
    words.push_back(std::llrint(b / unit));
  }
  return words;
}

}  // namespace

IntegerAttention::IntegerAttention(const AttentionWeights& weights, int layer,
                                   const std::vector<MatrixF>& calibration,
                                   const IntegerAttentionOptions& options)
    : options_(options),
      layer_(layer),
      heads_(weights.heads),
      groups_(weights.groups()),
      width_(weights.width()),
      head_width_(0),
      causal_(weights.causal),
      rotary_(weights.rotary),
      output_bias_(weights.output_bias) {
  weights.check();
  head_width_ = weights.head_width();
  if (layer < 0 || layer > 1'000'000)
    throw std::invalid_argument("integer attention: layer number out of range");
  if (calibration.empty()) throw std::invalid_argument("integer attention: no calibration sequences");
  const PlaneFormat cells{options.weight_bits, options.weight_encoding};
  const auto array = [&](const MatrixF& w, double& scale) {
    const QuantizedWeights q = quantize_weights(w, options.weight_bits);
    scale = q.scale;
    return std::make_unique<Array>(q.values, cells, options.stationary);
  };
  query_ = array(weights.query, scales_.query_weight);
  key_ = array(weights.key, scales_.key_weight);
  value_ = array(weights.value, scales_.value_weight);
  const QuantizedWeights out = quantize_weights(weights.output, options.weight_bits);
  scales_.output_weight = out.scale;
  query_halves_ = halves_of(query_->weights());
  key_halves_ = halves_of(key_->weights());
  value_halves_ = halves_of(value_->weights());
  const int parts = options.row_scale == RowScale::side_band ? heads_ : 1;
  for (int h = 0; h < parts; ++h)
    output_.emplace_back(out.values.middleRows(h * (out.values.rows() / parts), out.values.rows() / parts),
                         cells, options.stationary);
  for (const Array& part : output_) output_halves_.push_back(halves_of(part.weights()));
  set_input_scale(calibration);
  set_biases(weights);
  calibrate(calibration);
  calibrate_exponents(calibration);
}

void IntegerAttention::set_input_scale(const std::vector<MatrixF>& calibration) {
  float largest = 0;
  for (const MatrixF& x : calibration) {
    if (x.cols() != width_ || !x.allFinite())
      throw std::invalid_argument(
          "integer attention: a calibration sequence has another width or is not finite");
    largest = std::max(largest, x.cwiseAbs().maxCoeff());
  }
  const double top = (1 << (options_.input_bits - 1)) - 1;
  scales_.input = largest > 0 ? largest / top : 1.0;
  scales_.key_input_shift = std::max(0, options_.input_bits - options_.kv_bits);
}

/// Words of the biases, and what the values' adds to the output.
void IntegerAttention::set_biases(const AttentionWeights& weights) {
  query_bias_ = bias_words(weights.query_bias, scales_.input * scales_.query_weight);
  if (rotary_ != nullptr)
    key_bias_ =
        bias_words(weights.key_bias, std::ldexp(scales_.input * scales_.key_weight, scales_.key_input_shift));
  if (weights.value_bias.size() == 0) return;
  VectorF values(weights.query.cols());
  for (int h = 0; h < heads_; ++h)
    values.segment(h * head_width_, head_width_) =
        weights.value_bias.segment(weights.group_of(h) * head_width_, head_width_);
  output_bias_ += weights.output.transpose() * values;
}

/// m2: the queries' largest shift.
int IntegerAttention::headroom_of_queries() const {
  const int plain = options_.weight_bits + ceil_log2(width_);
  const int bits = plain + options_.activation_bits - 1;
  return plain + bits_with(bits, query_bias_, rotary_ != nullptr) - bits;
}

void IntegerAttention::calibrate(const std::vector<MatrixF>& calibration) {
  const IntegerAttentionOptions& o = options_;
  const EmsbOptions kv{o.kv_bits, true, o.rounding};
  int key_bits = 0, value_bits = 0;
  if (o.start_bit == StartBit::absolute) {
    key_bits = value_bits = o.kv_bits + o.weight_bits + ceil_log2(width_) - 1;
    key_bits = bits_with(key_bits, key_bias_, rotary_ != nullptr);
  } else {
    for (const MatrixF& x : calibration) {
      const MatrixI words = parse_matrix(to_words(x), scales_.key_input_shift, kv);
      key_bits = std::max(key_bits, used_bits(key_sums<std::int64_t>(words, {}, nullptr)));
      value_bits = std::max(value_bits,
                            used_bits(cache_sums<std::int64_t>(*value_, value_halves_, words, {}, nullptr)));
    }
  }
  scales_.key_shift = emsb_shift(key_bits, kv);
  scales_.value_shift = emsb_shift(value_bits, kv);
  const double kv_input = std::ldexp(scales_.input, scales_.key_input_shift);
  scales_.key = std::ldexp(kv_input * scales_.key_weight, scales_.key_shift);
  scales_.value = std::ldexp(kv_input * scales_.value_weight, scales_.value_shift);
  scales_.m1 = std::max(0, o.input_bits - o.activation_bits);
  scales_.m2 = headroom_of_queries();
  scales_.m3 = o.kv_bits + ceil_log2(head_width_);
  scales_.logit_full =
      std::ldexp(scales_.input * scales_.query_weight * scales_.key, scales_.m1 + scales_.m2 + scales_.m3) /
      std::sqrt(static_cast<double>(head_width_));
  VdrOptions vdr{o.activation_bits, o.probability_bits, o.guard_bits, o.rounding};
  table_ = std::make_unique<VdrTable>(1.0 / scales_.logit_full, 0, scales_.m1 + scales_.m2 + scales_.m3, vdr);
}

/// The n_e that occur: the table the hardware holds needs these entries and no more.
void IntegerAttention::calibrate_exponents(const std::vector<MatrixF>& calibration) {
  int first = 1 << 20, last = 0;
  for (const MatrixF& x : calibration) {
    Trace trace;
    forward(x, {}, &trace);
    for (const auto& head : trace.exponents)
      for (const int n_e : head) first = std::min(first, n_e), last = std::max(last, n_e);
  }
  scales_.first_exponent = first;
  scales_.last_exponent = last;
}

/// True where 32 bits may not hold every sum of every array.
bool IntegerAttention::needs_wide_sums(Eigen::Index tokens, const AttentionErrors& errors) const {
  const PlaneFormat weights = query_->format();
  const PlaneFormat probability{options_.probability_bits, Encoding::unsigned_binary};
  const auto stationary = [&](const Array& array, const PlaneFormat& inputs) {
    return largest_sum(array.depth(), weights, inputs, options_.stationary, errors.stationary);
  };
  const auto dynamic = [&](Eigen::Index depth, const PlaneFormat& inputs) {
    return largest_sum(static_cast<int>(depth), kv_cells(), inputs, options_.dynamic, errors.dynamic);
  };
  const double grown = rotary_ != nullptr ? 2 : 1;  // turning a pair adds up to the root of 2 of its values
  const double queries = (stationary(*query_, activation_format()) + largest_of(query_bias_)) * grown;
  const double keys = (stationary(*key_, kv_format()) + largest_of(key_bias_)) * grown;
  return !fits_32_bits(std::max({queries, keys, stationary(*value_, kv_format()),
                                 stationary(output_.front(), activation_format()),
                                 dynamic(head_width_, activation_format()), dynamic(tokens, probability)}));
}

LayerDie IntegerAttention::make_die(const AttentionErrors& errors, Eigen::Index tokens) const {
  LayerDieMaker die(errors, layer_);
  for (const int array : {query_array, key_array, value_array})
    die.add(array, true, width_, (array == query_array ? query_ : key_)->bitlines());
  for (std::size_t h = 0; h < output_.size(); ++h)
    die.add(output_arrays + static_cast<int>(h), true, output_[h].depth(), output_[h].bitlines());
  for (int h = 0; h < groups_; ++h) {
    die.add(key_heads + h, false, head_width_, tokens * kv_cells().planes());
    die.add(value_heads + h, false, tokens, head_width_ * kv_cells().planes());
  }
  return die.take();
}

}  // namespace flare::arch
