// Hashes of files: the published values of FNV-1a, and what makes two inputs the same.
#include "engine/base/content_hash.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "engine/base/file_error.hpp"

namespace flare::engine {
namespace {

namespace fs = std::filesystem;

class ContentHash : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("flare_content_hash_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  fs::path folder_;
};

TEST_F(ContentHash, IsFnv1a) {
  // Test vectors of the authors (isthe.com/chongo/tech/comp/fnv, test_fnv.c).
  EXPECT_EQ(fnv1a(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(fnv1a("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(fnv1a("foobar"), 0x85944171f73967e8ULL);
  EXPECT_EQ(content_hash(file("foobar", "foobar")), 0x85944171f73967e8ULL);
  EXPECT_EQ(content_hash(file("empty", "")), 0xcbf29ce484222325ULL);
  EXPECT_EQ(hash_text(0x00000000000000afULL), "00000000000000af");
}

TEST_F(ContentHash, PiecesAreOneFile) {
  for (const std::size_t size : {65'535U, 65'536U, 65'537U, 200'000U}) {
    std::string text(size, 'x');
    text[size / 2] = '\0';
    EXPECT_EQ(content_hash(file("long", text)), fnv1a(text)) << size;
    text.back() = 'y';
    EXPECT_NE(content_hash(file("other", text)), content_hash(folder_ / "long"));
  }
}

TEST_F(ContentHash, OfSeveralFilesFollowsContentAndOrderNotNames) {
  const fs::path a = file("a", "1"), b = file("b", "2"), c = file("c", "1");
  EXPECT_EQ(input_files({a, b, a}).size(), 2U);
  EXPECT_EQ(content_hash(input_files({a, b})), content_hash(input_files({c, b})));
  EXPECT_NE(content_hash(input_files({a, b})), content_hash(input_files({b, a})));
  EXPECT_NE(content_hash(input_files({a})), content_hash(input_files({a, b})));
  // "1" "2" and "12" "" are different pairs.
  EXPECT_NE(content_hash(input_files({a, b})), content_hash(input_files({file("d", "12"), file("e", "")})));
}

TEST_F(ContentHash, WhatCannotBeReadIsRefused) {
  EXPECT_THROW(content_hash(folder_ / "nothing"), FileError);
  EXPECT_THROW(content_hash(folder_), FileError);
}

}  // namespace
}  // namespace flare::engine
