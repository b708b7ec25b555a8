#include "flare_arch/gain_cell/adaptation.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace flare::arch {
namespace {

struct Sums {
  double values = 0, squares = 0, count = 0;

  void add(const MatrixF& m) {
    const auto v = m.cast<double>().array();
    values += v.sum();
    squares += v.square().sum();
    count += static_cast<double>(m.size());
  }
  Sums& operator+=(const Sums& other) {
    values += other.values;
    squares += other.squares;
    count += other.count;
    return *this;
  }
  Moments moments() const {
    const double mean = values / count;
    return {mean, std::sqrt(std::max(0.0, squares / count - mean * mean))};
  }
};

using LayerSums = std::array<std::vector<Sums>, 4>;

/// What one window adds.
struct WindowSums {
  std::vector<LayerSums> layers;
  double loss = 0;
};

WindowSums sums_of(const Transformer& model, const std::vector<CellAttention>& layers,
                   const TextWindow& window, std::uint32_t first_token) {
  WindowSums sums;
  sums.layers.resize(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i)
    sums.layers[i].fill(std::vector<Sums>(static_cast<std::size_t>(model.spec().heads)));
  Example example;
  example.tokens = window.inputs;
  LayerProducts products;
  products.attention = [&](int layer, const MatrixF& x) {
    const auto at = static_cast<std::size_t>(layer);
    return layers[at].forward(x, first_token, [&](int head, ScaledOperand operand, const MatrixF& values) {
      sums.layers[at][static_cast<std::size_t>(operand)][static_cast<std::size_t>(head)].add(values);
    });
  };
  sums.loss = window_loss(model.logits(example, products), window);
  return sums;
}

std::vector<CellAttention> make_layers(const Transformer& model, const std::vector<LayerScalers>& scalers,
                                       const CellSystem& system) {
  std::vector<CellAttention> layers;
  layers.reserve(static_cast<std::size_t>(model.spec().layers));
  for (int i = 0; i < model.spec().layers; ++i)
    layers.emplace_back(model.shared_attention(i), scalers.at(static_cast<std::size_t>(i)), system, i);
  return layers;
}

/// In the windows' order, whoever computed them.
CellPass joined(const std::vector<WindowSums>& windows, std::int64_t tokens) {
  std::vector<LayerSums> all = windows.front().layers;
  double loss = windows.front().loss;
  for (std::size_t w = 1; w < windows.size(); ++w) {
    loss += windows[w].loss;
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t o = 0; o < all[i].size(); ++o)
        for (std::size_t h = 0; h < all[i][o].size(); ++h) all[i][o][h] += windows[w].layers[i][o][h];
  }
  CellPass pass;
  pass.loss = loss / static_cast<double>(tokens);
  for (const LayerSums& layer : all) {
    LayerMoments moments;
    for (std::size_t o = 0; o < layer.size(); ++o)
      for (const Sums& s : layer[o]) moments[o].push_back(s.moments());
    pass.layers.push_back(std::move(moments));
  }
  return pass;
}

/// Moves one pair; true where it was off.
bool move(Scaler& s, const Moments& now, const Moments& target, double step, double tolerance) {
  const bool off_deviation = std::abs(target.deviation - now.deviation) > tolerance && now.deviation > 0;
  const bool off_mean = std::abs(target.mean - now.mean) > tolerance;
  if (off_deviation) s.a += step * s.a * (target.deviation / now.deviation - 1);
  if (off_mean) s.b += step * (target.mean - now.mean);
  return off_deviation || off_mean;
}

bool move_all(std::vector<LayerScalers>& scalers, const CellPass& pass,
              const std::vector<LayerMoments>& targets, double step, double tolerance) {
  bool moved = false;
  for (std::size_t i = 0; i < scalers.size(); ++i)
    for (const ScaledOperand operand : scaled_operands) {
      const auto o = static_cast<std::size_t>(operand);
      for (std::size_t h = 0; h < scalers[i].of(operand).size(); ++h)
        moved |= move(scalers[i].of(operand)[h], pass.layers[i][o][h], targets[i][o][h], step, tolerance);
    }
  return moved;
}

void check_targets(const std::vector<LayerMoments>& targets, const std::vector<LayerScalers>& scalers) {
  bool fits = targets.size() == scalers.size();
  for (std::size_t i = 0; fits && i < targets.size(); ++i)
    for (std::size_t o = 0; o < targets[i].size(); ++o)
      fits &= targets[i][o].size() == scalers[i].heads[o].size();
  if (!fits) throw std::invalid_argument("adaptation: targets of another number of layers or heads");
}

}  // namespace

CellPass run_cells(const Transformer& model, const std::vector<LayerScalers>& scalers,
                   const CellSystem& system, const std::vector<TextWindow>& batch, const TextRun& run) {
  if (batch.empty()) throw std::invalid_argument("adaptation: no text to look at");
  const std::vector<CellAttention> layers = make_layers(model, scalers, system);
  std::vector<WindowSums> sums(batch.size());
  const auto length = static_cast<std::uint32_t>(model.spec().tokens());
  const bool done = for_each_window(static_cast<std::int64_t>(batch.size()), run, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    sums[at] = sums_of(model, layers, batch[at], static_cast<std::uint32_t>(i) * length);
  });
  if (!done) return {};
  std::int64_t tokens = 0;
  for (const TextWindow& window : batch) tokens += static_cast<std::int64_t>(window.targets.size());
  return joined(sums, tokens);
}

Adaptation adapt(const Transformer& model, std::vector<LayerScalers> scalers, const CellSystem& system,
                 const std::vector<LayerMoments>& targets, const std::vector<TextWindow>& batch,
                 const AdaptationOptions& options, const TextRun& run) {
  check_targets(targets, scalers);
  Adaptation result;
  result.scalers = std::move(scalers);
  for (int pass = 0;; ++pass) {
    const CellPass now = run_cells(model, result.scalers, system, batch, run);
    if (now.layers.empty()) return result;  // stopped
    result.losses.push_back(now.loss);
    if (pass == options.passes) return result;
    const double fallen = std::min(1.0, static_cast<double>(pass) / options.falling_passes);
    const double step = options.first_step + fallen * (options.last_step - options.first_step);
    result.settled = !move_all(result.scalers, now, targets, step, options.tolerance);
    if (result.settled) return result;
    ++result.passes;
  }
}

AttentionLayers cell_layers(const Transformer& model, const std::vector<LayerScalers>& scalers,
                            const CellSystem& system) {
  AttentionLayers layers;
  layers.reserve(static_cast<std::size_t>(model.spec().layers));
  for (int i = 0; i < model.spec().layers; ++i)
    layers.push_back(std::make_unique<CellAttention>(model.shared_attention(i),
                                                     scalers.at(static_cast<std::size_t>(i)), system, i));
  return layers;
}

}  // namespace flare::arch
