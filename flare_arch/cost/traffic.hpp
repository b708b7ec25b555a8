// Array sizes, cycles and tensor traffic of self-attention, by the paper's formulas (FLARE,
// sections 2.2, 3.3, 4.1 and 4.5, Fig. 9a). B sequences of N tokens, width D, H heads of d_k = D / H.
#pragma once

#include <cstdint>

namespace flare::arch {

struct AttentionShape {
  std::int64_t sequences = 1;  // B
  std::int64_t tokens = 1;     // N
  std::int64_t width = 1;      // D
  std::int64_t heads = 1;      // H

  std::int64_t head_width() const { return width / heads; }
};

/// Words that cross the device's border without fusion: B N D in, B N D out, 2 B H N^2 + 4 B H N d_k in and out.
std::int64_t unfused_traffic(const AttentionShape& s);
/// End-to-end fusion: the input is streamed twice (K and V first, then token by token), 2 B N D in, B N D out.
std::int64_t fused_traffic(const AttentionShape& s);

/// Smallest arrays that hold a layer.
struct ArraySizes {
  std::int64_t stationary_arrays = 0;      // Q, K, V, O
  std::int64_t stationary_word_lines = 0;  // each: D, dummy rows not counted
  std::int64_t stationary_bit_lines = 0;   // each: D x weight bits
  std::int64_t stationary_words = 0;       // in all: 4 D^2
  std::int64_t dynamic_arrays = 0;         // of K, and as many of V: H, one per head
  std::int64_t dynamic_word_lines = 0;     // each: d_k
  std::int64_t dynamic_bit_lines = 0;      // each: N x bits of K
  std::int64_t value_word_lines = 0;       // of V, each: N
  std::int64_t value_bit_lines = 0;        // each: d_k x bits of V
};
/// weight_bits, key_bits: planes of a stored value (2 n - 1 in sign-magnitude).
ArraySizes array_sizes(const AttentionShape& s, int weight_bits, int key_bits);

/// Cycles of a bit-serial product of N tokens with fixed groups of SAWL rows: ceil(D / SAWL) N bits.
std::int64_t fixed_cycles(std::int64_t tokens, std::int64_t depth, int rows_per_read, int input_bits);
/// The paper's figure with BitSift: ceil(D (1 - sparsity) / SAWL) per plane. A lower bound for whole slices.
std::int64_t sifted_cycles_per_plane(std::int64_t depth, double bit_sparsity, int rows_per_read);

}  // namespace flare::arch
