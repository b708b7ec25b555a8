// What one attention layer's tensors take under each quantiser, its scales, shifts and flags counted apart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flare_arch/cost/traffic.hpp"
#include "flare_arch/models/accuracy.hpp"

namespace flare::arch {

struct TensorStorage {
  std::string tensor;  // weights (all four projections), input, input_kv, query, key, value, scores, output
  std::int64_t values = 0;    // numbers in it
  std::int64_t payload = 0;   // bits of the numbers themselves
  std::int64_t metadata = 0;  // bits of what is needed to read them
};

/// One layer, one sequence, as accuracy.hpp's quantisers make it. Floating point: 32 bits a value, no metadata.
/// Metadata: float scales of 32 bits (int8, qrazor; one per token, per head and token, per head or per tensor),
/// flags of 3 or 4 bits a group (qrazor), 5-bit shifts (emsbq, one per token or per head and token) and the row
/// sums that travel beside the scores (emsbq). Static shifts and the float scale per weight tensor are counted
/// with the weights. Throws std::invalid_argument for a quantiser that is not known.
std::vector<TensorStorage> layer_storage(const AttentionShape& shape, const AccuracyOptions& options);

}  // namespace flare::arch
