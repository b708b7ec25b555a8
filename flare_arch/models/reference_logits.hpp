// The logits that floating point gives, which the answers of other arithmetics are compared with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "flare_arch/models/transformer.hpp"

namespace flare::arch {

class ReferenceLogits {
 public:
  /// Keeps what fits `most_bytes`; the others are computed every time. The model outlives this.
  explicit ReferenceLogits(const Transformer& model, std::size_t most_bytes = std::size_t{256} << 20);

  /// Of `example`, number `index` of its set: one row, or one per token. Thread safe. Throws as Transformer::logits.
  std::shared_ptr<const MatrixF> logits(std::int64_t index, const Example& example) const;

 private:
  const Transformer& model_;
  std::vector<FloatAttention> attention_;
  std::size_t most_bytes_;
  mutable std::mutex mutex_;
  mutable std::size_t bytes_ = 0;
  mutable std::map<std::int64_t, std::shared_ptr<const MatrixF>> kept_;
};

}  // namespace flare::arch
