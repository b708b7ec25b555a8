// Examples as tensors: true lengths, labels, and what is refused with tensor and row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/base/file_error.hpp"
#include "flare_arch/models/dataset.hpp"
#include "tests/engine/base/file_fixture.hpp"

namespace flare::arch {
namespace {

using engine::testing::message_of;
using engine::testing::scratch;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// Writes tensors of whole numbers, and floats, and reads them back as a data set.
class TensorDataset : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(file_); }

  template <class T>
  void add(const std::string& name, const std::vector<std::int64_t>& shape, const std::vector<T>& values) {
    const std::size_t begin = data_.size(), bytes = values.size() * sizeof(T);
    data_.resize(begin + bytes);
    std::memcpy(data_.data() + begin, values.data(), bytes);
    header_[name] = {{"dtype", std::is_same_v<T, float> ? "F32" : "I64"},
                     {"shape", shape},
                     {"data_offsets", {begin, begin + bytes}}};
  }
  Dataset load() {
    const std::string text = header_.dump();
    const std::uint64_t length = text.size();
    std::ofstream out(file_, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&length), sizeof length);
    out << text << data_;
    out.close();
    return load_dataset(file_);
  }
  std::string refusal() {
    return message_of([this] { load(); });
  }
  void clear() {
    header_ = {};
    data_.clear();
  }

  using Whole = std::vector<std::int64_t>;
  nlohmann::json header_;
  std::string data_;
  const std::filesystem::path file_ = scratch("set.safetensors");
};

TEST_F(TensorDataset, TextIsCutToItsTrueLength) {
  add("input_ids", {2, 3}, Whole{5, 6, 0, 7, 8, 9});
  add("attention_mask", {2, 3}, Whole{1, 1, 0, 1, 1, 1});
  add("token_type_ids", {2, 3}, Whole{0, 1, 1, 0, 0, 1});
  add("labels", {2}, Whole{1, 0});
  const Dataset d = load();
  EXPECT_EQ(d.metric, Metric::top1);
  EXPECT_EQ(d.test->size(), 2);
  EXPECT_EQ(d.test->example(0).tokens, (std::vector<std::int32_t>{5, 6}));
  EXPECT_EQ(d.test->example(0).token_types, (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(d.test->example(0).label, 1);
  EXPECT_EQ(d.test->example(1).tokens.size(), 3U);
  EXPECT_EQ(d.train, d.test);
}

TEST_F(TensorDataset, TextWithoutLabelsIsALanguageModels) {
  add("input_ids", {1, 3}, Whole{5, 6, 0});
  add("calibration_input_ids", {2, 1}, Whole{3, 4});
  const Dataset d = load();
  EXPECT_EQ(d.metric, Metric::loss);
  EXPECT_EQ(d.train->size(), 2);
  EXPECT_EQ(d.train->example(1).tokens, (std::vector<std::int32_t>{4}));
}

TEST_F(TensorDataset, ImagesAreTakenAsTheyAreFed) {
  add("pixel_values", {2, 1, 2, 1}, std::vector<float>{0.5f, -1, 2, 3});
  add("labels", {2}, Whole{0, 4});
  const Example e = load().test->example(1);
  EXPECT_EQ(e.image.values, (std::vector<float>{2, 3}));
  EXPECT_EQ(e.image.height, 2);
  EXPECT_TRUE(e.image.normalised);
  EXPECT_EQ(e.label, 4);
}

TEST_F(TensorDataset, WhatIsWrongIsNamedWithItsRow) {
  add("input_ids", {2, 2}, Whole{5, 6, -7, 8});
  EXPECT_THAT(refusal(), AllOf(HasSubstr(file_.string()), HasSubstr("'input_ids', row 1: -7")));
  clear();
  add("input_ids", {2, 2}, Whole{5, 6, 7, 8});
  add("attention_mask", {2, 2}, Whole{1, 1, 0, 1});
  EXPECT_THAT(refusal(), HasSubstr("'attention_mask', row 1"));
  clear();
  add("input_ids", {2, 2}, Whole{5, 6, 7, 8});
  add("attention_mask", {2, 1}, Whole{1, 1});
  EXPECT_THAT(refusal(), HasSubstr("attention_mask"));
  clear();
  add("input_ids", {2, 2}, Whole{5, 6, 7, 8});
  add("labels", {3}, Whole{1, 1, 1});
  EXPECT_THAT(refusal(), HasSubstr("3 values for 2 examples"));
  clear();
  add("input_ids", {1, 2}, std::vector<float>{1, 2.5f});
  EXPECT_THAT(refusal(), HasSubstr("no whole number"));
  clear();
  add("pixel_values", {2, 2}, std::vector<float>{1, 2, 3, 4});
  EXPECT_THAT(refusal(), HasSubstr("channels x height x width"));
  clear();
  add("pixel_values", {1, 1, 2, 2}, std::vector<float>{1, 2, 3, 4});
  EXPECT_THAT(refusal(), HasSubstr("'labels' is missing"));
  clear();
  add("weights", {1}, Whole{1});
  EXPECT_THAT(refusal(), HasSubstr("neither 'input_ids' nor 'pixel_values'"));
}

TEST(Dataset, AnotherEndingIsRefused) {
  EXPECT_THAT(message_of([] { load_dataset("images.tar"); }), HasSubstr(".safetensors"));
}

}  // namespace
}  // namespace flare::arch
