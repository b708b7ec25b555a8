// The sizes of a model, all that a cost needs of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flare_arch/cost/traffic.hpp"
#include "flare_arch/models/model_spec.hpp"

namespace flare::arch {

struct ModelShape {
  std::string name;
  int layers = 1, tokens = 1, width = 1, heads = 1;
  int groups = 0;      // heads of keys and values; 0: as many as heads
  int head_width = 0;  // 0: width / heads
  int mlp_width = 0;   // 0: no feed-forward part
  bool gated = false, causal = false;

  int kv_heads() const { return groups > 0 ? groups : heads; }
  int head() const { return head_width > 0 ? head_width : width / heads; }
  AttentionShape attention() const { return {1, tokens, width, heads}; }
  /// Multiplications of a layer for a sequence: projections and the two products with keys and values; with the
  /// feed-forward part where `encoder`. A causal model meets half of the products with keys and values.
  double macs(bool encoder) const;
};

ModelShape shape_of_model(const ModelSpec& spec);

/// A published model by name, its usual length unless `tokens` is given: bert_base (384), bert_large (512), vit_b16 (197),
/// deit_tiny, deit_small, deit_base (197). Nothing for another name.
std::optional<ModelShape> known_shape(const std::string& name, int tokens = 0);
std::vector<std::string> known_shape_names();

}  // namespace flare::arch
