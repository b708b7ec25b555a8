// Fits a model's scalers to another cell by forward passes alone (Leroux et al. 2025, Methods; the authors' code).
//
// What the model was trained with gives the targets: mean mu and deviation sigma, per layer and head, of the scaled queries,
// keys, values and outputs over a batch of text. On the other cell each pass moves every pair that is off by more than
// 1e-4:
//
//   a <- a + alpha a (sigma_target / sigma - 1),   b <- b + alpha (mu_target - mu)
//
// with alpha falling from 1 to 0.1 over 50 passes. Only the output's pair sees its own layer's cells, the others
// those below.
#pragma once

#include <array>
#include <vector>

#include "flare_arch/gain_cell/cell_attention.hpp"
#include "flare_arch/gain_cell/perplexity.hpp"

namespace flare::arch {

/// Of all tokens and components of a head.
struct Moments {
  double mean = 0, deviation = 0;
};

/// Moments of one layer's heads, by ScaledOperand.
using LayerMoments = std::array<std::vector<Moments>, 4>;

struct CellPass {
  std::vector<LayerMoments> layers;
  double loss = 0;  // nats per token, of the batch
};

/// One forward pass of the batch on the cells.
CellPass run_cells(const Transformer& model, const std::vector<LayerScalers>& scalers,
                   const CellSystem& system, const std::vector<TextWindow>& batch, const TextRun& run = {});

struct AdaptationOptions {
  int passes = 100;         // at most
  double tolerance = 1e-4;  // of means and deviations
  double first_step = 1.0, last_step = 0.1;
  int falling_passes = 50;
};

struct Adaptation {
  std::vector<LayerScalers> scalers;
  std::vector<double> losses;  // of the batch before each pass, and at the end
  int passes = 0;              // that moved something
  bool settled = false;        // nothing was off any more
};

/// `targets`: moments of the model on the cells it was trained with. Throws std::invalid_argument for
/// targets of another shape.
Adaptation adapt(const Transformer& model, std::vector<LayerScalers> scalers, const CellSystem& system,
                 const std::vector<LayerMoments>& targets, const std::vector<TextWindow>& batch,
                 const AdaptationOptions& options = {}, const TextRun& run = {});

/// Layers of the model on cells.
AttentionLayers cell_layers(const Transformer& model, const std::vector<LayerScalers>& scalers,
                            const CellSystem& system);

}  // namespace flare::arch
