#include "flare_arch/gain_cell/cell_attention.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "flare_arch/base/float_product.hpp"

namespace flare::arch {
namespace {

constexpr float range =
    0.9f;  // V: what scaled keys and values are given in; a cell of another supply stores as many levels

void check_fit(const AttentionWeights& weights, const LayerScalers& scalers) {
  weights.check();
  if (!weights.causal)
    throw std::invalid_argument("gain cells: attention must be causal; a token meets those that are stored");
  if (weights.groups() != weights.heads)
    throw std::invalid_argument("gain cells: grouped heads are not supported, every head has its arrays");
  for (const std::vector<Scaler>& heads : scalers.heads)
    if (heads.size() != static_cast<std::size_t>(weights.heads))
      throw std::invalid_argument("gain cells: scalers of another number of heads");
}

}  // namespace

CellAttention::CellAttention(std::shared_ptr<const AttentionWeights> weights, LayerScalers scalers,
                             const CellSystem& system, int layer)
    : weights_(std::move(weights)),
      scalers_(std::move(scalers)),
      stored_(system.stored),
      options_(system.array) {
  check_fit(*weights_, scalers_);
  if (weights_->head_width() > options_.tile)
    throw std::invalid_argument("gain cells: heads wider than an array's lines");
  heads_.reserve(static_cast<std::size_t>(weights_->heads));
  for (int head = 0; head < weights_->heads; ++head) {
    const DieHead place{system.seed, layer, head};
    std::shared_ptr<const HeadErrors> errors;
    if (system.has_die && !system.spread.is_none())
      errors = std::make_shared<const HeadErrors>(draw_head_errors(
          system.spread, stored_, place, options_.window, options_.tile, weights_->head_width()));
    heads_.emplace_back(system.currents, options_, std::move(errors), place);
  }
}

void CellAttention::scale(MatrixF& values, int head, ScaledOperand operand) const {
  const Scaler& s = scalers_.of(operand)[static_cast<std::size_t>(head)];
  values = (values.array() * static_cast<float>(s.a) + static_cast<float>(s.b)).matrix();
}

CodeMatrix CellAttention::codes_of(const MatrixF& values, int head, ScaledOperand operand,
                                   const ScaledTap& tap) const {
  MatrixF scaled = values;
  scale(scaled, head, operand);
  if (!scaled.allFinite()) throw std::runtime_error("gain cells: a scaled value is not finite");
  if (tap) tap(head, operand, scaled);
  const bool is_query = operand == ScaledOperand::query;
  const float top = is_query ? 1.0f : range;
  const auto step = top / static_cast<float>(is_query ? options_.input_steps : stored_.levels - 1);
  return scaled.unaryExpr(
      [=](float v) { return static_cast<std::uint8_t>(std::lrint(std::clamp(v, 0.0f, top) / step)); });
}

MatrixF CellAttention::forward(const MatrixF& x, const AttentionErrors& errors) const {
  return forward(x, errors.first_token, {});
}

MatrixF CellAttention::forward(const MatrixF& x, std::uint32_t first_token, const ScaledTap& tap) const {
  const AttentionWeights& w = *weights_;
  const Eigen::Index width = w.head_width();
  const MatrixF q = project_and_turn(x, w.query, w.query_bias, w.rotary.get());
  const MatrixF k = project_and_turn(x, w.key, w.key_bias, w.rotary.get());
  const MatrixF v = project_and_turn(x, w.value, w.value_bias, nullptr);
  MatrixF heads(x.rows(), q.cols());
  for (int h = 0; h < w.heads; ++h) {
    const auto of_head = [&](const MatrixF& all) { return MatrixF(all.middleCols(h * width, width)); };
    const HeadCodes codes{codes_of(of_head(q), h, ScaledOperand::query, tap),
                          codes_of(of_head(k), h, ScaledOperand::key, tap),
                          codes_of(of_head(v), h, ScaledOperand::value, tap)};
    MatrixF out = heads_[static_cast<std::size_t>(h)].forward(codes, first_token).cast<float>() /
                  static_cast<float>(options_.counter_steps);
    scale(out, h, ScaledOperand::output);
    if (tap) tap(h, ScaledOperand::output, out);
    heads.middleCols(h * width, width) = out;
  }
  MatrixF y = product(heads, w.output);
  y.rowwise() += w.output_bias.transpose();
  return y;
}

}  // namespace flare::arch
