#include "flare_arch/attention/attention.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "flare_arch/base/float_functions.hpp"
#include "flare_arch/base/float_product.hpp"

namespace flare::arch {

void AttentionWeights::check() const {
  const Eigen::Index d = query.rows(), columns = query.cols();
  if (heads < 1 || heads > 48 || columns % heads != 0)
    throw std::invalid_argument("attention: 1 to 48 heads that divide the queries' columns are supported");
  if (groups() > heads || heads % groups() != 0)
    throw std::invalid_argument("attention: the heads of keys and values must divide the heads of queries");
  const Eigen::Index shared = groups() * head_width();
  const auto fits = [](const MatrixF& m, Eigen::Index rows, Eigen::Index across) {
    return m.rows() == rows && m.cols() == across && m.allFinite();
  };
  if (d < 1 || columns < 1 || !fits(query, d, columns) || !fits(key, d, shared) || !fits(value, d, shared) ||
      !fits(output, columns, d))
    throw std::invalid_argument("attention: the four projections must fit each other and be finite");
  if (output_bias.size() != d || !output_bias.allFinite())
    throw std::invalid_argument("attention: the output bias must have the layer's width");
  const auto is_bias = [](const VectorF& bias, const MatrixF& of) {
    return bias.size() == 0 || (bias.size() == of.cols() && bias.allFinite());
  };
  if (!is_bias(query_bias, query) || !is_bias(key_bias, key) || !is_bias(value_bias, value))
    throw std::invalid_argument("attention: a bias of queries, keys or values has another length");
  if (rotary != nullptr && rotary->head_width() != head_width())
    throw std::invalid_argument("attention: the rotary positions are of another head width");
}

AttentionForm::AttentionForm(const AttentionWeights& weights)
    : heads(weights.heads),
      groups(weights.groups()),
      head_width(weights.head_width()),
      causal(weights.causal),
      rotary(weights.rotary),
      query_bias(weights.query_bias),
      key_bias(weights.key_bias),
      value_bias(weights.value_bias),
      output_bias(weights.output_bias) {
  weights.check();
}

LayerDie AttentionLayer::make_die(const AttentionErrors&, Eigen::Index) const { return {}; }

void softmax_rows(MatrixF& scores, bool causal) {
  if (!causal && is_worth_vectors(scores)) {
    softmax_vectors(scores);
    return;
  }
  for (Eigen::Index i = 0; i < scores.rows(); ++i) {
    const Eigen::Index met = causal ? std::min(i + 1, scores.cols()) : scores.cols();
    const float largest = scores.row(i).head(met).maxCoeff();
    float sum = 0;
    for (Eigen::Index j = 0; j < met; ++j) sum += scores(i, j) = std::exp(scores(i, j) - largest);
    scores.row(i).head(met) /= sum;
    scores.row(i).tail(scores.cols() - met).setZero();
  }
}

void add_bias(MatrixF& rows, const VectorF& bias) {
  if (bias.size() > 0) rows.rowwise() += bias.transpose();
}

void turn_heads(MatrixF& rows, const RotaryTable* rotary) {
  if (rotary == nullptr) return;
  if (rows.rows() > rotary->positions())
    throw std::invalid_argument("attention: the sequence is longer than the rotary positions");
  const auto width = static_cast<std::size_t>(rotary->head_width());
  for (Eigen::Index t = 0; t < rows.rows(); ++t)
    for (std::size_t at = 0; at < static_cast<std::size_t>(rows.cols()); at += width)
      rotary->turn({rows.row(t).data() + at, width}, static_cast<int>(t));
}

MatrixF project_and_turn(const MatrixF& x, const MatrixF& weight, const VectorF& bias,
                         const RotaryTable* rotary) {
  MatrixF y = product(x, weight);
  add_bias(y, bias);
  turn_heads(y, rotary);
  return y;
}

FloatAttention::FloatAttention(AttentionWeights weights, Ablation ablation)
    : FloatAttention(std::make_shared<const AttentionWeights>(std::move(weights)), ablation) {}

FloatAttention::FloatAttention(std::shared_ptr<const AttentionWeights> weights, Ablation ablation)
    : weights_(std::move(weights)), ablation_(ablation) {
  weights_->check();
}

MatrixF FloatAttention::forward(const MatrixF& x, const AttentionErrors&) const {
  if (ablation_ == Ablation::removed) return MatrixF::Zero(x.rows(), x.cols());
  const AttentionWeights& w = *weights_;
  const Eigen::Index dk = w.head_width();
  const MatrixF q = project_and_turn(x, w.query, w.query_bias, w.rotary.get());
  const MatrixF k = project_and_turn(x, w.key, w.key_bias, w.rotary.get());
  const MatrixF v = project_and_turn(x, w.value, w.value_bias, nullptr);
  MatrixF heads(x.rows(), q.cols());
  for (int h = 0; h < w.heads; ++h) {
    const Eigen::Index shared = w.group_of(h) * dk;
    MatrixF scores = product_with_transposed(q.middleCols(h * dk, dk), k.middleCols(shared, dk));
    scores *= 1.0f / std::sqrt(static_cast<float>(dk));
    if (ablation_ == Ablation::uniform) scores.setZero();
    softmax_rows(scores, w.causal);
    heads.middleCols(h * dk, dk) = product(scores, v.middleCols(shared, dk));
  }
  MatrixF out = product(heads, w.output);
  out.rowwise() += w.output_bias.transpose();
  return out;
}

}  // namespace flare::arch
