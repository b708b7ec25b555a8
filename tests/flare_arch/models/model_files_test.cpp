// Folders of models: what does not belong to the model is refused by name, whatever its type.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/base/file_error.hpp"
#include "flare_arch/models/transformer.hpp"

namespace flare::arch {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A copy of the shipped model that a test may spoil.
class ModelFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("flare_model_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    for (const char* name : {"model.json", "model.safetensors"}) fs::copy(shipped_ / name, folder_ / name);
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// Adds a tensor of `bytes` bytes, described by `entry` but for its offsets.
  void add_tensor(const std::string& name, const std::string& entry, std::size_t bytes) const {
    const std::string file = text_of(shipped_ / "model.safetensors");
    std::uint64_t length = 0;
    std::memcpy(&length, file.data(), sizeof length);
    std::string header = file.substr(sizeof length, length);
    const std::string data = file.substr(sizeof length + length) + std::string(bytes, '\0');
    header.insert(header.rfind('}'), ",\"" + name + "\":{" + entry + ",\"data_offsets\":[" +
                                         std::to_string(data.size() - bytes) + "," +
                                         std::to_string(data.size()) + "]}");
    length = header.size();
    std::ofstream out(folder_ / "model.safetensors", std::ios::binary);
    out.write(reinterpret_cast<const char*>(&length), sizeof length);
    out << header << data;
  }
  void describe(const std::string& what, const std::string& by) const {
    std::string text = text_of(shipped_ / "model.json");
    text.replace(text.find(what), what.size(), by);
    std::ofstream(folder_ / "model.json") << text;
  }
  std::string refusal(const fs::path& folder) const {
    try {
      Transformer::load(folder);
    } catch (const engine::FileError& e) {
      return e.what();
    }
    return "(nothing refused)";
  }

  const fs::path shipped_ = fs::path(FLARE_SOURCE_DIR) / "data/models/digits_vit";
  fs::path folder_;
};

TEST_F(ModelFiles, ATensorThatNobodyReadsIsNamedWhateverItsType) {
  EXPECT_EQ(refusal(folder_), "(nothing refused)");
  for (const auto& [type, size] :
       {std::pair{"BOOL", 1U}, {"BF16", 2U}, {"F16", 2U}, {"F32", 4U}, {"I64", 8U}}) {
    add_tensor("layers.0.attention.mask", std::string(R"("dtype":")") + type + R"(","shape":[4])", 4 * size);
    EXPECT_THAT(refusal(folder_),
                AllOf(HasSubstr("model.safetensors"), HasSubstr("layers.0.attention.mask"), HasSubstr(type)));
  }
}

TEST_F(ModelFiles, AKeyOfTheConfigurationThatNobodyReadsIsNamed) {
  describe("\"heads\"", "\"query_bias\": true, \"heads\"");
  EXPECT_THAT(refusal(folder_), AllOf(HasSubstr("model.json"), HasSubstr("query_bias")));
}

TEST_F(ModelFiles, WhatIsNotAModelSaysWhatWasExpected) {
  describe("flare-vit/1", "x");
  EXPECT_THAT(refusal(folder_), AllOf(HasSubstr("model.json"), HasSubstr("flare-vit/1")));
  EXPECT_THAT(refusal(folder_ / "nowhere"), AllOf(HasSubstr("nowhere"), HasSubstr("model.safetensors")));
  fs::remove(folder_ / "model.json");
  EXPECT_THAT(refusal(folder_), AllOf(HasSubstr("model.json"), HasSubstr("model.safetensors")));
}

TEST_F(ModelFiles, AValueThatIsNotFiniteIsNoWeight) {
  std::fstream file(folder_ / "model.safetensors", std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(-4, std::ios::end);
  const float infinite = INFINITY;
  file.write(reinterpret_cast<const char*>(&infinite), sizeof infinite);
  file.close();
  EXPECT_THAT(refusal(folder_), HasSubstr("not finite"));
}

}  // namespace
}  // namespace flare::arch
