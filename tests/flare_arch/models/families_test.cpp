// Every family in the folders users have: PyTorch's logits, and what a folder may not hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "engine/base/file_error.hpp"
#include "flare_arch/models/accuracy.hpp"
#include "flare_arch/models/families.hpp"
#include "tests/flare_arch/golden.hpp"

namespace flare::arch {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

const fs::path families_folder = fs::path(FLARE_SOURCE_DIR) / "tests/flare_arch/golden/families";

/// A model, and the file of the inputs and logits that PyTorch saw.
struct Case {
  const char *model, *golden;
};

class Families : public ::testing::TestWithParam<Case> {
 protected:
  const fs::path golden_file_ = families_folder / GetParam().golden / "golden.safetensors";
  const Transformer model_ = Transformer::load(families_folder / GetParam().model);
  const Dataset data_ = load_tensors(golden_file_);
  const MatrixF logits_ = TensorFile::load(golden_file_).flattened("logits");
};

TEST_P(Families, LogitsAreThoseOfPyTorch) {
  ASSERT_EQ(data_.test->size(), logits_.rows());
  for (std::int64_t i = 0; i < data_.test->size(); ++i) {
    const MatrixF got = model_.logits(data_.test->example(i));
    ASSERT_LE(got.size(), logits_.cols());
    const MatrixF expected = Eigen::Map<const MatrixF>(logits_.row(i).data(), got.rows(), got.cols());
    EXPECT_LT((got - expected).cwiseAbs().maxCoeff(), 5e-5) << "example " << i;
    EXPECT_GT(expected.cwiseAbs().maxCoeff(), 0.1) << "example " << i;
  }
}

TEST_P(Families, ScoresMatter) {
  std::vector<FloatAttention> layers;
  for (int i = 0; i < model_.spec().layers; ++i)
    layers.emplace_back(model_.shared_attention(i), Ablation::uniform);
  const Example example = data_.test->example(0);
  const MatrixF without = model_.logits(
      example, {[&](int i, const MatrixF& x) { return layers[static_cast<std::size_t>(i)].forward(x, {}); }});
  EXPECT_GT((without - model_.logits(example)).cwiseAbs().maxCoeff(), 0.01);
}

INSTANTIATE_TEST_SUITE_P(All, Families,
                         ::testing::Values(Case{"timm", "timm"}, Case{"timm_distilled", "timm_distilled"},
                                           Case{"timm_average", "timm_average"}, Case{"vit", "vit"},
                                           Case{"vit_pytorch", "vit_pytorch"}, Case{"bert", "bert"},
                                           Case{"bert_shards", "bert"}, Case{"roberta", "roberta"},
                                           Case{"distilbert", "distilbert"}, Case{"gpt2", "gpt2"},
                                           Case{"llama", "llama"}, Case{"llama_pairs", "llama_pairs"},
                                           Case{"qwen2", "qwen2"}, Case{"torch_post", "torch_post"},
                                           Case{"torch_pre", "torch_pre"}),
                         [](const auto& chosen) { return std::string(chosen.param.model); });

/// A copy of a family's model that a test may spoil.
class FamilyFolder : public ::testing::Test {
 protected:
  void TearDown() override { fs::remove_all(folder_); }

  void copy(const std::string& name) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    for (const fs::directory_entry& file : fs::directory_iterator(families_folder / name))
      fs::copy(file.path(), folder_ / file.path().filename());
  }
  void set(const std::string& key, const nlohmann::json& value) const {
    nlohmann::json document = config();
    document[key] = value;
    std::ofstream(folder_ / "config.json") << document;
  }
  void erase(const std::string& key) const {
    nlohmann::json document = config();
    document.erase(key);
    std::ofstream(folder_ / "config.json") << document;
  }
  /// The tensors' header with one text put in another's place; lengths alike.
  void rename(const std::string& from, const std::string& to,
              const std::string& file = "model.safetensors") const {
    std::ifstream in(folder_ / file, std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(in), {});
    ASSERT_EQ(from.size(), to.size());
    const std::size_t at = bytes.find(from);
    ASSERT_NE(at, std::string::npos);
    bytes.replace(at, from.size(), to);
    std::ofstream(folder_ / file, std::ios::binary) << bytes;
  }
  std::string refusal() const {
    try {
      Transformer::load(folder_);
    } catch (const engine::FileError& e) {
      return e.what();
    }
    return "(nothing refused)";
  }

  const fs::path folder_ = fs::temp_directory_path() / ("flare_family_" + std::to_string(::getpid()));

 private:
  nlohmann::json config() const {
    std::ifstream in(folder_ / "config.json");
    return nlohmann::json::parse(in);
  }
};

TEST_F(FamilyFolder, TheFamilyIsToldByTheTensorsWhereTheDescriptionDoesNot) {
  for (const char* name : {"bert", "distilbert", "gpt2", "llama", "vit"}) {
    copy(name);
    erase("model_type");
    EXPECT_EQ(refusal(), "(nothing refused)") << name;
  }
}

// Newer descriptions keep rotary positions in a group of their own, and list what every layer attends to.
TEST_F(FamilyFolder, RotaryPositionsMayBeSaidInAGroup) {
  const Dataset data = load_tensors(families_folder / "llama/golden.safetensors");
  copy("llama");
  const MatrixF expected = Transformer::load(folder_).logits(data.test->example(0));
  erase("rope_theta");
  EXPECT_GT((Transformer::load(folder_).logits(data.test->example(0)) - expected).cwiseAbs().maxCoeff(),
            1e-3);
  set("rope_parameters", {{"rope_type", "default"}, {"rope_theta", 500.0}});
  set("layer_types", {"full_attention", "full_attention"});
  set("rope_scaling", {{"rope_type", "default"}});
  EXPECT_EQ(Transformer::load(folder_).logits(data.test->example(0)), expected);
}

TEST_F(FamilyFolder, PatchesOfALinearEmbeddingAreToldByItsInputs) {
  const Dataset data = load_tensors(families_folder / "vit_pytorch/golden.safetensors");
  copy("vit_pytorch");
  const MatrixF expected = Transformer::load(folder_).logits(data.test->example(0));
  for (const char* key : {"patch_size", "channels", "image_size"}) erase(key);
  EXPECT_EQ(Transformer::load(folder_).logits(data.test->example(0)), expected);
  set("channels", 4);  // 48 inputs are no four squares
  EXPECT_THAT(refusal(), HasSubstr("size is neither said"));
}

TEST_F(FamilyFolder, WeightsThatOnlyPythonUnpacksAreNamed) {
  copy("bert");
  fs::remove(folder_ / "golden.safetensors");
  fs::rename(folder_ / "model.safetensors", folder_ / "pytorch_model.bin");
  EXPECT_THAT(refusal(), HasSubstr("pytorch_model.bin is not read"));
}

TEST_F(FamilyFolder, WhatTheSpecCannotSayIsRefusedByName) {
  const auto refused = [&](const std::string& family, const std::string& key, const nlohmann::json& value) {
    copy(family);
    EXPECT_EQ(refusal(), "(nothing refused)") << family;
    set(key, value);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("config.json"), HasSubstr(key)));
  };
  refused("bert", "position_embedding_type", "relative_key");
  refused("bert", "hidden_act", "quick_gelu");
  refused("bert", "hidden_size", -8);
  refused("bert", "hidden_size", 1e300);
  refused("bert", "alibi", true);
  refused("bert", "model_type", "albert");
  refused("gpt2", "scale_attn_by_inverse_layer_idx", true);
  refused("gpt2", "layer_norm_epsilon", "small");
  refused("llama", "rope_scaling", {{"type", "linear"}, {"factor", 2}});
  refused("llama", "rope_parameters", {{"rope_type", "yarn"}, {"rope_theta", 500.0}});
  refused("llama", "rope_parameters", {{"rope_type", "default"}, {"partial_rotary_factor", 0.5}});
  refused("llama", "layer_types", {"full_attention", "sliding_attention"});
  refused("llama", "sliding_window", 4);
  refused("llama", "use_qk_norm", true);
  refused("timm", "architecture", "swin_tiny_patch4_window7_224");
  refused("torch_post", "pooling", "attention");
  refused("torch_post", "tensor_names", {{"embeddings", "x"}});
  refused("vit_pytorch", "pool", "mean");
  refused("timm", "architecture", "vit_base_patch16_rpn_224");
}

TEST_F(FamilyFolder, SizesThatMeanNothingAreRefused) {
  copy("timm");
  erase("model_args");
  EXPECT_THAT(refusal(), HasSubstr("the number of heads is neither said"));
  copy("torch_post");
  set("pooling", "every");  // the loss looks logits up by token
  EXPECT_THAT(refusal(), HasSubstr("outputs for a vocabulary"));
  copy("vit");
  std::ofstream(folder_ / "preprocessor_config.json") << R"({"do_normalize": false, "image_mean": [0.5]})";
  EXPECT_THAT(refusal(), HasSubstr("do_normalize"));
  EXPECT_EQ(Transformer::files(folder_).size(), 3u);
}

TEST_F(FamilyFolder, SizesThatDisagreeWithATensorNameIt) {
  const auto refused = [&](const std::string& family, const std::string& key, const nlohmann::json& value,
                           const std::string& tensor) {
    copy(family);
    set(key, value);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("model.safetensors"), HasSubstr(tensor))) << family << " " << key;
  };
  refused("bert", "num_hidden_layers", 3, "encoder.layer.2.attention.self.query.weight");
  refused("bert", "num_hidden_layers", 1, "encoder.layer.1");
  refused("bert", "intermediate_size", 13, "intermediate.dense.weight");
  refused("bert", "vocab_size", 21, "word_embeddings");
  refused("gpt2", "n_embd", 10, "wte.weight");
  refused("llama", "num_key_value_heads", 1, "k_proj.weight");
}

TEST_F(FamilyFolder, HeadsThatDoNotFitAreRefused) {
  copy("llama");
  set("num_attention_heads", 49);
  EXPECT_THAT(refusal(), HasSubstr("heads"));
  copy("llama");
  set("num_key_value_heads", 3);
  EXPECT_THAT(refusal(), HasSubstr("heads of keys and values"));
}

TEST_F(FamilyFolder, ATensorThatIsMissingOrNotReadIsNamed) {
  copy("bert");
  rename("encoder.layer.1.attention.self.key.bias", "encoder.layer.1.attention.self.kex.bias");
  EXPECT_THAT(refusal(), HasSubstr("encoder.layer.1.attention.self.key.bias' is missing"));
  copy("llama");
  rename("model.layers.1.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.wxight");
  EXPECT_THAT(refusal(), HasSubstr("model.layers.1.mlp.up_proj.weight' is missing"));
  copy("timm_average");  // has no bias of queries: another tensor is not taken for one
  rename("blocks.1.mlp.fc2.bias", "blocks.1.ls1.gammaxxx");
  EXPECT_THAT(refusal(), HasSubstr("blocks.1.mlp.fc2.bias"));
  copy("qwen2");  // a bias may be missing in the family, but not in one layer of three products
  rename("model.layers.0.self_attn.k_proj.bias", "model.layers.0.self_attn.k_proj.bixs");
  EXPECT_THAT(refusal(), HasSubstr("model.layers.0.self_attn.k_proj.bixs"));
}

TEST_F(FamilyFolder, ABiasThatIsThereAgainstTheDescriptionIsRefused) {
  copy("vit");
  set("qkv_bias", false);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("model.safetensors"), HasSubstr("bias")));
  copy("llama");
  set("attention_bias", true);
  EXPECT_THAT(refusal(), HasSubstr("bias"));
}

TEST_F(FamilyFolder, ShardsMustHoldWhatTheIndexSays) {
  const std::string shard = "model-00002-of-00002.safetensors";
  copy("bert_shards");
  EXPECT_EQ(Transformer::files(folder_).size(), 4U);
  fs::remove(folder_ / shard);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(shard), HasSubstr("cannot be opened")));
  copy("bert_shards");
  rename("classifier.bias", "classifier.bixs", "model.safetensors.index.json");
  EXPECT_THAT(refusal(), AllOf(HasSubstr(".safetensors"), HasSubstr("classifier.bi")));
  copy("bert_shards");
  rename("\"model-00002-of-00002.safetensors\"", "\"../../../../etc/passwd.safetenso\"",
         "model.safetensors.index.json");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("index.json"), HasSubstr("beside the index")));
}

TEST_F(FamilyFolder, DamagedFilesNeverCrash) {
  std::mt19937 generator(4);
  int refusals = 0, loads = 0;
  for (const char* name : {"bert_shards", "timm_distilled", "llama"})
    for (int i = 0; i < 150; ++i, ++loads) {
      copy(name);
      std::vector<fs::path> files;
      for (const fs::directory_entry& file : fs::directory_iterator(folder_)) files.push_back(file.path());
      std::sort(files.begin(), files.end());
      const fs::path file = files[generator() % files.size()];
      std::ifstream in(file, std::ios::binary);
      std::string bytes(std::istreambuf_iterator<char>(in), {});
      const std::size_t front = std::min<std::size_t>(bytes.size(), 4'000);  // where headers are
      for (int flips = 1 + static_cast<int>(generator() % 4); flips > 0; --flips)
        bytes[generator() % front] = "0123456789-{}[],\"e.a"[generator() % 20];
      if (generator() % 5 == 0) bytes.resize(generator() % bytes.size());
      std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
      refusals += refusal() == "(nothing refused)" ? 0 : 1;
    }
  EXPECT_GT(refusals, loads / 3);
}

TEST_F(FamilyFolder, AnExampleThatTheModelCannotTakeIsRefused) {
  const Transformer model = Transformer::load(families_folder / "bert");
  Example e;
  const auto refused = [&](const char* what) {
    try {
      model.logits(e);
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr(what));
      return;
    }
    ADD_FAILURE() << "not refused: " << what;
  };
  refused("tokens are expected");
  e.tokens = {1, 20};
  refused("outside a vocabulary of 20");
  e.tokens = {-1};
  refused("outside");
  e.tokens.assign(13, 1);
  refused("1 to 12 tokens");
  e.tokens = {1, 2};
  e.token_types = {0, 2};
  refused("type of token 1");
  e.token_types = {0};
  refused("as many token types");
  e.token_types = {};
  EXPECT_EQ(model.logits(e).cols(), 3);
}

TEST(Matches, StarsStandForAnyText) {
  EXPECT_TRUE(matches("*.attn.bias", "h.0.attn.bias"));
  EXPECT_FALSE(matches("*.attn.bias", "h.0.attn.c_attn.bias2"));
  EXPECT_TRUE(matches("*a*b", "xaxbab"));
  EXPECT_FALSE(matches("*a*b", "xaxba"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "x"));
  EXPECT_TRUE(matches("*", ""));
}

}  // namespace
}  // namespace flare::arch
