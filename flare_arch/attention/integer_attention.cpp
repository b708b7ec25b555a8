#include "flare_arch/attention/integer_attention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "flare_arch/attention/integer_rows.hpp"
#include "flare_arch/attention/layer_arrays.hpp"

namespace flare::arch {
namespace {

constexpr int reciprocal_fraction = 12;  // bits kept after the point of normalised sums

}  // namespace

/// What the heads share.
template <class Sum>
struct IntegerAttention::Projected {
  std::vector<int> input_shifts;  // per token
  Matrix<Sum> query;              // accumulators, not yet quantised
  MatrixI key, value;
};

/// The arrays that one head of keys and values lies on.
struct IntegerAttention::Caches {
  int group;
  Array keys, values;
  std::vector<std::int32_t> key_halves;  // where codes stand for the middle of their step
};

IntegerAttention::~IntegerAttention() = default;

MatrixI IntegerAttention::to_words(const MatrixF& x) const {
  const double top = (1 << (options_.input_bits - 1)) - 1;
  return rounded_words(x, scales_.input, -top - 1, top);
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

/// Every head of every token, turned by the token's position.
template <class Sum>
void IntegerAttention::turn(Matrix<Sum>& rows) const {
  if (rotary_ == nullptr) return;
  const auto width = static_cast<std::size_t>(head_width_);
  const bool neighbours = rotary_->pairs() == RotaryTable::Pairs::neighbours;
  for (Eigen::Index t = 0; t < rows.rows(); ++t)
    for (std::size_t at = 0; at < static_cast<std::size_t>(rows.cols()); at += width)
      turn_head(row_of(rows, t).subspan(at, width), rotary_->cosines(static_cast<int>(t)),
                rotary_->sines(static_cast<int>(t)), neighbours);
}

template <class Sum>
Matrix<Sum> IntegerAttention::key_sums(const MatrixI& inputs, const ErrorInjection& errors,
                                       ArrayCounters* counters) const {
  Matrix<Sum> sums = cache_sums<Sum>(*key_, key_halves_, inputs, errors, counters);
  for (Eigen::Index t = 0; t < sums.rows() && !key_bias_.empty(); ++t)
    add_shifted(row_of(sums, t), key_bias_, 0);
  turn(sums);
  return sums;
}

template Matrix<std::int64_t> IntegerAttention::key_sums(const MatrixI&, const ErrorInjection&,
                                                         ArrayCounters*) const;
template Matrix<std::int64_t> IntegerAttention::cache_sums(const Array&, const std::vector<std::int32_t>&,
                                                           const MatrixI&, const ErrorInjection&,
                                                           ArrayCounters*) const;

template <class Sum>
IntegerAttention::Projected<Sum> IntegerAttention::project(const MatrixF& x, const AttentionErrors& errors,
                                                           Trace* trace) const {
  ArrayCounters* counters = errors.counters != nullptr ? &errors.counters->stationary : nullptr;
  const EmsbOptions activation{options_.activation_bits, true, options_.rounding};
  const EmsbOptions kv{options_.kv_bits, true, options_.rounding};
  Projected<Sum> p;
  const MatrixI words = to_words(x);
  const MatrixI key_inputs = parse_matrix(words, scales_.key_input_shift, kv);
  p.key = parse_matrix(key_sums<Sum>(key_inputs, array_injection(errors, layer_, key_array, true), counters),
                       scales_.key_shift, kv);
  p.value = parse_matrix(cache_sums<Sum>(*value_, value_halves_, key_inputs,
                                         array_injection(errors, layer_, value_array, true), counters),
                         scales_.value_shift, kv);
  const QuantizedRows activations = quantize_rows(words, activation);
  p.input_shifts = activations.shifts;
  p.query = multiply<Sum>(*query_, activations.codes, activation_format(),
                          array_injection(errors, layer_, query_array, true), counters);
  for (Eigen::Index t = 0; t < p.query.rows(); ++t) {
    if (corrects(p.input_shifts[t])) add_halves(row_of(p.query, t), query_halves_);
    if (!query_bias_.empty()) add_shifted(row_of(p.query, t), query_bias_, p.input_shifts[t]);
  }
  turn(p.query);
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

/// A head's logits, and its queries, after eMSB-Q.
template <class Sum>
QuantizedRows IntegerAttention::logits_of(int head, const Projected<Sum>& p, const Caches& caches,
                                          const AttentionErrors& errors, const PresentCells& present,
                                          QuantizedRows& query) const {
  ArrayCounters* counters = errors.counters != nullptr ? &errors.counters->dynamic : nullptr;
  const EmsbOptions activation{options_.activation_bits, true, options_.rounding};
  query = quantize_rows(Matrix<Sum>(p.query.middleCols(head * head_width_, head_width_)), activation);
  Matrix<Sum> sums = multiply<Sum>(
      caches.keys, query.codes, activation_format(),
      shared_injection(errors, layer_, key_heads + head, key_heads + caches.group), counters, present);
  for (Eigen::Index t = 0; t < sums.rows() && !caches.key_halves.empty(); ++t)
    if (corrects(query.shifts[t])) {
      const auto met = static_cast<std::size_t>(causal_ ? t + 1 : sums.rows());
      add_halves(row_of(sums, t).first(met), std::span(caches.key_halves).first(met));
    }
  return quantize_rows(sums, activation);
}

template <class Sum>
Matrix<Sum> IntegerAttention::weigh_values(int head, const Projected<Sum>& p, const Caches& caches,
                                           const AttentionErrors& errors, std::vector<std::int64_t>& sums,
                                           Trace* trace) const {
  ArrayCounters* counters = errors.counters != nullptr ? &errors.counters->dynamic : nullptr;
  const Eigen::Index tokens = p.key.rows();
  std::vector<std::int32_t> met(causal_ ? tokens : 0);  // cells of later tokens are absent
  std::iota(met.begin(), met.end(), 1);
  QuantizedRows query;
  const QuantizedRows logits = logits_of(head, p, caches, errors, {{}, met}, query);
  MatrixI probabilities = MatrixI::Zero(tokens, tokens);
  std::vector<int> exponents;
  for (Eigen::Index t = 0; t < tokens; ++t) {
    const auto count = static_cast<std::size_t>(causal_ ? t + 1 : tokens);
    exponents.push_back(row_exponent({scales_.m1, scales_.m2, scales_.m3},
                                     {p.input_shifts[t], query.shifts[t], logits.shifts[t]}));
    sums.push_back(table_->softmax(row_of(logits.codes, t).first(count), exponents.back(),
                                   row_of(probabilities, t).first(count)));
  }
  const PlaneFormat probability{options_.probability_bits, Encoding::unsigned_binary};
  Matrix<Sum> weighted = multiply<Sum>(
      caches.values, probabilities, probability,
      shared_injection(errors, layer_, value_heads + head, value_heads + caches.group), counters, {met, {}});
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
  if (rotary_ != nullptr && x.rows() > rotary_->positions())
    throw std::invalid_argument("integer attention: the sequence is longer than the rotary positions");
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
  MatrixI joined(x.rows(), options_.row_scale == RowScale::reciprocal ? p.query.cols() : 0);
  for (int g = 0; g < groups_; ++g) {
    const Eigen::Index at = g * head_width_;
    Caches caches{g,
                  Array(p.key.middleCols(at, head_width_).transpose(), kv_cells(), options_.dynamic),
                  Array(p.value.middleCols(at, head_width_), kv_cells(), options_.dynamic),
                  {}};
    if (options_.rounding == Rounding::half_lsb) caches.key_halves = halves_of(caches.keys.weights());
    for (int h = g * (heads_ / groups_); h < (g + 1) * (heads_ / groups_); ++h) {
      std::vector<std::int64_t> sums;
      const Matrix<Sum> weighted = weigh_values(h, p, caches, errors, sums, trace);
      if (options_.row_scale == RowScale::side_band)
        add_head(h, weighted, sums, errors, out, trace);
      else
        normalise_head(h, weighted, sums, joined);
    }
  }
  if (options_.row_scale == RowScale::reciprocal) out = project_output<Sum>(joined, errors, trace);
  out.rowwise() += output_bias_.transpose();
  return out;
}

}  // namespace flare::arch
