// Files from elsewhere: tensors, data sets. Good ones are read, bad ones are refused.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <random>

#include "engine/base/file_error.hpp"
#include "flare_arch/base/safetensors.hpp"
#include "flare_arch/models/dataset.hpp"
#include "tests/engine/base/file_fixture.hpp"

namespace flare::arch {
namespace {

using engine::testing::message_of;
using engine::testing::scratch;

std::vector<std::byte> bytes_of(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  std::vector<std::byte> bytes(8 + header.size() + data);
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

TEST(Safetensors, BadFilesAreRefused) {
  const auto refused = [](const std::string& header, std::size_t data, const char* expected) {
    const std::string message = message_of([&] { TensorFile::parse(bytes_of(header, data)); });
    EXPECT_NE(message.find(expected), std::string::npos) << header << " -> " << message;
  };
  refused("{", 0, "not a JSON object");
  refused("[1]", 0, "not a JSON object");
  refused(std::string(100, '[') + std::string(100, ']'), 0, "nested");
  refused(
      R"({"a":"\"}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}","b":)" + std::string(70, '[') + std::string(70, ']') + "}",
      0, "nested");
  refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 8, "do not agree");
  refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 8, "outside");
  refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "outside");
  refused(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "whole number");
  refused(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 8,
          "larger than the file");
  refused(R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,8]}})", 8, "do not agree");
  refused(R"({"a":{"dtype":"F32","shape":[2]}})", 8, "missing");
  refused(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
      8, "overlap");
  refused(  // and no more bytes are claimed than there are
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
      16, "tensor 'b': its bytes overlap those of tensor 'a'");
  EXPECT_NE(message_of([] { TensorFile::parse(std::vector<std::byte>(3)); }).find("too short"),
            std::string::npos);
  std::vector<std::byte> huge(16, std::byte{0xff});
  EXPECT_NE(message_of([&] { TensorFile::parse(huge); }).find("header"), std::string::npos);
}

/// A file of one tensor of 16-bit elements.
TensorFile two_byte_tensor(const std::string& dtype, const std::vector<std::uint16_t>& bits) {
  std::vector<std::byte> bytes =
      bytes_of(R"({"a":{"dtype":")" + dtype + R"(","shape":[)" + std::to_string(bits.size()) +
                   R"(],"data_offsets":[0,)" + std::to_string(2 * bits.size()) + "]}}",
               2 * bits.size());
  std::memcpy(bytes.data() + bytes.size() - 2 * bits.size(), bits.data(), 2 * bits.size());
  return TensorFile::parse(bytes);
}

TEST(Safetensors, SixteenBitNumbersAreExact) {
  // IEEE 754-2008 binary16: one, -2, smallest subnormal and normal, largest, -0, 1 + 2^-10.
  const MatrixF half =
      two_byte_tensor("F16", {0x3c00, 0xc000, 0x0001, 0x0400, 0x7bff, 0x8000, 0x3c01, 0x83ff})
          .floats("a", 1, 8);
  MatrixF expected(1, 8);
  expected << 1.0f, -2.0f, 0x1p-24f, 0x1p-14f, 65504.0f, -0.0f, 1.0f + 0x1p-10f, -1023 * 0x1p-24f;
  EXPECT_EQ(half, expected);
  EXPECT_TRUE(std::signbit(half(0, 5)));
  const MatrixF special = two_byte_tensor("F16", {0x7c00, 0xfc00, 0x7e00}).floats("a");
  EXPECT_EQ(special(0, 0), INFINITY);
  EXPECT_EQ(special(0, 1), -INFINITY);
  EXPECT_TRUE(std::isnan(special(0, 2)));
  const MatrixF brain = two_byte_tensor("BF16", {0x3f80, 0x4049, 0xc2f7, 0x0001}).floats("a");
  EXPECT_EQ(brain(0, 0), 1.0f);
  EXPECT_EQ(brain(0, 1), 3.140625f);
  EXPECT_EQ(brain(0, 2), -123.5f);
  EXPECT_EQ(brain(0, 3), 0x1p-133f);
}

TEST(Safetensors, ATypeMattersOnlyToWhoReadsIt) {
  for (const char* type : {"BOOL", "I8", "F8_E4M3", "U64", "F4_OF_TOMORROW"}) {
    const std::size_t bytes = std::string(type) == "U64" ? 32 : 4;
    const TensorFile file =
        TensorFile::parse(bytes_of(std::string(R"({"a":{"dtype":")") + type +
                                       R"(","shape":[4],"data_offsets":[0,)" + std::to_string(bytes) + "]}}",
                                   bytes));
    EXPECT_EQ(file.tensor("a").dtype, type);
    EXPECT_NE(message_of([&] { file.floats("a"); }).find(type), std::string::npos);
  }
}

TEST(Safetensors, DamagedBytesNeverCrash) {
  const std::string header = R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})";
  const std::vector<std::byte> good = bytes_of(header, 24);
  EXPECT_EQ(TensorFile::parse(good).floats("a", 2, 3), MatrixF::Zero(2, 3));
  std::mt19937 generator(9);
  int refusals = 0;
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::byte> bytes = good;
    for (int flips = 1 + static_cast<int>(generator() % 3); flips > 0; --flips)
      bytes[generator() % bytes.size()] = static_cast<std::byte>(generator());
    if (generator() % 4 == 0) bytes.resize(generator() % bytes.size());
    try {
      TensorFile::parse(bytes);
    } catch (const std::runtime_error&) {
      ++refusals;
    }
  }
  EXPECT_GT(refusals, 1000);
}

TEST(Digits, BadLinesAreNamed) {
  const auto path = scratch("digits.csv");
  const auto message = [&](const std::string& line) {
    std::ofstream(path) << "split,label\n" << line << "\n";
    return message_of([&] { load_digits(path); });
  };
  std::string pixels;
  for (int i = 0; i < 64; ++i) pixels += ",1";
  EXPECT_EQ(message("test,3" + pixels), "(nothing thrown)");
  EXPECT_NE(message("other,3" + pixels).find(":2: "), std::string::npos);
  EXPECT_NE(message("test,10" + pixels).find("label"), std::string::npos);
  EXPECT_NE(message("test,3,17" + pixels.substr(2)).find("pixel"), std::string::npos);
  EXPECT_NE(message("test,3" + pixels + ",1").find("more than 64"), std::string::npos);
  EXPECT_NE(message("test,3,1").find("pixel"), std::string::npos);
  EXPECT_NE(message("train,3" + pixels).find("no test images"), std::string::npos);
  std::ofstream(path) << "test,3" << pixels << "\n";  // without a header the first image would be lost
  EXPECT_NE(message_of([&] { load_digits(path); }).find(":1: "), std::string::npos);
  EXPECT_THROW(load_digits(path.parent_path()), engine::FileError);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace flare::arch
