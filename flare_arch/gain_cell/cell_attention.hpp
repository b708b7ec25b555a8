// One attention layer on gain cells: projections in floating point, heads on cell_array.hpp.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "flare_arch/attention/attention.hpp"
#include "flare_arch/gain_cell/cell_array.hpp"
#include "flare_arch/gain_cell/cell_scalers.hpp"

namespace flare::arch {

/// What all layers of a model on gain cells share.
struct CellSystem {
  StoredLevels stored;
  CellArrayOptions array;
  MatrixD currents;  // ages x levels, A: level_currents()
  CellSpread spread;
  bool has_die = false;    // false: every cell gives its level's mean
  std::uint64_t seed = 1;  // of the die and of noise
};

/// Sees a head's values after scaling, tokens x head width: queries, keys and values before they are clamped, outputs before
/// the projection.
using ScaledTap = std::function<void(int head, ScaledOperand operand, const MatrixF& values)>;

/// q^ = clamp(a q + b, 0, 1) in 15 steps; k^ and v^ = clamp(a x + b, 0, 0.9 V) in 7 steps, which are levels of the cell
/// whatever its supply; the sum of counters, in units of a
/// full one, times a plus b.
class CellAttention : public AttentionLayer {
 public:
  /// Throws std::invalid_argument for weights that are not causal, have grouped heads or heads wider than an array, and for
  /// scalers of another number of heads.
  CellAttention(std::shared_ptr<const AttentionWeights> weights, LayerScalers scalers,
                const CellSystem& system, int layer);

  MatrixF forward(const MatrixF& x, const AttentionErrors& errors) const override;
  MatrixF forward(const MatrixF& x, std::uint32_t first_token, const ScaledTap& tap) const;

 private:
  CodeMatrix codes_of(const MatrixF& values, int head, ScaledOperand operand, const ScaledTap& tap) const;
  void scale(MatrixF& values, int head, ScaledOperand operand) const;

  std::shared_ptr<const AttentionWeights> weights_;
  LayerScalers scalers_;
  StoredLevels stored_;
  CellArrayOptions options_;
  std::vector<CellArray> heads_;
};

}  // namespace flare::arch
