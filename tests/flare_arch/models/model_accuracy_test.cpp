// Models of every kind through every arithmetic: what is scored, what agrees, and what may not change the answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "flare_arch/models/accuracy.hpp"

namespace flare::arch {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const fs::path families_folder = fs::path(FLARE_SOURCE_DIR) / "tests/flare_arch/golden/families";

struct Subject {
  Transformer model;
  Dataset data;
  explicit Subject(const std::string& name)
      : model(Transformer::load(families_folder / name)),
        data(load_dataset(families_folder / name / "golden.safetensors")) {}
};

AccuracyOptions options_of(const std::string& quantizer, bool feed_forward = false) {
  AccuracyOptions o;
  o.quantizer = quantizer;
  o.feed_forward = feed_forward;
  o.calibration_examples = 4;
  return o;
}

TEST(ModelAccuracy, EveryFamilyRunsInEveryArithmetic) {
  for (const char* name :
       {"timm_distilled", "vit_pytorch", "bert", "distilbert", "gpt2", "llama", "torch_pre"}) {
    const Subject s(name);
    const AccuracyResult exact = evaluate_accuracy(s.model, s.data, options_of("float"));
    if (s.data.metric == Metric::top1) {
      EXPECT_EQ(exact.mean, 1) << name;
    }  // the labels are PyTorch's answers
    for (const std::string quantizer : {"emsbq", "int8", "qrazor_w4a8"})
      for (const bool feed_forward : {false, true}) {
        const AccuracyResult r = evaluate_accuracy(s.model, s.data, options_of(quantizer, feed_forward));
        ASSERT_EQ(r.answers.size(), 1U);
        EXPECT_EQ(r.answers.front().size(), static_cast<std::size_t>(s.data.test->size()));
        EXPECT_TRUE(std::isfinite(r.mean)) << name << " " << quantizer;
        if (quantizer == "qrazor_w4a8") continue;  // four bits are not for models as small as these
        EXPECT_GE(agreement_with(exact, r), 0.6) << name << " " << quantizer;
        if (s.data.metric == Metric::loss) {
          EXPECT_NEAR(r.mean, exact.mean, 0.1) << name << " " << quantizer;
        }
      }
  }
}

TEST(ModelAccuracy, FeedForwardProductsAreCountedAndErr) {
  const Subject s("llama");
  AccuracyOptions o = options_of("emsbq");
  const AccuracyResult attention = evaluate_accuracy(s.model, s.data, o);
  o.feed_forward = true;
  const AccuracyResult all = evaluate_accuracy(s.model, s.data, o);
  // Gate, up and down hold 3 * 8 * 12 weights beside attention's 8 * (16 + 8 + 8 + 16).
  EXPECT_GT(static_cast<double>(all.counters.stationary.conversions),
            1.3 * static_cast<double>(attention.counters.stationary.conversions));
  EXPECT_NEAR(static_cast<double>(all.counters.dynamic.conversions) /
                  static_cast<double>(attention.counters.dynamic.conversions),
              1, 0.02);  // how many reads BitSift needs depends on the values
  o.weight_arrays = std::make_shared<ErrorModel>(ErrorModel::neighbour_errors(8, 0.02));
  const AccuracyResult hurt = evaluate_accuracy(s.model, s.data, o);
  EXPECT_NE(hurt.mean, all.mean);
  o.mode = ErrorMode::die;
  o.weight_arrays = std::make_shared<ErrorModel>(ErrorModel::gaussian(8, 9, {0.1, 0.02, 0.1}, {0.0}));
  EXPECT_NE(evaluate_accuracy(s.model, s.data, o).mean, all.mean);
}

TEST(ModelAccuracy, AnswersDoNotDependOnThreads) {
  const Subject s("gpt2");
  AccuracyOptions o = options_of("emsbq");
  o.weight_arrays = o.dynamic_arrays = std::make_shared<ErrorModel>(ErrorModel::neighbour_errors(8, 0.01));
  o.repeats = 2;
  o.threads = 1;
  const AccuracyResult one = evaluate_accuracy(s.model, s.data, o);
  o.threads = 3;
  EXPECT_EQ(evaluate_accuracy(s.model, s.data, o).accuracies, one.accuracies);
  EXPECT_NE(one.accuracies[0], one.accuracies[1]);
}

TEST(ModelAccuracy, TheLossIsTheMeanOverPredictedTokens) {
  Example e;
  e.tokens = {2, 0, 1};
  MatrixF logits(3, 3);
  logits << 1, 0, 0,  // the next is 0
      0, 2, 0,        // the next is 1
      9, 9, 9;        // of the last nothing is asked
  const Answer a = answer_of(logits, e, Metric::loss);
  const double expected = std::log(std::exp(1.0) + 2) - 1 + std::log(std::exp(2.0) + 2) - 2;
  EXPECT_NEAR(a.score.sum, expected, 1e-12);
  EXPECT_EQ(a.score.weight, 2);
}

TEST(ModelAccuracy, AgreementCountsEveryRepeat) {
  AccuracyResult reference, other;
  const auto given = [](int answer) {
    Answer a;
    a.label = 0;
    a.answer = answer;
    return a;
  };
  reference.answers = {{given(1), given(2)}};
  other.answers = {{given(1), given(0)}, {given(1), given(2)}};
  EXPECT_EQ(agreement_with(reference, other), 0.75);
  EXPECT_THROW(agreement_with({}, other), std::invalid_argument);
}

std::string refusal(const Transformer& model, const Dataset& data) {
  try {
    evaluate_accuracy(model, data, options_of("float"));
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "(nothing refused)";
}

TEST(ModelAccuracy, DataThatTheModelCannotTakeIsNamed) {
  const Subject bert("bert"), gpt("gpt2"), vit("vit");
  EXPECT_THAT(refusal(bert.model, gpt.data), HasSubstr("labels"));
  EXPECT_THAT(refusal(gpt.model, bert.data), HasSubstr("language model"));
  EXPECT_THAT(refusal(bert.model, vit.data), HasSubstr("tokens are expected"));
  Dataset wrong = bert.data;
  Example e = bert.data.test->example(0);
  std::vector<Example> two = {e, e};
  two[1].label = 3;
  wrong.test = std::make_shared<const KeptExamples>(two);
  EXPECT_THAT(refusal(bert.model, wrong), HasSubstr("example 1: accuracy: label 3"));
  two[1].label = 0;
  two[1].tokens[0] = 20;
  wrong.test = std::make_shared<const KeptExamples>(two);
  EXPECT_THAT(refusal(bert.model, wrong), HasSubstr("example 1: model: token 0"));
}

}  // namespace
}  // namespace flare::arch
