// The shipped model: PyTorch's logits, the recorded accuracies, and what errors do to it.
#include "flare_arch/models/accuracy.hpp"

#include <gtest/gtest.h>

#include "flare_arch/base/safetensors.hpp"

namespace flare::arch {
namespace {

const std::filesystem::path data_folder = std::filesystem::path(FLARE_SOURCE_DIR) / "data";

const Transformer& model() {
  static const Transformer m = Transformer::load(data_folder / "models/digits_vit");
  return m;
}

const Dataset& digits() {
  static const Dataset d = load_digits(data_folder / "digits/digits.csv");
  return d;
}

AccuracyResult run(const std::string& quantizer, const std::shared_ptr<const ErrorModel>& errors = nullptr,
                   int examples = 0, int repeats = 1, int threads = 0) {
  AccuracyOptions options;
  options.quantizer = quantizer;
  options.weight_arrays = options.dynamic_arrays = errors;
  options.examples = examples;
  options.repeats = repeats;
  options.threads = threads;
  return evaluate_accuracy(model(), digits(), options);
}

TEST(Digits, SplitAsTheReadmeSays) {
  EXPECT_EQ(digits().test->size(), 500);
  EXPECT_EQ(digits().train->size(), 1297);
  EXPECT_EQ(digits().name, "digits");
}

TEST(DigitsVit, LogitsEqualPyTorch) {
  const TensorFile golden = TensorFile::load(data_folder / "models/digits_vit/golden.safetensors");
  const auto pixels = golden.integers("pixels");
  const Tensor& shape = golden.tensor("labels");
  for (const auto& [name, ablation] :
       {std::pair{"logits", Ablation::none}, std::pair{"logits_uniform", Ablation::uniform},
        std::pair{"logits_removed", Ablation::removed}}) {
    const MatrixF logits = golden.floats(name, shape.elements(), 10);
    std::vector<FloatAttention> layers;
    for (int i = 0; i < model().spec().layers; ++i) layers.emplace_back(model().attention(i), ablation);
    for (Eigen::Index image = 0; image < logits.rows(); ++image) {
      Example example;
      example.image = {1, 8, 8, std::vector<float>(64), false};
      for (int p = 0; p < 64; ++p) example.image.values[p] = static_cast<float>(pixels(image, p));
      const MatrixF got =
          model().logits(example, {[&](int i, const MatrixF& x) { return layers[i].forward(x, {}); }});
      EXPECT_LT((got - logits.row(image)).cwiseAbs().maxCoeff(), 1e-3) << name << " image " << image;
    }
  }
}

TEST(DigitsVit, AccuraciesAreThoseRecorded) {
  const RecordedAccuracy& recorded = model().recorded();
  EXPECT_GE(recorded.full, 0.96);
  // One image of 500 may fall on the other side of a tie in another order of summation.
  EXPECT_NEAR(run("float").mean, recorded.full, 0.0021);
  EXPECT_NEAR(run("uniform").mean, recorded.uniform_attention, 0.0021);
  EXPECT_NEAR(run("removed").mean, recorded.attention_removed, 0.0021);
  EXPECT_LT(recorded.attention_removed, recorded.full - 0.5);
  EXPECT_LT(recorded.uniform_attention, recorded.full - 0.3);
}

TEST(DigitsVit, QuantisedWithoutErrorsIsCloseToFloat) {
  const AccuracyResult r = run("emsbq");
  EXPECT_GT(r.mean, model().recorded().full - 0.02);
  EXPECT_EQ(r.examples, 500);
  EXPECT_EQ(r.accuracies.size(), 1u);
  EXPECT_GT(r.counters.stationary.cycles, 0);
  EXPECT_GT(r.counters.dynamic.cycles, 0);
  EXPECT_LT(r.counters.stationary.cycles, r.counters.stationary.fixed_cycles);
}

TEST(DigitsVit, EveryQuantiserAnswers) {
  for (const std::string& name : quantizer_names()) {
    const double accuracy = run(name, nullptr, 100).mean;
    RecordProperty(name, std::to_string(accuracy));
    if (name == "removed" || name == "uniform") continue;
    EXPECT_GT(accuracy, 0.9) << name;
  }
}

TEST(DigitsVit, DieModeRuns) {
  const auto errors = std::make_shared<ErrorModel>(ErrorModel::gaussian(8, 9, {0.03, 0.005, 0.03}, {0.02}));
  AccuracyOptions options;
  options.weight_arrays = options.dynamic_arrays = errors;
  options.mode = ErrorMode::die;
  options.examples = 40;
  options.repeats = 2;
  options.threads = 1;
  const AccuracyResult one = evaluate_accuracy(model(), digits(), options);
  EXPECT_EQ(one.accuracies.size(), 2u);
  EXPECT_GT(one.mean, 0.85);
  options.threads = 2;
  EXPECT_EQ(evaluate_accuracy(model(), digits(), options).accuracies, one.accuracies);
}

TEST(DigitsVit, AnErrorFreeModelChangesNothing) {
  EXPECT_EQ(run("emsbq", std::make_shared<ErrorModel>(ErrorModel::ideal(8)), 100).accuracies,
            run("emsbq", nullptr, 100).accuracies);
}

TEST(DigitsVit, ErrorsHurtMoreTheMoreThereAre) {
  const auto accuracy = [](double rate) {
    return run("emsbq", std::make_shared<ErrorModel>(ErrorModel::neighbour_errors(8, rate)), 60).mean;
  };
  const double few = accuracy(1e-4), many = accuracy(0.1);
  EXPECT_GT(few, 0.9);
  EXPECT_LT(many, few - 0.1);
}

TEST(DigitsVit, ResultsDoNotDependOnThreads) {
  const auto model = std::make_shared<ErrorModel>(ErrorModel::neighbour_errors(4, 0.01));
  const AccuracyResult one = run("emsbq", model, 20, 2, 1), three = run("emsbq", model, 20, 2, 3);
  EXPECT_EQ(one.accuracies, three.accuracies);
  EXPECT_EQ(one.counters.stationary.wrong_reads, three.counters.stationary.wrong_reads);
  EXPECT_EQ(one.counters.dynamic.conversions, three.counters.dynamic.conversions);
  EXPECT_GT(one.counters.dynamic.wrong_reads, 0);
}

TEST(Accuracy, StopsAndReportsProgress) {
  AccuracyOptions options;
  std::stop_source source;
  options.stop = source.get_token();
  std::int64_t last = 0;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    EXPECT_EQ(total, 500);
    last = done;
    if (done == 5) source.request_stop();
  };
  const AccuracyResult r = evaluate_accuracy(model(), digits(), options);
  EXPECT_TRUE(r.stopped);
  EXPECT_TRUE(r.accuracies.empty());
  EXPECT_LT(last, 100);
}

TEST(Accuracy, RefusesNonsense) {
  AccuracyOptions options;
  std::string error;
  options.quantizer = "int9";
  EXPECT_FALSE(options.is_valid(&error));
  EXPECT_NE(error.find("emsbq"), std::string::npos);
  options.quantizer = "float";
  options.weight_arrays = std::make_shared<ErrorModel>(ErrorModel::ideal(8));
  EXPECT_THROW(evaluate_accuracy(model(), digits(), options), std::invalid_argument);
}

}  // namespace
}  // namespace flare::arch
