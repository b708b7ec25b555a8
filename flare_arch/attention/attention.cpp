#include "flare_arch/attention/attention.hpp"

#include <cmath>
#include <stdexcept>

namespace flare::arch {

void AttentionWeights::check() const {
  const Eigen::Index d = query.rows();
  const auto square = [d](const MatrixF& m) { return m.rows() == d && m.cols() == d && m.allFinite(); };
  if (d < 1 || !square(query) || !square(key) || !square(value) || !square(output))
    throw std::invalid_argument("attention: the four projections must be square, alike and finite");
  if (heads < 1 || heads > 48 || d % heads != 0)
    throw std::invalid_argument("attention: 1 to 48 heads that divide the width are supported");
  if (output_bias.size() != d || !output_bias.allFinite())
    throw std::invalid_argument("attention: the output bias must have the layer's width");
}

LayerDie AttentionLayer::make_die(const AttentionErrors&, Eigen::Index) const { return {}; }

void softmax_rows(MatrixF& scores) {
  for (Eigen::Index i = 0; i < scores.rows(); ++i) {
    const float largest = scores.row(i).maxCoeff();
    float sum = 0;
    for (Eigen::Index j = 0; j < scores.cols(); ++j) sum += scores(i, j) = std::exp(scores(i, j) - largest);
    scores.row(i) /= sum;
  }
}

FloatAttention::FloatAttention(AttentionWeights weights, Ablation ablation)
    : weights_(std::move(weights)), ablation_(ablation) {
  weights_.check();
}

MatrixF FloatAttention::forward(const MatrixF& x, const AttentionErrors&) const {
  if (ablation_ == Ablation::removed) return MatrixF::Zero(x.rows(), x.cols());
  const Eigen::Index dk = weights_.head_width();
  const MatrixF q = x * weights_.query, k = x * weights_.key, v = x * weights_.value;
  MatrixF heads(x.rows(), x.cols());
  for (int h = 0; h < weights_.heads; ++h) {
    MatrixF scores = q.middleCols(h * dk, dk) * k.middleCols(h * dk, dk).transpose();
    scores *= 1.0f / std::sqrt(static_cast<float>(dk));
    if (ablation_ == Ablation::uniform) scores.setZero();
    softmax_rows(scores);
    heads.middleCols(h * dk, dk).noalias() = scores * v.middleCols(h * dk, dk);
  }
  MatrixF out = heads * weights_.output;
  out.rowwise() += weights_.output_bias.transpose();
  return out;
}

}  // namespace flare::arch
