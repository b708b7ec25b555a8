// Metrics by hand, deviations from floating point, errors in one place, answers from a store.
#include "flare_arch/models/answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "flare_arch/models/accuracy.hpp"

namespace flare::arch {
namespace {

Answer answer(int label, int given) {
  Answer a;
  a.label = label;
  a.answer = given;
  a.score = {label == given ? 1.0 : 0.0, 1};
  return a;
}

std::vector<Answer> table(int tp, int fn, int fp, int tn) {
  std::vector<Answer> all;
  const auto add = [&](int n, int label, int given) {
    for (int i = 0; i < n; ++i) all.push_back(answer(label, given));
  };
  add(tp, 1, 1);
  add(fn, 1, 0);
  add(fp, 0, 1);
  add(tn, 0, 0);
  return all;
}

TEST(Metrics, OfATableOfTwoClasses) {
  const std::vector<Answer> all = table(6, 2, 1, 3);
  EXPECT_DOUBLE_EQ(metric_value(Metric::top1, all), 0.75);
  EXPECT_DOUBLE_EQ(metric_value(Metric::f1, all), 2.0 * 6 / (2 * 6 + 2 + 1));
  EXPECT_NEAR(metric_value(Metric::matthews, all), (6 * 3 - 1 * 2) / std::sqrt(7.0 * 8 * 4 * 5), 1e-12);
  EXPECT_TRUE(std::isnan(metric_value(Metric::matthews, table(3, 0, 0, 0))));
  EXPECT_TRUE(std::isnan(metric_value(Metric::f1, table(0, 0, 0, 5))));
}

TEST(Metrics, MatthewsOfThreeClasses) {
  // R_K by its definition, a sum over all triples of classes of the confusion matrix (Gorodkin 2004).
  const int c[3][3] = {{5, 1, 0}, {2, 4, 1}, {0, 2, 6}};
  std::vector<Answer> all;
  double over = 0, truth = 0, given = 0;
  for (int k = 0; k < 3; ++k) {
    double row = 0, column = 0, other_rows = 0, other_columns = 0;
    for (int l = 0; l < 3; ++l) {
      for (int i = 0; i < c[k][l]; ++i) all.push_back(answer(k, l));
      row += c[k][l];
      column += c[l][k];
      for (int m = 0; m < 3; ++m) {
        over += c[k][k] * c[l][m] - c[k][l] * c[m][k];
        if (l != k) other_rows += c[l][m];
        if (l != k) other_columns += c[m][l];
      }
    }
    truth += row * other_rows;
    given += column * other_columns;
  }
  EXPECT_NEAR(metric_value(Metric::matthews, all), over / std::sqrt(truth * given), 1e-12);
}

TEST(Metrics, CountsAreRepetitions) {
  const std::vector<Answer> all = {answer(1, 1), answer(1, 0), answer(0, 0)};
  const std::vector<std::uint32_t> counts = {2, 0, 1};
  const std::vector<Answer> repeated = {all[0], all[0], all[2]};
  for (const Metric metric : {Metric::top1, Metric::matthews, Metric::f1})
    EXPECT_DOUBLE_EQ(metric_value(metric, all, counts), metric_value(metric, repeated));
  EXPECT_THROW(metric_value(Metric::top1, all, std::vector<std::uint32_t>{1}), std::invalid_argument);
}

TEST(Metrics, PearsonOfALineIsOne) {
  std::vector<Answer> all;
  for (int i = 0; i < 5; ++i) {
    Answer a;
    a.target = 3 - 2.0 * i;
    a.score = {1 + 0.5 * i, 1};
    all.push_back(a);
  }
  EXPECT_NEAR(metric_value(Metric::pearson, all), -1, 1e-12);
  for (Answer& a : all) a.score.sum = 1;
  EXPECT_TRUE(std::isnan(metric_value(Metric::pearson, all)));
}

TEST(Metrics, TopFiveOfFiveClassesIsNone) {
  Example e;
  e.label = 0;
  EXPECT_THROW(answer_of(MatrixF::Zero(1, 5), e, Metric::top5), std::invalid_argument);
  EXPECT_EQ(answer_of(MatrixF::Zero(1, 6), e, Metric::top5).score.sum, 1);
}

TEST(Metrics, TopFiveAndLossOfALabel) {
  MatrixF logits(1, 7);
  logits << 7, 6, 5, 4, 3, 2, 3;
  Example e;
  e.label = 4;  // fifth, before its equal
  EXPECT_EQ(answer_of(logits, e, Metric::top5).score.sum, 1);
  e.label = 6;
  EXPECT_EQ(answer_of(logits, e, Metric::top5).score.sum, 0);
  EXPECT_EQ(answer_of(logits, e, Metric::top1).in_five, false);
  double sum = 0;
  for (Eigen::Index i = 0; i < 7; ++i) sum += std::exp(static_cast<double>(logits(0, i)));
  EXPECT_NEAR(answer_of(logits, e, Metric::loss).score.sum, std::log(sum) - 3, 1e-9);
  EXPECT_THROW(answer_of(logits, e, Metric::f1), std::invalid_argument);
  EXPECT_THROW(answer_of(logits, e, Metric::pearson), std::invalid_argument);
  for (const std::string& name : metric_names()) EXPECT_EQ(metric_name(*metric_of(name)), name);
  EXPECT_FALSE(metric_of("accuracy").has_value());
}

TEST(Deviations, OfLogits) {
  MatrixF p(1, 2), q(1, 2);
  p << 0, 0;
  q << 1, 1;  // a constant changes nothing
  EXPECT_NEAR(deviation_of(q, p).divergence, 0, 1e-12);
  p << 1, -1;
  q << 2, -2;
  const double one = 1 / (1 + std::exp(-2.0)), two = 1 / (1 + std::exp(-4.0));
  EXPECT_NEAR(deviation_of(q, p).divergence,
              one * std::log(one / two) + (1 - one) * std::log((1 - one) / (1 - two)), 1e-9);
  EXPECT_NEAR(deviation_of(q, p).logit_error, 1, 1e-12);
  EXPECT_THROW(deviation_of(MatrixF::Zero(2, 2), p), std::invalid_argument);
}

TEST(Sample, EveryChoiceIsAsLikely) {
  EXPECT_EQ(sample_of(3, 3, 7), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(sample_of(3, 9, 7), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(sample_of(1000, 10, 7), sample_of(1000, 10, 7));
  EXPECT_NE(sample_of(1000, 10, 7), sample_of(1000, 10, 8));
  std::map<std::vector<std::int64_t>, int> counts;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const std::vector<std::int64_t> drawn = sample_of(5, 3, seed);
    ASSERT_EQ(drawn.size(), 3U);
    EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
    ++counts[drawn];
  }
  EXPECT_EQ(counts.size(), 10U);  // 5 over 3
  for (const auto& [choice, count] : counts) EXPECT_NEAR(count, 300, 5 * std::sqrt(300 * 0.9));
}

struct Digits {
  std::filesystem::path data = std::filesystem::path(FLARE_SOURCE_DIR) / "data";
  Transformer model = Transformer::load(data / "models/digits_vit");
  Dataset set = load_digits(data / "digits/digits.csv");
};

const Digits& digits() {
  static const Digits d;
  return d;
}

AccuracyOptions noisy(double rate) {
  AccuracyOptions o;
  o.examples = 12;
  o.threads = 1;
  o.weight_arrays = o.dynamic_arrays = std::make_shared<ErrorModel>(ErrorModel::neighbour_errors(8, rate));
  return o;
}

TEST(ErrorPlaces, EveryReadErrsInOnePlaceOnly) {
  // The places part the reads: wrong reads of all layers and operands add up to about those of all at once, and an
  // array that is not named does not err.
  AccuracyOptions o = noisy(1e-3);
  const AccuracyResult everywhere = evaluate_accuracy(digits().model, digits().set, o);
  double sum = 0;
  for (int layer = 0; layer < digits().model.spec().layers; ++layer)
    for (const Operand operand : {Operand::query, Operand::key, Operand::value, Operand::scores,
                                  Operand::weighted, Operand::output}) {
      o.place = {layer, operand};
      const AccuracyResult r = evaluate_accuracy(digits().model, digits().set, o);
      const bool dynamic = operand == Operand::scores || operand == Operand::weighted;
      EXPECT_EQ((dynamic ? r.counters.stationary : r.counters.dynamic).wrong_reads, 0);
      EXPECT_GT((dynamic ? r.counters.dynamic : r.counters.stationary).wrong_reads, 0);
      sum += static_cast<double>(r.counters.stationary.wrong_reads + r.counters.dynamic.wrong_reads);
    }
  const auto all = static_cast<double>(everywhere.counters.stationary.wrong_reads +
                                       everywhere.counters.dynamic.wrong_reads);
  EXPECT_NEAR(sum / all, 1, 6 / std::sqrt(all));  // two Poisson counts
  // Injected errors agree with the error model: every level errs at the rate that was asked for.
  const auto reads = static_cast<double>(everywhere.counters.stationary.conversions +
                                         everywhere.counters.dynamic.conversions);
  EXPECT_NEAR(all / (1e-3 * reads), 1, 6 / std::sqrt(all));
}

TEST(ErrorPlaces, OfOneLayerOnADie) {
  AccuracyOptions o = noisy(0);
  o.mode = ErrorMode::die;
  o.weight_arrays = o.dynamic_arrays =
      std::make_shared<ErrorModel>(ErrorModel::gaussian(8, 9, {0.3, 0.1, 0.3}, {0.05}));
  o.reference = std::make_shared<const ReferenceLogits>(digits().model);
  const double everywhere = mean_deviation(evaluate_accuracy(digits().model, digits().set, o)).logit_error;
  o.place.layer = 2;
  const double one = mean_deviation(evaluate_accuracy(digits().model, digits().set, o)).logit_error;
  o.weight_arrays = o.dynamic_arrays = nullptr;
  const double none = mean_deviation(evaluate_accuracy(digits().model, digits().set, o)).logit_error;
  EXPECT_GT(everywhere, 1.2 * one);
  EXPECT_GT(one, 1.2 * none);
}

/// Keeps blocks in memory; stops answering after some.
class Kept : public AnswerStore {
 public:
  std::optional<AnswerBlock> recall(int repeat, std::int64_t first) override {
    for (const AnswerBlock& b : blocks)
      if (b.repeat == repeat && b.first == first) return b;
    return std::nullopt;
  }
  void keep(const AnswerBlock& block) override {
    blocks.push_back(block);
    ++computed;
  }
  std::vector<AnswerBlock> blocks;
  int computed = 0;
};

TEST(Stores, WhatIsKnownIsNotComputedAgainAndNothingChanges) {
  AccuracyOptions o = noisy(3e-3);
  o.examples = 70;  // three blocks of one thread
  o.repeats = 2;
  const AccuracyResult whole = evaluate_accuracy(digits().model, digits().set, o);
  Kept store;
  o.store = &store;
  o.repeats = 1;
  evaluate_accuracy(digits().model, digits().set, o);
  EXPECT_EQ(store.computed, 3);
  store.blocks.pop_back();  // killed in the last block
  o.repeats = 2;
  o.threads = 2;
  const AccuracyResult resumed = evaluate_accuracy(digits().model, digits().set, o);
  EXPECT_EQ(resumed.accuracies, whole.accuracies);
  EXPECT_EQ(resumed.counters.dynamic.wrong_reads, whole.counters.dynamic.wrong_reads);
  EXPECT_EQ(store.computed, 6);  // the last of the first repeat; two larger ones of the second
  store.computed = 0;
  evaluate_accuracy(digits().model, digits().set, o);
  EXPECT_EQ(store.computed, 0);
}

TEST(References, AreTheSameWhetherKeptOrNot) {
  AccuracyOptions o = noisy(1e-3);
  o.reference = std::make_shared<const ReferenceLogits>(digits().model);
  const Deviation kept = mean_deviation(evaluate_accuracy(digits().model, digits().set, o));
  o.reference = std::make_shared<const ReferenceLogits>(digits().model, 0);
  const Deviation computed = mean_deviation(evaluate_accuracy(digits().model, digits().set, o));
  EXPECT_EQ(kept.divergence, computed.divergence);
  EXPECT_GT(kept.divergence, 0);
  o.quantizer = "float";
  o.weight_arrays = o.dynamic_arrays = nullptr;
  EXPECT_EQ(mean_deviation(evaluate_accuracy(digits().model, digits().set, o)).logit_error, 0);
}

TEST(Sample, AnExampleAnswersAlikeInEverySample) {
  AccuracyOptions o;
  o.weight_arrays = o.dynamic_arrays = std::make_shared<ErrorModel>(ErrorModel::neighbour_errors(8, 0.02));
  o.calibration_examples = 4;
  o.examples = 60;
  const AccuracyResult many = evaluate_accuracy(digits().model, digits().set, o);
  o.examples = 0;
  const AccuracyResult all = evaluate_accuracy(digits().model, digits().set, o);
  ASSERT_EQ(many.numbers.size(), 60U);
  EXPECT_GT(many.numbers.back(), 60);
  for (std::size_t i = 0; i < many.numbers.size(); ++i) {
    const Answer &one = many.answers[0][i], &same = all.answers[0][static_cast<std::size_t>(many.numbers[i])];
    EXPECT_EQ(one.answer, same.answer);
    EXPECT_EQ(one.score.sum, same.score.sum);
    EXPECT_EQ(one.label, same.label);
  }
}

}  // namespace
}  // namespace flare::arch
