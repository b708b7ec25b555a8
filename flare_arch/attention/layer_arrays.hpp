// The arrays of one attention layer by number: how each errs, and what is frozen of it on a die.
#pragma once

#include "flare_arch/attention/attention.hpp"

namespace flare::arch {

/// Numbers within a layer; heads, and the products of the feed-forward part, count from theirs. The stream key of an array is layer * arrays_per_layer + its number.
inline constexpr int query_array = 0, key_array = 1, value_array = 2, mlp_arrays = 3, output_arrays = 16,
                     key_heads = 64, value_heads = 128, arrays_per_layer = 256;

/// What the products of array number `array` are for.
Operand operand_of(int array);

/// How array `array` of a layer errs; stationary: it holds weights.
ErrorInjection array_injection(const AttentionErrors& errors, int layer, int array, bool stationary);
/// How the reads of `reader` err on the cells of `array`: heads that share an array meet the same frozen errors, and
/// draw their own noise.
ErrorInjection shared_injection(const AttentionErrors& errors, int layer, int reader, int array);

/// Draws what is frozen of arrays of a layer, one by one.
class LayerDieMaker {
 public:
  LayerDieMaker(const AttentionErrors& errors, int layer);
  /// Nothing for an array without errors, or whose model freezes nothing.
  void add(int array, bool stationary, Eigen::Index rows, Eigen::Index bitlines);
  LayerDie take() { return std::move(die_); }

 private:
  const AttentionErrors& errors_;
  int layer_;
  LayerDie die_;
};

}  // namespace flare::arch
