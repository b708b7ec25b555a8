#include "engine/workers/rank_relay.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace flare::engine {
namespace {

// Between two looks for frames, which have no descriptor: less than a run, and little of a core.
constexpr long least_nap = 50'000;  // ns
constexpr long longest_nap = 500'000;

constexpr std::chrono::milliseconds between_states{200};

constexpr std::uint32_t most_workers = 4096;  // of one rank

/// Of those that ranks start there are two.
std::filesystem::path other_program(const Bytes& name) {
  constexpr std::string_view answers = "flare_answers";
  if (std::string_view(reinterpret_cast<const char*>(name.data()), name.size()) != answers)
    throw ProtocolError("a program that ranks do not start");
  return find_program(std::string(answers));
}

}  // namespace

RankRelay::RankRelay(RankTransport& transport, std::filesystem::path program)
    : transport_(transport), program_(std::move(program)) {}

void RankRelay::serve(std::stop_token stop) {
  long nap = least_nap;
  while (!ended_ && !stop.stop_requested()) {
    const bool any_frame = take_frames();
    const bool any_word = wait(any_frame ? 0 : nap);
    report_states();
    nap = any_frame || any_word ? least_nap : std::min(2 * nap, longest_nap);
  }
  for (Slot& slot : slots_) slot.process.dismiss();
}

/// Rank 0 cannot see how a worker gets on.
void RankRelay::report_states() {
  const auto now = std::chrono::steady_clock::now();
  if (now - reported_ < between_states) return;
  reported_ = now;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (!slot.process.running()) continue;
    BodyWriter body;
    body.number(slot.process.processor_time())
        .number(static_cast<std::uint64_t>(slot.process.resident_bytes()));
    tell(RankMessage::state, slot, static_cast<std::uint32_t>(i), body.take());
  }
}

bool RankRelay::take_frames() {
  bool any = false;
  while (!ended_) {
    const std::optional<RankTransport::Received> received = transport_.receive();
    if (!received) break;
    take(received->frame);
    any = true;
  }
  return any;
}

void RankRelay::take(const RankFrame& frame) {
  if (frame.kind == RankMessage::end) {
    ended_ = true;
    return;
  }
  if (frame.worker >= most_workers) throw ProtocolError("a frame for a worker that no rank has");
  while (slots_.size() <= frame.worker) slots_.emplace_back();
  Slot& slot = slots_[frame.worker];
  switch (frame.kind) {
    case RankMessage::start:
      slot.life = frame.life;
      return start(slot, frame);
    case RankMessage::bytes:
      if (frame.life == slot.life && slot.process.running()) pass_on(slot, frame);
      return;
    case RankMessage::kill:
      return slot.process.kill();
    case RankMessage::dismiss:
      return slot.process.dismiss();
    default:
      throw ProtocolError("a frame that only other ranks send");
  }
}

void RankRelay::start(Slot& slot, const RankFrame& frame) {
  slot.told = {};
  try {
    slot.process.start(frame.bytes.empty() ? program_ : other_program(frame.bytes));
  } catch (const std::system_error&) {
    close(slot, frame.worker);  // rank 0 tries again, and says so where that does not help
  }
}

void RankRelay::pass_on(Slot& slot, const RankFrame& frame) {
  slot.told.feed(frame.bytes);
  while (std::optional<Message> message = slot.told.next()) slot.process.post(message->kind, message->body);
  if (!slot.process.flush()) close(slot, frame.worker);
}

/// Until a worker speaks or can take more, at most so long; carries what there is. True where a worker spoke.
bool RankRelay::wait(long nanoseconds) {
  std::vector<pollfd> polled;
  polled.reserve(slots_.size());
  for (const Slot& slot : slots_) {
    const int events = POLLIN | (slot.process.wants_to_send() ? POLLOUT : 0);
    polled.push_back({slot.process.socket(), static_cast<short>(events), 0});
  }
  const timespec nap{0, nanoseconds};
  if (ppoll(polled.data(), polled.size(), &nap, nullptr) <= 0) return false;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (polled[i].fd >= 0 && polled[i].revents != 0) report(slots_[i], static_cast<std::uint32_t>(i));
  }
  return true;
}

void RankRelay::report(Slot& slot, std::uint32_t worker) {
  const bool alive = slot.process.flush() && slot.process.receive();
  Bytes said;
  try {
    while (std::optional<Message> message = slot.process.next())
      append_message(message->kind, message->body, &said);
  } catch (const ProtocolError&) {
    return close(slot, worker);
  }
  for (std::size_t from = 0; from < said.size(); from += max_piece_bytes) {
    const auto first = said.begin() + static_cast<std::ptrdiff_t>(from);
    const std::size_t size = std::min(max_piece_bytes, said.size() - from);
    tell(RankMessage::bytes, slot, worker, Bytes(first, first + static_cast<std::ptrdiff_t>(size)));
  }
  if (!alive) close(slot, worker);
}

void RankRelay::close(Slot& slot, std::uint32_t worker) {
  const Death death = slot.process.bury();
  tell(RankMessage::closed, slot, worker, {static_cast<std::uint8_t>(death)});
}

void RankRelay::tell(RankMessage kind, const Slot& slot, std::uint32_t worker, Bytes bytes) {
  transport_.send(0, {kind, worker, slot.life, std::move(bytes)});
}

}  // namespace flare::engine
