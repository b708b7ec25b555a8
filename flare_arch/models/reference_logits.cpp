#include "flare_arch/models/reference_logits.hpp"

namespace flare::arch {

ReferenceLogits::ReferenceLogits(const Transformer& model, std::size_t most_bytes)
    : model_(model), most_bytes_(most_bytes) {
  for (int i = 0; i < model.spec().layers; ++i) attention_.emplace_back(model.shared_attention(i));
}

std::shared_ptr<const MatrixF> ReferenceLogits::logits(std::int64_t index, const Example& example) const {
  {
    const std::lock_guard lock(mutex_);
    const auto known = kept_.find(index);
    if (known != kept_.end()) return known->second;
  }
  const auto forward = [this](int layer, const MatrixF& x) { return attention_[layer].forward(x, {}); };
  auto computed = std::make_shared<const MatrixF>(model_.logits(example, {forward}));
  const std::size_t bytes = static_cast<std::size_t>(computed->size()) * sizeof(float);
  const std::lock_guard lock(mutex_);
  if (bytes_ + bytes <= most_bytes_ && kept_.emplace(index, computed).second) bytes_ += bytes;
  return computed;
}

}  // namespace flare::arch
