#include "engine/workers/rank_workers.hpp"

#include <algorithm>

namespace flare::engine {

/// One worker of another rank.
class RankWorker final : public WorkerLink {
 public:
  /// `program`: empty for the simulator.
  RankWorker(RankTransport& transport, int rank, std::uint32_t worker, const std::string& program)
      : transport_(transport), rank_(rank), worker_(worker), program_(program.begin(), program.end()) {}

  bool running() const override { return running_; }
  bool has_news() const override { return news_; }

  // The other machine's program is found there.
  void start(const std::filesystem::path&) override {
    clear();
    news_ = closed_ = false;
    running_ = true;
    death_ = Death::from_outside;  // until its rank says otherwise
    processor_time_ = 0.0;
    resident_bytes_ = 0;
    ++life_;
    tell(RankMessage::start, program_);
  }
  void kill() override { end(RankMessage::kill); }
  Death bury() override {
    end(RankMessage::kill);
    return death_;
  }
  double processor_time() const override { return processor_time_; }
  std::size_t resident_bytes() const override { return resident_bytes_; }
  void dismiss() override { end(RankMessage::dismiss); }

  bool flush() override {
    while (wants_to_send()) {
      const std::span<const std::uint8_t> piece = unsent().first(std::min(unsent().size(), max_piece_bytes));
      tell(RankMessage::bytes, Bytes(piece.begin(), piece.end()));
      sent(piece.size());
    }
    return !closed_;
  }
  bool receive() override {
    news_ = false;
    return !closed_;
  }

  /// What the rank said of it.
  void take(const RankFrame& frame) {
    if (frame.life != life_ || !running_) return;
    if (frame.kind == RankMessage::state) {
      BodyReader body(frame.bytes);
      processor_time_ = body.number<double>();
      resident_bytes_ = static_cast<std::size_t>(body.number<std::uint64_t>());
      return;
    }
    if (frame.kind == RankMessage::closed) {
      closed_ = true;
      death_ = frame.bytes.size() == 1 && frame.bytes[0] == static_cast<std::uint8_t>(Death::from_outside)
                   ? Death::from_outside
                   : Death::crash;
    }
    if (frame.kind == RankMessage::bytes) arrived(frame.bytes);
    news_ = true;
  }

 private:
  void tell(RankMessage kind, Bytes bytes = {}) {
    transport_.send(rank_, {kind, worker_, life_, std::move(bytes)});
  }
  void end(RankMessage how) {
    if (!running_) return;
    tell(how);
    running_ = news_ = closed_ = false;
    clear();
  }

  RankTransport& transport_;
  int rank_;
  std::uint32_t worker_;
  Bytes program_;
  std::uint32_t life_ = 0;
  bool running_ = false;
  bool news_ = false;
  bool closed_ = false;
  Death death_ = Death::from_outside;
  double processor_time_ = 0.0;  // as its rank said last
  std::size_t resident_bytes_ = 0;
};

RankWorkers::RankWorkers(RankTransport& transport, std::span<const int> workers) : transport_(transport) {
  for (std::size_t i = 0; i < workers.size(); ++i) {
    std::vector<RankWorker*>& of_rank = of_rank_.emplace_back();
    for (int w = 0; w < workers[i]; ++w) {
      auto link =
          std::make_unique<RankWorker>(transport, static_cast<int>(i) + 1, static_cast<std::uint32_t>(w), "");
      of_rank.push_back(link.get());
      links_.push_back(std::move(link));
    }
  }
}

std::vector<WorkerLink*> RankWorkers::others(const std::string& program) {
  std::vector<WorkerLink*> made;
  for (std::size_t i = 0; i < of_rank_.size(); ++i) {
    const auto worker = static_cast<std::uint32_t>(of_rank_[i].size());
    auto link = std::make_unique<RankWorker>(transport_, static_cast<int>(i) + 1, worker, program);
    of_rank_[i].push_back(link.get());
    made.push_back(link.get());
    others_.push_back(std::move(link));
  }
  return made;
}

bool RankWorkers::exchange() {
  bool any = false;
  while (const std::optional<RankTransport::Received> received = transport_.receive()) {
    const auto rank = static_cast<std::size_t>(received->rank) - 1;
    if (rank >= of_rank_.size() || received->frame.worker >= of_rank_[rank].size())
      throw ProtocolError("a frame of a worker that nobody has");
    of_rank_[rank][received->frame.worker]->take(received->frame);
    any = true;
  }
  return any;
}

void end_ranks(RankTransport& transport, int ranks) {
  for (int rank = 1; rank < ranks; ++rank) transport.send(rank, {RankMessage::end, 0, 0, {}});
}

}  // namespace flare::engine
