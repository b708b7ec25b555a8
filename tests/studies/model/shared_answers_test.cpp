// Answers that come from other processes: the share that is somebody else's is taken, what does not come is computed here.
#include "studies/model/shared_answers.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "studies/model/answer_journal.hpp"

namespace flare::studies {
namespace {

/// Says what it is told to, then goes.
class ScriptedLink final : public engine::WorkerLink {
 public:
  void say(engine::MessageKind kind, const std::string& body) {
    engine::append_message(kind, {reinterpret_cast<const std::uint8_t*>(body.data()), body.size()}, &said_);
  }

  bool running() const override { return running_; }
  void start(const std::filesystem::path&) override { running_ = true; }
  void kill() override { running_ = false; }
  engine::Death bury() override {
    running_ = false;
    return engine::Death::crash;
  }
  double processor_time() const override { return 0.0; }
  std::size_t resident_bytes() const override { return 0; }
  void dismiss() override { running_ = false; }
  bool flush() override {
    engine::MessageCutter cutter;
    cutter.feed(unsent());
    sent(unsent().size());
    if (const auto message = cutter.next()) told.assign(message->body.begin(), message->body.end());
    return true;
  }
  /// A few bytes at a time; false once all are said.
  bool receive() override {
    const std::size_t some = std::min<std::size_t>(7, said_.size());
    arrived(std::span(said_).first(some));
    said_.erase(said_.begin(), said_.begin() + static_cast<std::ptrdiff_t>(some));
    return !said_.empty();
  }

  std::string told;

 private:
  engine::Bytes said_;
  bool running_ = false;
};

arch::AnswerBlock block(int repeat, std::int64_t first, int answers) {
  arch::AnswerBlock made;
  made.repeat = repeat;
  made.first = first;
  made.answers.resize(static_cast<std::size_t>(answers));
  for (arch::Answer& answer : made.answers) answer.answer = repeat + 1;
  return made;
}

TEST(SharedAnswers, TakesTheSharesOfOthersAndComputesWhatDoesNotCome) {
  ScriptedLink good;
  ScriptedLink tired;
  good.say(answers_message, answer_record(5, block(1, 0, 3)));
  good.say(answers_message, answer_record(5, block(1, 3, 2)));
  tired.say(engine::MessageKind::failed, "no such model");
  std::vector<std::string> notes;
  SharedAnswers shared(
      {{&good, 2}, {&tired, 1}}, [] { return true; }, {},
      [&](const std::string& note) { notes.push_back(note); });
  AnswerTask task;
  task.study = "text";
  task.keys = {{"cell", 8, "flash", "tt"}};
  shared.begin(task);
  const AnswerTask told = answer_task(tired.told);
  EXPECT_EQ(told.share.index, 2);
  EXPECT_EQ(told.share.count, 3);
  EXPECT_EQ(told.threads, 1);
  EXPECT_EQ(told.keys.at(0).corner, "tt");

  EXPECT_FALSE(shared.block(5, 0, 0, 0));  // its own
  const auto second = shared.block(5, 1, 1, 3);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->answers.size(), 2u);
  ASSERT_TRUE(shared.block(5, 1, 1, 0));
  EXPECT_FALSE(shared.block(5, 2, 2, 0));  // who had it gave up
  EXPECT_FALSE(shared.block(6, 4, 1, 0));  // of another evaluation: whoever had it has gone
  EXPECT_EQ(shared.received(), 2u);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("no such model"), std::string::npos);
}

TEST(SharedAnswers, AStopIsNotWaitedFor) {
  ScriptedLink silent;
  silent.say(answers_message, std::string(1 << 20, 'x'));
  std::stop_source stop;
  stop.request_stop();
  SharedAnswers shared(
      {{&silent, 1}}, [] { return true; }, stop.get_token(), [](const std::string&) {});
  shared.begin({});
  EXPECT_FALSE(shared.block(5, 1, 1, 0));
}

TEST(SharedAnswers, NonsenseIsAnError) {
  ScriptedLink strange;
  strange.say(answers_message, "no record");
  SharedAnswers shared(
      {{&strange, 1}}, [] { return true; }, {}, [](const std::string&) {});
  shared.begin({});
  EXPECT_THROW(shared.block(5, 1, 1, 0), engine::ProtocolError);
  EXPECT_ANY_THROW(answer_task("{}"));
  EXPECT_ANY_THROW(answer_task("[1"));
}

TEST(SharedAnswers, EveryUnitIsOneShares) {
  for (std::size_t unit = 0; unit < 20; ++unit) {
    int owners = 0;
    for (int index = 0; index < 3; ++index) owners += AnswerShare{index, 3}.has(unit) ? 1 : 0;
    EXPECT_EQ(owners, 1);
  }
}

}  // namespace
}  // namespace flare::studies
