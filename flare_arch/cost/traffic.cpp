#include "flare_arch/cost/traffic.hpp"

#include <cmath>

namespace flare::arch {

std::int64_t unfused_traffic(const AttentionShape& s) {
  return 2 * s.sequences * s.tokens * s.width + 2 * s.sequences * s.heads * s.tokens * s.tokens +
         4 * s.sequences * s.heads * s.tokens * s.head_width();
}

std::int64_t fused_traffic(const AttentionShape& s) { return 3 * s.sequences * s.tokens * s.width; }

ArraySizes array_sizes(const AttentionShape& s, int weight_bits, int key_bits) {
  return {4,
          s.width,
          s.width * weight_bits,
          4 * s.width * s.width,
          s.heads,
          s.head_width(),
          s.tokens * key_bits,
          s.tokens,
          s.head_width() * key_bits};
}

std::int64_t fixed_cycles(std::int64_t tokens, std::int64_t depth, int rows_per_read, int input_bits) {
  return (depth + rows_per_read - 1) / rows_per_read * tokens * input_bits;
}

std::int64_t sifted_cycles_per_plane(std::int64_t depth, double bit_sparsity, int rows_per_read) {
  return static_cast<std::int64_t>(
      std::ceil(static_cast<double>(depth) * (1 - bit_sparsity) / rows_per_read));
}

}  // namespace flare::arch
