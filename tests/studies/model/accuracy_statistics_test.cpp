// What is said of answers, and answers that outlive a process.
#include "studies/model/accuracy_statistics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "analysis/statistics/proportions.hpp"
#include "studies/model/answer_journal.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {
namespace {

using analysis::AccuracyRow;
using arch::Answer;
using arch::Metric;
using ::testing::HasSubstr;

std::vector<Answer> answers(const std::vector<int>& right) {
  std::vector<Answer> all;
  for (const int r : right) {
    Answer a;
    a.label = 1;
    a.answer = r;
    a.score = {static_cast<double>(r), 1};
    all.push_back(a);
  }
  return all;
}

/// `wrong` of 200 examples answered wrong, from `first` on.
std::vector<Answer> with_wrong(int first, int wrong) {
  std::vector<int> right(200, 1);
  for (int i = first; i < first + wrong; ++i) right[static_cast<std::size_t>(i)] = 0;
  return answers(right);
}

AccuracyRow judged(const RepeatedAnswers& tested, const std::vector<Answer>& floating,
                   const std::string& mode, double allowed = 0.01) {
  AccuracyRow row;
  row.mode = mode;
  row.repeats = static_cast<std::int64_t>(tested.size());
  double sum = 0;
  for (const auto& repeat : tested) sum += arch::metric_value(Metric::top1, repeat);
  row.mean = sum / static_cast<double>(tested.size());
  judge(tested, floating, Metric::top1, {allowed, 1}, row);
  return row;
}

TEST(Judge, OneRepeatIsWilsonNewcombeAndMcNemar) {
  const AccuracyRow row = judged({with_wrong(0, 12)}, with_wrong(8, 4), "read");
  // Float is wrong on 8..11, the other on 0..11: 8 lost.
  const analysis::PairedCounts counts{188, 8, 0, 4};
  EXPECT_NEAR(row.drop, 0.04, 1e-12);
  EXPECT_EQ(row.p, analysis::mcnemar(counts));
  EXPECT_EQ(row.drop_low, analysis::newcombe(counts).low);
  EXPECT_EQ(row.drop_high, analysis::newcombe(counts).high);
  EXPECT_EQ(row.low, analysis::wilson(188, 200).low);
  EXPECT_EQ(row.detectable, analysis::detectable_loss(200));
  EXPECT_THAT(row.difference, HasSubstr("lost 8, gained 0 of 200"));
}

TEST(Judge, SeveralDiesAreNeverSurerThanOne) {
  // Nothing changes on any die: resampling alone would say [0, 0].
  const AccuracyRow row = judged({with_wrong(0, 4), with_wrong(0, 4)}, with_wrong(0, 4), "die");
  EXPECT_EQ(row.drop, 0);
  EXPECT_LT(row.drop_low, -0.005);
  EXPECT_GT(row.drop_high, 0.005);
  EXPECT_EQ(row.p, 1);
}

TEST(Judge, YieldCountsDies) {
  RepeatedAnswers dies(20, with_wrong(0, 4));
  dies[3] = with_wrong(0, 40);
  const AccuracyRow row = judged(dies, with_wrong(0, 4), "die");
  EXPECT_EQ(row.dies_within, 19);
  EXPECT_GT(row.yield_low, 0.7);
  EXPECT_LT(row.yield_low, 0.8);  // Clopper-Pearson of 19 in 20: 0.7513
  EXPECT_TRUE(std::isnan(judged(dies, with_wrong(0, 4), "read").yield_low));
}

TEST(Judge, OtherMetricsAreResampled) {
  std::vector<Answer> exact, tested;
  for (int i = 0; i < 100; ++i) {
    Answer a;
    a.target = i;
    a.score = {i + 0.5 * (i % 3), 1};
    exact.push_back(a);
    a.score.sum = i + 30.0 * (i % 2);
    tested.push_back(a);
  }
  AccuracyRow row;
  row.mode = "read";
  row.metric = "pearson";
  row.mean = arch::metric_value(Metric::pearson, tested);
  judge({tested}, exact, Metric::pearson, {0.01, 1}, row);
  EXPECT_GT(row.drop, 0.05);
  EXPECT_GT(row.drop_low, 0);
  EXPECT_LT(row.p, 0.01);
  EXPECT_TRUE(std::isnan(row.detectable));
}

TEST(AccuracyText, NoNegativeZeroAndLimitsRoundedUp) {
  AccuracyRow loss;
  loss.metric = "loss";
  EXPECT_EQ(analysis::accuracy_text(loss, -0.00003), "0.0000");
  EXPECT_EQ(analysis::accuracy_text(loss, -0.00007), "-0.0001");
  EXPECT_EQ(analysis::accuracy_limit_text(loss, 0.00001), "0.0001");
  EXPECT_EQ(analysis::accuracy_limit_text(loss, 0.0007), "0.0007");
  EXPECT_EQ(analysis::accuracy_limit_text(loss, 0.0), "0.0000");
  EXPECT_EQ(analysis::accuracy_text({}, -0.00003), "0.00 %");
  EXPECT_EQ(analysis::accuracy_limit_text({}, 0.01231), "1.24 %");
}

TEST(Adjust, ADifferenceThatManyTestsDoNotShowIsNotCalledOne) {
  // One p just below 5 % among twenty.
  std::vector<AccuracyRow> rows(20, judged({with_wrong(0, 4)}, with_wrong(0, 4), "read"));
  rows[7] = judged({with_wrong(0, 10)}, with_wrong(0, 4), "read");
  ASSERT_LT(rows[7].p, 0.05);
  std::vector<AccuracyRow*> all;
  all.reserve(rows.size());
  for (AccuracyRow& row : rows) all.push_back(&row);
  adjust_for_many(all);
  EXPECT_NEAR(rows[7].p_adjusted, 20 * rows[7].p, 1e-12);
  EXPECT_THAT(rows[7].difference, HasSubstr("no difference seen"));
  AccuracyRow alone = judged({with_wrong(0, 10)}, with_wrong(0, 4), "read");
  adjust_for_many({&alone});
  EXPECT_THAT(alone.difference, HasSubstr("lost 6, gained 0"));
}

class Journal : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = std::filesystem::path(::testing::TempDir()) / "answers.journal";
    std::filesystem::remove(file_);
  }
  void TearDown() override { std::filesystem::remove(file_); }
  static arch::AnswerBlock block(int repeat, std::int64_t first) {
    arch::AnswerBlock b;
    b.repeat = repeat;
    b.first = first;
    b.answers = answers({1, 0, 1});
    b.answers[1].deviation = {0.25, 0.5};
    b.counters.dynamic.wrong_reads = 7;
    return b;
  }
  void keep_two() const {
    AnswerJournal journal(file_);
    AnswerJournal::Evaluation evaluation(journal, 11);
    evaluation.keep(block(0, 0));
    evaluation.keep(block(1, 3));
  }
  std::filesystem::path file_;
};

TEST_F(Journal, BlocksComeBackToTheirOwnEvaluation) {
  keep_two();
  AnswerJournal journal(file_);
  EXPECT_EQ(journal.size(), 2U);
  AnswerJournal::Evaluation same(journal, 11), other(journal, 12);
  const auto found = same.recall(1, 3);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->answers.size(), 3U);
  EXPECT_EQ(found->answers[1].answer, 0);
  EXPECT_EQ(found->answers[1].deviation.divergence, 0.25);
  EXPECT_EQ(found->counters.dynamic.wrong_reads, 7);
  EXPECT_FALSE(same.recall(0, 3).has_value());
  EXPECT_FALSE(other.recall(1, 3).has_value());
}

TEST_F(Journal, WhatWasCutOffOrDamagedIsDropped) {
  keep_two();
  const auto size = std::filesystem::file_size(file_);
  for (const std::uintmax_t cut : {std::uintmax_t{1}, std::uintmax_t{40}, size / 3}) {
    std::filesystem::remove(file_);
    keep_two();
    std::filesystem::resize_file(file_, size - cut);
    AnswerJournal journal(file_);
    EXPECT_EQ(journal.size(), 1U) << cut;
    AnswerJournal::Evaluation evaluation(journal, 11);
    evaluation.keep(block(1, 3));
  }
  EXPECT_EQ(AnswerJournal(file_).size(), 2U);  // and written again behind what was whole
  {
    std::fstream bytes(file_, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(60);
    bytes.put('x');
  }
  EXPECT_EQ(AnswerJournal(file_).size(), 0U);
}

TEST_F(Journal, AnotherFileIsLeftAlone) {
  std::ofstream(file_) << "somebody's notes, not ours";
  EXPECT_THROW(AnswerJournal{file_}, StudyError);
  EXPECT_GT(std::filesystem::file_size(file_), 10U);
}

TEST(EvaluationKey, EverythingThatTheAnswersDependOnIsInIt) {
  arch::AccuracyOptions o;
  o.weight_arrays = std::make_shared<arch::ErrorModel>(arch::ErrorModel::neighbour_errors(8, 1e-3));
  const std::uint64_t key = evaluation_key(o, 1);
  EXPECT_EQ(evaluation_key(o, 1), key);
  EXPECT_NE(evaluation_key(o, 2), key);
  const auto differs = [&](const auto& change) {
    arch::AccuracyOptions other = o;
    change(other);
    EXPECT_NE(evaluation_key(other, 1), key);
  };
  differs([](auto& x) { x.seed = 2; });
  differs([](auto& x) { x.mode = arch::ErrorMode::die; });
  differs([](auto& x) { x.quantizer = "int8"; });
  differs([](auto& x) { x.attention.kv_bits = 10; });
  differs([](auto& x) { x.attention.dynamic.slice_length = 8; });
  differs([](auto& x) { x.place.layer = 1; });
  differs([](auto& x) { x.place.operand = arch::Operand::query; });
  differs([](auto& x) { x.feed_forward = true; });
  differs([](auto& x) {
    x.weight_arrays = std::make_shared<arch::ErrorModel>(arch::ErrorModel::neighbour_errors(8, 2e-3));
  });
  o.repeats = 7;  // more dies: the first stay
  EXPECT_EQ(evaluation_key(o, 1), key);
}

}  // namespace
}  // namespace flare::studies
