// The shipped text classifier: PyTorch's logits, what it scores, and that it answers by attention.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

#include "flare_arch/base/safetensors.hpp"
#include "flare_arch/models/accuracy.hpp"

namespace flare::arch {
namespace {

namespace fs = std::filesystem;
const fs::path data_folder = fs::path(FLARE_SOURCE_DIR) / "data";
const fs::path model_folder = data_folder / "models/agreement_bert";

const Transformer& model() {
  static const Transformer m = Transformer::load(model_folder);
  return m;
}

const Dataset& sentences() {
  static const Dataset d =
      load_dataset(data_folder / "text/agreement/test.tsv", model().spec(), model_folder);
  return d;
}

AccuracyResult run(const std::string& quantizer, const std::shared_ptr<const ErrorModel>& errors = nullptr,
                   int examples = 0) {
  AccuracyOptions o;
  o.quantizer = quantizer;
  o.weight_arrays = o.dynamic_arrays = errors;
  o.examples = examples;
  return evaluate_accuracy(model(), sentences(), o);
}

TEST(AgreementBert, LogitsEqualPyTorch) {
  const TensorFile golden = TensorFile::load(model_folder / "golden.safetensors");
  const Dataset padded = load_dataset(model_folder / "golden.safetensors");
  for (const auto& [name, ablation] :
       {std::pair{"logits", Ablation::none}, std::pair{"logits_uniform", Ablation::uniform},
        std::pair{"logits_removed", Ablation::removed}}) {
    const MatrixF logits = golden.floats(name, padded.test->size(), 2);
    for (Eigen::Index i = 0; i < logits.rows(); ++i) {
      const MatrixF got =
          model().logits(padded.test->example(i), {[&](int layer, const MatrixF& x) {
                           return FloatAttention(model().attention(layer), ablation).forward(x, {});
                         }});
      EXPECT_LT((got - logits.row(i)).cwiseAbs().maxCoeff(), 1e-3) << name << " sentence " << i;
    }
  }
}

TEST(AgreementBert, ScoresAreThoseOfItsTraining) {
  const auto recorded =
      nlohmann::json::parse(std::ifstream(model_folder / "training.json")).at("test_accuracy");
  // One sentence of 1,000 may fall on the other side of a tie in another order of summation.
  EXPECT_NEAR(run("float").mean, recorded.at("full").get<double>(), 0.0011);
  EXPECT_NEAR(run("uniform").mean, recorded.at("uniform").get<double>(), 0.0011);
  EXPECT_NEAR(run("removed").mean, recorded.at("removed").get<double>(), 0.0011);
}

TEST(AgreementBert, WithoutAttentionItGuesses) {
  EXPECT_GT(run("float").mean, 0.99);
  for (const char* without : {"uniform", "removed"}) EXPECT_NEAR(run(without).mean, 0.5, 0.05) << without;
}

TEST(AgreementBert, IntegersAgreeAndErrorsCost) {
  const AccuracyResult exact = run("float", nullptr, 200);
  for (const char* quantizer : {"emsbq", "int8"})
    EXPECT_GE(agreement_with(exact, run(quantizer, nullptr, 200)), 0.97) << quantizer;
  const auto few = std::make_shared<ErrorModel>(ErrorModel::neighbour_errors(8, 1e-4)),
             many = std::make_shared<ErrorModel>(ErrorModel::neighbour_errors(8, 0.2));
  EXPECT_GE(run("emsbq", few, 200).mean, 0.95);
  EXPECT_LE(run("emsbq", many, 200).mean, 0.9);
}

}  // namespace
}  // namespace flare::arch
