// What the arrays of one layer read for one sequence, product by product, and how long the stages of its tokens take.
// Internal to flare_arch/cost.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "flare_arch/attention/attention.hpp"
#include "flare_arch/cost/product_tally.hpp"

namespace flare::arch {

/// What is counted of one layer over all sequences.
struct LayerTally {
  std::array<ProductTally, product_count> products;
  std::int64_t kv_cycles = 0, fused_cycles = 0, tensor_words = 0, tokens = 0, squares = 0;

  ProductTally& of(Product product) { return products[static_cast<std::size_t>(product)]; }
  const ProductTally& of(Product product) const { return products[static_cast<std::size_t>(product)]; }
  LayerTally& operator+=(const LayerTally& other);
};

/// Sees the reads that the array simulator makes of one layer of one sequence.
class LayerReads : public ReadObserver {
 public:
  LayerReads(const ModelShape& shape, const Architecture& architecture);

  void see(const ArrayJob& job, Eigen::Index token, TokenPlan& plan) override;
  /// The products that were read, and their stages as a pipeline. Throws std::logic_error where the counts differ from
  /// `simulated`, the simulator's own counters. Cut arrays read otherwise than whole ones: nothing to hold them to.
  LayerTally finish(Eigen::Index tokens, const AttentionCounters& simulated);

 private:
  using Cycles = std::vector<std::int64_t>;
  void hold_to(const AttentionCounters& simulated) const;
  Cycles stage_of(Product product, Eigen::Index tokens);
  void pipeline(Eigen::Index tokens);

  const ModelShape& shape_;
  const Architecture& a_;
  LayerTally tally_;
  TokenTally token_;
  std::array<std::vector<Cycles>, product_count> cycles_;  // [product][heads that read at once][token]
};

}  // namespace flare::arch
