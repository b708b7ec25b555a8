#include "flare_arch/attention/integer_attention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "flare_arch/attention/integer_stages.hpp"
#include "flare_arch/attention/layer_arrays.hpp"

namespace flare::arch {
namespace {

constexpr int reciprocal_fraction = 12;  // bits kept after the point of normalised sums

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

template <class T>
std::span<T> row_of(Matrix<T>& m, Eigen::Index row) {
  return {m.data() + row * m.cols(), static_cast<std::size_t>(m.cols())};
}

template <class T>
std::span<const T> row_of(const Matrix<T>& m, Eigen::Index row) {
  return {m.data() + row * m.cols(), static_cast<std::size_t>(m.cols())};
}

template <class T>
std::span<const T> values_of(const Matrix<T>& m) {
  return {m.data(), static_cast<std::size_t>(m.size())};
}

std::vector<std::int32_t> halves_of(const MatrixI& m) {
  std::vector<std::int32_t> halves(m.cols());
  half_column_sums(values_of(m), halves);
  return halves;
}

template <class Sum>
int used_bits(const Matrix<Sum>& m) {
  return effective_bits(values_of(m), true);
}

template <class Sum>
MatrixI parse_matrix(const Matrix<Sum>& m, int shift, const EmsbOptions& options) {
  return m.unaryExpr([&](Sum v) { return parse_bits(v, shift, options); });
}

template <class Sum>
Matrix<Sum> multiply(const Array& array, const MatrixI& inputs, const PlaneFormat& format,
                     const ErrorInjection& errors, ArrayCounters* counters) {
  Matrix<Sum> sums;
  array.multiply(inputs, format, errors, counters, sums);
  return sums;
}

/// Rows after eMSB-Q, and the shift of each.
struct QuantizedRows {
  MatrixI codes;
  std::vector<int> shifts;
};

template <class Sum>
QuantizedRows quantize_rows(const Matrix<Sum>& m, const EmsbOptions& options) {
  QuantizedRows q{MatrixI(m.rows(), m.cols()), {}};
  for (Eigen::Index i = 0; i < m.rows(); ++i)
    q.shifts.push_back(emsb_quantize(row_of(m, i), row_of(q.codes, i), options));
  return q;
}

}  // namespace

/// What the heads share.
template <class Sum>
struct IntegerAttention::Projected {
  std::vector<int> input_shifts;  // per token
  Matrix<Sum> query;              // accumulators, not yet quantised
  MatrixI key, value;
};

IntegerAttention::~IntegerAttention() = default;

IntegerAttention::IntegerAttention(const AttentionWeights& weights, int layer,
                                   const std::vector<MatrixF>& calibration,
                                   const IntegerAttentionOptions& options)
    : options_(options),
      layer_(layer),
      heads_(weights.heads),
      width_(weights.width()),
      head_width_(0),
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
    output_.emplace_back(out.values.middleRows(h * (width_ / parts), width_ / parts), cells,
                         options.stationary);
  for (const Array& part : output_) output_halves_.push_back(halves_of(part.weights()));
  calibrate(calibration);
  calibrate_exponents(calibration);
}

MatrixI IntegerAttention::to_words(const MatrixF& x) const {
  const double top = (1 << (options_.input_bits - 1)) - 1;
  return x.unaryExpr([&](float v) {
    return static_cast<std::int32_t>(std::lrint(std::clamp(v / scales_.input, -top - 1, top)));
  });
}

void IntegerAttention::calibrate(const std::vector<MatrixF>& calibration) {
  const IntegerAttentionOptions& o = options_;
  float largest = 0;
  for (const MatrixF& x : calibration) {
    if (x.cols() != width_ || !x.allFinite())
      throw std::invalid_argument(
          "integer attention: a calibration sequence has another width or is not finite");
    largest = std::max(largest, x.cwiseAbs().maxCoeff());
  }
  const double top = (1 << (o.input_bits - 1)) - 1;
  scales_.input = largest > 0 ? largest / top : 1.0;
  const EmsbOptions kv{o.kv_bits, true, o.rounding};
  scales_.key_input_shift = std::max(0, o.input_bits - o.kv_bits);
  int key_bits = 0, value_bits = 0;
  if (o.start_bit == StartBit::absolute) {
    key_bits = value_bits = o.kv_bits + o.weight_bits + ceil_log2(width_) - 1;
  } else {
    for (const MatrixF& x : calibration) {
      const MatrixI words = parse_matrix(to_words(x), scales_.key_input_shift, kv);
      key_bits =
          std::max(key_bits, used_bits(cache_sums<std::int64_t>(*key_, key_halves_, words, {}, nullptr)));
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
  scales_.m2 = o.weight_bits + ceil_log2(width_);
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
  return !fits_32_bits(std::max({stationary(*query_, activation_format()), stationary(*key_, kv_format()),
                                 stationary(output_.front(), activation_format()),
                                 dynamic(head_width_, activation_format()), dynamic(tokens, probability)}));
}

/// Accumulators of K or V from the parsed input words.
template <class Sum>
Matrix<Sum> IntegerAttention::cache_sums(const Array& array, const std::vector<std::int32_t>& halves,
                                         const MatrixI& inputs, const ErrorInjection& errors,
                                         ArrayCounters* counters) const {
  Matrix<Sum> sums = multiply<Sum>(array, inputs, kv_format(), errors, counters);
  if (corrects(scales_.key_input_shift))
    for (Eigen::Index t = 0; t < sums.rows(); ++t) add_halves(row_of(sums, t), halves);
  return sums;
}

LayerDie IntegerAttention::make_die(const AttentionErrors& errors, Eigen::Index tokens) const {
  LayerDieMaker die(errors, layer_);
  for (const int array : {query_array, key_array, value_array})
    die.add(array, true, width_, query_->bitlines());
  for (std::size_t h = 0; h < output_.size(); ++h)
    die.add(output_arrays + static_cast<int>(h), true, output_[h].depth(), output_[h].bitlines());
  for (int h = 0; h < heads_; ++h) {
    die.add(key_heads + h, false, head_width_, tokens * kv_cells().planes());
    die.add(value_heads + h, false, tokens, head_width_ * kv_cells().planes());
  }
  return die.take();
}

template <class Sum>
IntegerAttention::Projected<Sum> IntegerAttention::project(const MatrixF& x, const AttentionErrors& errors,
                                                           Trace* trace) const {
  ArrayCounters* counters = errors.counters != nullptr ? &errors.counters->stationary : nullptr;
  const EmsbOptions activation{options_.activation_bits, true, options_.rounding};
  const EmsbOptions kv{options_.kv_bits, true, options_.rounding};
  Projected<Sum> p;
  const MatrixI words = to_words(x);
  const MatrixI key_inputs = parse_matrix(words, scales_.key_input_shift, kv);
  p.key = parse_matrix(cache_sums<Sum>(*key_, key_halves_, key_inputs,
                                       array_injection(errors, layer_, key_array, true), counters),
                       scales_.key_shift, kv);
  p.value = parse_matrix(cache_sums<Sum>(*value_, value_halves_, key_inputs,
                                         array_injection(errors, layer_, value_array, true), counters),
                         scales_.value_shift, kv);
  const QuantizedRows activations = quantize_rows(words, activation);
  p.input_shifts = activations.shifts;
  p.query = multiply<Sum>(*query_, activations.codes, activation_format(),
                          array_injection(errors, layer_, query_array, true), counters);
  for (Eigen::Index t = 0; t < p.query.rows(); ++t)
    if (corrects(p.input_shifts[t])) add_halves(row_of(p.query, t), query_halves_);
  if (trace != nullptr) {
    trace->words = words;
    trace->input_shifts = p.input_shifts;
    trace->activations = activations.codes;
    trace->key_inputs = key_inputs;
    trace->query = p.query.template cast<std::int64_t>();
    trace->key = p.key;
    trace->value = p.value;
  }
  return p;
}

template <class Sum>
Matrix<Sum> IntegerAttention::weigh_values(int head, const Projected<Sum>& p, const AttentionErrors& errors,
                                           std::vector<std::int64_t>& sums, Trace* trace) const {
  ArrayCounters* counters = errors.counters != nullptr ? &errors.counters->dynamic : nullptr;
  const EmsbOptions activation{options_.activation_bits, true, options_.rounding};
  const Eigen::Index at = head * head_width_, tokens = p.key.rows();
  const QuantizedRows query = quantize_rows(Matrix<Sum>(p.query.middleCols(at, head_width_)), activation);
  const Array keys(p.key.middleCols(at, head_width_).transpose(), kv_cells(), options_.dynamic);
  Matrix<Sum> sums_of_keys =
      multiply<Sum>(keys, query.codes, activation_format(),
                    array_injection(errors, layer_, key_heads + head, false), counters);
  if (options_.rounding == Rounding::half_lsb) {
    const std::vector<std::int32_t> halves = halves_of(keys.weights());
    for (Eigen::Index t = 0; t < tokens; ++t)
      if (corrects(query.shifts[t])) add_halves(row_of(sums_of_keys, t), halves);
  }
  const QuantizedRows logits = quantize_rows(sums_of_keys, activation);
  MatrixI probabilities(tokens, tokens);
  std::vector<int> exponents;
  for (Eigen::Index t = 0; t < tokens; ++t) {
    exponents.push_back(row_exponent({scales_.m1, scales_.m2, scales_.m3},
                                     {p.input_shifts[t], query.shifts[t], logits.shifts[t]}));
    sums.push_back(table_->softmax(row_of(logits.codes, t), exponents.back(), row_of(probabilities, t)));
  }
  const Array values(p.value.middleCols(at, head_width_), kv_cells(), options_.dynamic);
  const PlaneFormat probability{options_.probability_bits, Encoding::unsigned_binary};
  Matrix<Sum> weighted = multiply<Sum>(values, probabilities, probability,
                                       array_injection(errors, layer_, value_heads + head, false), counters);
  if (corrects(scales_.value_shift))
    for (Eigen::Index t = 0; t < tokens; ++t) add_half(row_of(weighted, t), sums[t]);
  if (trace != nullptr) {
    trace->query_shifts.push_back(query.shifts);
    trace->logit_shifts.push_back(logits.shifts);
    trace->queries.push_back(query.codes);
    trace->logits.push_back(logits.codes);
    trace->probabilities.push_back(probabilities);
    trace->exponents.push_back(exponents);
    trace->sums.push_back(sums);
  }
  return weighted;
}

/// eMSB-Q and the output projection of one part: a head (side band) or all of them (reciprocal).
template <class Sum, class Joined>
Matrix<Sum> IntegerAttention::output_words(std::size_t part, const Joined& joined,
                                           const AttentionErrors& errors, std::vector<int>& shifts,
                                           Trace* trace) const {
  ArrayCounters* counters = errors.counters != nullptr ? &errors.counters->stationary : nullptr;
  const QuantizedRows inputs = quantize_rows(joined, {options_.activation_bits, true, options_.rounding});
  shifts = inputs.shifts;
  if (trace != nullptr) {
    trace->weighted.push_back(inputs.codes);
    trace->weighted_shifts.push_back(shifts);
  }
  Matrix<Sum> words =
      multiply<Sum>(output_[part], inputs.codes, activation_format(),
                    array_injection(errors, layer_, output_arrays + static_cast<int>(part), true), counters);
  for (Eigen::Index t = 0; t < words.rows(); ++t)
    if (corrects(shifts[t])) add_halves(row_of(words, t), output_halves_[part]);
  return words;
}

/// Side band: the head's share of the output, its row scales applied as it leaves the integer path.
template <class Sum>
void IntegerAttention::add_head(int head, const Matrix<Sum>& weighted, const std::vector<std::int64_t>& sums,
                                const AttentionErrors& errors, MatrixF& out, Trace* trace) const {
  std::vector<int> shifts;
  const Matrix<Sum> words = output_words<Sum>(head, weighted, errors, shifts, trace);
  for (Eigen::Index t = 0; t < out.rows(); ++t) {
    const double scale = std::ldexp(scales_.value * scales_.output_weight, shifts[t]) /
                         static_cast<double>(std::max<std::int64_t>(1, sums[t]));
    for (Eigen::Index c = 0; c < out.cols(); ++c)
      out(t, c) += static_cast<float>(static_cast<double>(words(t, c)) * scale);
  }
}

/// Reciprocal table: the head's sums brought to the scale that all heads share, in integers.
template <class Sum>
void IntegerAttention::normalise_head(int head, const Matrix<Sum>& weighted,
                                      const std::vector<std::int64_t>& sums, MatrixI& joined) const {
  const auto width = static_cast<std::size_t>(head_width_);
  for (Eigen::Index t = 0; t < weighted.rows(); ++t)
    normalise_row(row_of(weighted, t), reciprocal_(sums[t]), reciprocal_fraction,
                  row_of(joined, t).subspan(head * width, width));
}

template <class Sum>
MatrixF IntegerAttention::project_output(const MatrixI& joined, const AttentionErrors& errors,
                                         Trace* trace) const {
  std::vector<int> shifts;
  const Matrix<Sum> words = output_words<Sum>(0, joined, errors, shifts, trace);
  MatrixF out(words.rows(), words.cols());
  for (Eigen::Index t = 0; t < out.rows(); ++t) {
    const double scale = std::ldexp(scales_.value * scales_.output_weight, shifts[t] - reciprocal_fraction);
    for (Eigen::Index c = 0; c < out.cols(); ++c)
      out(t, c) = static_cast<float>(static_cast<double>(words(t, c)) * scale);
  }
  return out;
}

MatrixF IntegerAttention::forward(const MatrixF& x, const AttentionErrors& errors) const {
  return forward(x, errors, nullptr);
}

MatrixF IntegerAttention::forward(const MatrixF& x, const AttentionErrors& errors, Trace* trace) const {
  if (x.cols() != width_ || x.rows() < 1)
    throw std::invalid_argument(
        fmt::format("integer attention: input is {} x {}, width {} is expected", x.rows(), x.cols(), width_));
  return needs_wide_sums(x.rows(), errors) ? forward_as<std::int64_t>(x, errors, trace)
                                           : forward_as<std::int32_t>(x, errors, trace);
}

template <class Sum>
MatrixF IntegerAttention::forward_as(const MatrixF& x, const AttentionErrors& errors, Trace* trace) const {
  // The input is streamed in twice, for K and V and then token by token; nothing else leaves before the output.
  if (errors.counters != nullptr) errors.counters->tensor_words += 3 * x.size();
  const Projected<Sum> p = project<Sum>(x, errors, trace);
  MatrixF out = MatrixF::Zero(x.rows(), width_);
  MatrixI joined(x.rows(), options_.row_scale == RowScale::reciprocal ? width_ : 0);
  for (int h = 0; h < heads_; ++h) {
    std::vector<std::int64_t> sums;
    const Matrix<Sum> weighted = weigh_values(h, p, errors, sums, trace);
    if (options_.row_scale == RowScale::side_band)
      add_head(h, weighted, sums, errors, out, trace);
    else
      normalise_head(h, weighted, sums, joined);
  }
  if (options_.row_scale == RowScale::reciprocal) out = project_output<Sum>(joined, errors, trace);
  out.rowwise() += output_bias_.transpose();
  return out;
}

}  // namespace flare::arch
