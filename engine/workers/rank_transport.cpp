#include "engine/workers/rank_transport.hpp"

namespace flare::engine {

Bytes encode_frame(const RankFrame& frame) {
  BodyWriter body;
  body.number(static_cast<std::uint32_t>(frame.kind)).number(frame.worker).number(frame.life);
  Bytes bytes = body.take();
  bytes.insert(bytes.end(), frame.bytes.begin(), frame.bytes.end());
  return bytes;
}

RankFrame decode_frame(std::span<const std::uint8_t> bytes) {
  BodyReader body(bytes);
  const auto kind = body.number<std::uint32_t>();
  if (kind < static_cast<std::uint32_t>(RankMessage::start) ||
      kind > static_cast<std::uint32_t>(RankMessage::end))
    throw ProtocolError("what arrived is not a frame");
  RankFrame frame;
  frame.kind = static_cast<RankMessage>(kind);
  frame.worker = body.number<std::uint32_t>();
  frame.life = body.number<std::uint32_t>();
  const std::span<const std::uint8_t> rest = bytes.subspan(3 * sizeof(std::uint32_t));
  if (rest.size() > max_piece_bytes) throw ProtocolError("a frame is longer than frames are");
  frame.bytes.assign(rest.begin(), rest.end());
  return frame;
}

}  // namespace flare::engine
