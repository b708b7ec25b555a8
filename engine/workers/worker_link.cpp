#include "engine/workers/worker_link.hpp"

namespace flare::engine {

void WorkerLink::post(MessageKind kind, std::span<const std::uint8_t> body) {
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
  }
  append_message(kind, body, &out_);
}

void WorkerLink::clear() {
  out_.clear();
  sent_ = 0;
  cutter_ = {};
}

}  // namespace flare::engine
