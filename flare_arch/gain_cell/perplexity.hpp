// How well a decoder predicts a text: the mean of -log p(next token), in nats, and its exponential.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "flare_arch/attention/attention.hpp"
#include "flare_arch/gain_cell/character_text.hpp"
#include "flare_arch/models/transformer.hpp"

namespace flare::arch {

struct TextRun {
  int threads = 0;                                                           // 0: all
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};  // windows; one thread at a time
  std::stop_token stop = {};
};

struct TextLoss {
  double loss = 0;  // nats per token
  std::int64_t tokens = 0;
  bool stopped = false;  // the stop token ended the run before its last window
};

/// Attention of every layer, on whatever arithmetic.
using AttentionLayers = std::vector<std::unique_ptr<AttentionLayer>>;
AttentionLayers float_layers(const Transformer& model);

/// Sum of -log p of a window's targets. Throws std::runtime_error for logits that are not finite.
double window_loss(const MatrixF& logits, const TextWindow& window);

/// Calls visit(i) once for every window 0 .. windows - 1 over the threads; the first exception in the windows' order is
/// thrown on. False where it was stopped.
bool for_each_window(std::int64_t windows, const TextRun& run,
                     const std::function<void(std::int64_t)>& visit);

/// Over all windows; every window starts afresh, without what was before it. The numbers do not depend on threads. Throws
/// std::invalid_argument for a model that is no language model.
TextLoss text_loss(const Transformer& model, const AttentionLayers& layers,
                   const std::vector<TextWindow>& windows, const TextRun& run = {});

}  // namespace flare::arch
