#include "engine/workers/worker_protocol.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "engine/simulate/testbench_io.hpp"
#include "tests/engine/simulate/testbenches.hpp"

namespace flare::engine {
namespace {

TEST(WorkerProtocol, MessagesSurviveAnyCutting) {
  Bytes stream;
  for (std::size_t size : {0u, 1u, 7u, 5000u}) append_message(MessageKind::run, Bytes(size, 0xab), &stream);
  for (std::size_t step : {1u, 3u, 1000u, 100000u}) {
    MessageCutter cutter;
    std::vector<std::size_t> sizes;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      cutter.feed(std::span(stream).subspan(at, std::min(step, stream.size() - at)));
      while (const auto message = cutter.next()) sizes.push_back(message->body.size());
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{0, 1, 7, 5000})) << step;
  }
}

TEST(WorkerProtocol, ResultsKeepEveryBit) {
  RunResult result;
  result.outcome = Outcome::unmeasured;
  result.rung = 2;
  result.measures = {1.0 / 3.0, -0.0, std::numeric_limits<double>::denorm_min(), std::nan("")};
  result.message = "what was said";
  std::uint64_t tag = 0;
  const RunResult back = decode_result(encode_result(77, result), &tag);
  EXPECT_EQ(tag, 77u);
  EXPECT_EQ(back.outcome, result.outcome);
  EXPECT_EQ(back.rung, 2);
  EXPECT_EQ(back.message, result.message);
  ASSERT_EQ(back.measures.size(), 4u);
  EXPECT_EQ(std::memcmp(back.measures.data(), result.measures.data(), 4 * sizeof(double)), 0);
}

TEST(WorkerProtocol, NonsenseIsAnErrorNotABreak) {
  std::mt19937 generator(1);
  for (int trial = 0; trial < 2000; ++trial) {
    Bytes noise(generator() % 64);
    for (auto& byte : noise) byte = static_cast<std::uint8_t>(generator());
    MessageCutter cutter;
    cutter.feed(noise);
    std::uint64_t tag = 0;
    // Either nothing, a message or a ProtocolError; anything else ends the test.
    try {
      while (cutter.next()) {
      }
    } catch (const ProtocolError&) {
    }
    try {
      decode_result(noise, &tag);
    } catch (const ProtocolError&) {
    }
    try {
      decode_waveforms(noise);
    } catch (const ProtocolError&) {
    }
    EXPECT_THROW(testbench_from_cbor(noise), std::invalid_argument);
  }
}

TEST(TestbenchIo, ThereAndBack) {
  Testbench t = testing::column_testbench();
  t.variables[0].law = {LawKind::gumbel, 1.0 / 3.0, 1e-300};
  t.variables[1].scope = Scope::die;
  t.measures[0].kind = MeasureKind::crossing;
  t.measures[0].edge = Edge::fall;
  t.measures[0].from = 1e-10;
  t.measures[0].occurrence = 3;
  t.measures[0].negated = true;
  t.measures.push_back(t.measures[0]);
  t.measures[1].kind = MeasureKind::expression;
  t.measures[1].expression = "2 * level";
  t.measures[1].at = -0.5;
  t.measures[1].to = 0.25;
  t.analysis.kind = AnalysisKind::ac_sweep;
  t.analysis.swept = "v1";
  t.analysis.start = -1.0;
  t.analysis.points = 7;
  t.options.method = "gear";
  t.deck.allow_commands = true;
  const Testbench back = testbench_from_cbor(to_cbor(t));
  EXPECT_EQ(to_json(back), to_json(t));
  EXPECT_EQ(back.deck, t.deck);
  EXPECT_EQ(back.knobs, t.knobs);
  EXPECT_EQ(back.variables[0].law.location, 1.0 / 3.0);
  EXPECT_EQ(back.measures[0].at, std::nullopt);
  EXPECT_EQ(back.measures[1].at, -0.5);
  EXPECT_EQ(back.measures[1].to, 0.25);
  EXPECT_EQ(back.analysis.kind, AnalysisKind::ac_sweep);
  EXPECT_EQ(back.analysis.points, 7);
  EXPECT_EQ(back.measures[0].occurrence, 3);
  EXPECT_TRUE(back.measures[0].negated);
  EXPECT_EQ(back.measures[1].expression, "2 * level");
}

TEST(TestbenchIo, FilesAreNeverTrustedWithCommands) {
  Testbench t = testing::rc_testbench();
  t.deck.allow_commands = true;
  EXPECT_FALSE(testbench_from_json(to_json(t)).deck.allow_commands);
}

TEST(TestbenchIo, WhatIsWrongIsSaid) {
  nlohmann::json json = to_json(testing::rc_testbench());
  json["variables"][0]["effects"][0][0] = 9;
  EXPECT_THROW(testbench_from_json(json), std::invalid_argument);
  json = to_json(testing::rc_testbench());
  json["measures"][0]["kind"] = 77;
  EXPECT_THROW(testbench_from_json(json), std::invalid_argument);
  json = to_json(testing::rc_testbench());
  json.erase("deck");
  EXPECT_THROW(testbench_from_json(json), std::invalid_argument);
  json = to_json(testing::rc_testbench());
  json["options"]["method"] = "euler\n.control";
  EXPECT_THROW(testbench_from_json(json), std::invalid_argument);
}

}  // namespace
}  // namespace flare::engine
