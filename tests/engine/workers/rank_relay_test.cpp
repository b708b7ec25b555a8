// Ranks without MPI: a relay on a thread of its own, frames through two queues.
#include "engine/workers/rank_relay.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <mutex>
#include <random>
#include <thread>

#include "engine/workers/rank_workers.hpp"
#include "engine/workers/worker_pool.hpp"
#include "tests/engine/simulate/testbenches.hpp"

namespace flare::engine {
namespace {

class Queue {
 public:
  void push(const RankFrame& frame) {
    EXPECT_LE(encode_frame(frame).size(), 3500u);
    const std::lock_guard lock(mutex_);
    frames_.push_back(encode_frame(frame));
  }
  std::optional<RankFrame> pop() {
    const std::lock_guard lock(mutex_);
    if (frames_.empty()) return std::nullopt;
    RankFrame frame = decode_frame(frames_.front());
    frames_.pop_front();
    return frame;
  }

 private:
  std::mutex mutex_;
  std::deque<Bytes> frames_;
};

/// One end; whoever is at the other is called `other` here.
class End final : public RankTransport {
 public:
  End(Queue& out, Queue& in, int other) : out_(out), in_(in), other_(other) {}
  void send(int, const RankFrame& frame) override { out_.push(frame); }
  std::optional<Received> receive() override {
    std::optional<RankFrame> frame = in_.pop();
    if (!frame) return std::nullopt;
    return Received{other_, std::move(*frame)};
  }

 private:
  Queue& out_;
  Queue& in_;
  int other_;
};

class RankRelayTest : public ::testing::Test {
 protected:
  RankRelayTest()
      : rank_0_(down_, up_, 1),
        rank_1_(up_, down_, 0),
        relay_([this](const std::stop_token& stop) { RankRelay(rank_1_, program_).serve(stop); }) {}
  ~RankRelayTest() override { end_ranks(rank_0_, 2); }

  WorkerPool pool(int remote) {
    WorkerPoolOptions options;
    options.worker = program_;
    options.workers = 1;
    const std::vector<int> workers{remote};
    return WorkerPool(options, std::make_unique<RankWorkers>(rank_0_, workers));
  }

  std::filesystem::path program_ = FLARE_BINARY_DIR "/bin/flare_worker";
  Queue down_, up_;
  End rank_0_, rank_1_;
  std::jthread relay_;
};

Job column_job(Eigen::Index runs) {
  std::mt19937_64 generator(7);
  std::normal_distribution<double> normal;
  Job job{std::make_shared<Testbench>(testing::column_testbench()), Matrix(runs, 32)};
  for (Eigen::Index i = 0; i < job.points.size(); ++i) job.points.data()[i] = normal(generator);
  return job;
}

std::vector<std::vector<double>> measures_of(WorkerPool& pool, const Job& job) {
  std::vector<std::vector<double>> measures(static_cast<std::size_t>(job.points.rows()));
  pool.evaluate({&job, 1}, [&](std::size_t, std::size_t row, const RunResult& result) {
    EXPECT_EQ(result.outcome, Outcome::ok) << result.message;
    EXPECT_TRUE(measures[row].empty());
    measures[row] = result.measures;
  });
  return measures;
}

TEST_F(RankRelayTest, SameBitsAsHere) {
  const Job job = column_job(40);
  WorkerPoolOptions options;
  options.worker = program_;
  options.workers = 1;
  WorkerPool here(options);
  WorkerPool both = pool(2);
  EXPECT_EQ(both.workers(), 3);
  EXPECT_EQ(measures_of(here, job), measures_of(both, job));
}

TEST_F(RankRelayTest, RefusedCircuitsAreToldAndThePoolGoesOn) {
  WorkerPool both = pool(2);
  Job bad = column_job(6);
  Testbench broken = testing::rc_testbench();
  broken.deck.lines.push_back("m1 a b c d nosuchmodel");
  bad = {std::make_shared<Testbench>(broken), Matrix::Zero(6, static_cast<Eigen::Index>(broken.dimension()))};
  EXPECT_THROW(both.evaluate({&bad, 1}, [](std::size_t, std::size_t, const RunResult&) {}), CircuitRefused);
  EXPECT_EQ(measures_of(both, column_job(8)).size(), 8u);
}

TEST_F(RankRelayTest, AWorkerThatCannotStartIsAnError) {
  Queue down, up;
  End first(down, up, 1), second(up, down, 0);
  const std::jthread broken(
      [&](const std::stop_token& stop) { RankRelay(second, "/nonexistent").serve(stop); });
  WorkerPoolOptions options;
  options.worker = program_;
  options.workers = 1;
  const std::vector<int> workers{1};
  WorkerPool both(options, std::make_unique<RankWorkers>(first, workers));
  const Job job = column_job(200);
  EXPECT_THROW(both.evaluate({&job, 1}, [](std::size_t, std::size_t, const RunResult&) {}),
               std::runtime_error);
  end_ranks(first, 2);
}

TEST(RankFrame, WhatIsNoneIsRefused) {
  EXPECT_THROW(decode_frame({}), ProtocolError);
  Bytes bytes = encode_frame({RankMessage::bytes, 1, 2, {3}});
  EXPECT_EQ(decode_frame(bytes).bytes, Bytes{3});
  bytes[0] = 99;
  EXPECT_THROW(decode_frame(bytes), ProtocolError);
  bytes.assign(5000, 1);
  EXPECT_THROW(decode_frame(bytes), ProtocolError);
}

}  // namespace
}  // namespace flare::engine
