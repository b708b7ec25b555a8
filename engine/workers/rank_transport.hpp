// What the processes of a job started by mpirun or srun say to each other. Rank 0 runs the study; every other rank
// has workers of its own and relays between them and rank 0.
//
//   rank 0 -> rank                                  rank -> rank 0
//   start    a worker, anew; bytes: its program,    bytes   what the worker says
//            none for the simulator's
//   bytes    what the worker is told                closed  the worker has gone
//   kill     at once; dismiss: once it is idle               in the byte of its frame how it died
//                                                   state   processor time and memory of a worker, now and then
//   end      nothing will come any more
//
// Bytes are those of worker_protocol.hpp, cut into pieces that MPI takes without waiting for the other side: a rank that
// is busy is slow to look, and rank 0 must not stand still for it.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/workers/worker_protocol.hpp"

namespace flare::engine {

enum class RankMessage : std::uint32_t { start = 1, bytes, kill, dismiss, closed, state, end };

/// Eager messages of Open MPI end at 4,096 bytes with its header (btl_vader_eager_limit).
inline constexpr std::size_t max_piece_bytes = 3400;

struct RankFrame {
  RankMessage kind = RankMessage::bytes;
  std::uint32_t worker = 0;  // of the rank, from 0
  std::uint32_t life = 0;    // how often it was started: what an earlier life said is passed over
  Bytes bytes;               // at most max_piece_bytes
};

/// Frames as bytes of a message. Throws ProtocolError for what is none.
Bytes encode_frame(const RankFrame& frame);
RankFrame decode_frame(std::span<const std::uint8_t> bytes);

class RankTransport {
 public:
  virtual ~RankTransport() = default;
  /// Never waits; frames to one rank arrive in the order they were sent.
  virtual void send(int rank, const RankFrame& frame) = 0;
  struct Received {
    int rank = 0;
    RankFrame frame;
  };
  /// The next that has arrived, if any.
  virtual std::optional<Received> receive() = 0;
};

}  // namespace flare::engine
