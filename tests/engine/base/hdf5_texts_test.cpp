#include "engine/base/hdf5_texts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "engine/base/file_error.hpp"
#include "engine/base/hdf5_io.hpp"
#include "tests/engine/base/file_fixture.hpp"

namespace {

using flare::engine::FileError;
using ::testing::HasSubstr;

class Hdf5Texts : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(file_); }

  const std::filesystem::path file_ = flare::engine::testing::scratch("texts.h5");
  const std::string text_ = "a text that is found again";

  /// A file with one text, and a table with texts of all lengths.
  void write(std::size_t longest = 100) const {
    H5::H5File h5(file_.string(), H5F_ACC_TRUNC);
    flare::engine::write_attribute(h5, "/", "study", text_);
    std::vector<std::string> texts;
    for (std::size_t length = 0; length <= longest; length = 2 * length + 1) texts.emplace_back(length, 'x');
    flare::engine::write_table(h5, "/t", flare::engine::Table().add("name", "", texts));
  }
  std::string content() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// Exchanges some bytes of the file for others.
  void change(std::size_t at, const std::string& bytes) const {
    std::string all = content();
    all.replace(at, bytes.size(), bytes);
    std::ofstream(file_, std::ios::binary) << all;
  }
  std::size_t heap() const { return content().find("GCOL"); }
  std::size_t object() const { return content().find(text_) - 16; }
  /// Where the attribute refers to its text: its length, then the heap.
  std::size_t reference() const { return content().find(number(text_.size(), 4) + number(heap(), 8)); }
  static std::string number(std::size_t value, std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xffU);
    return text;
  }
  void expect_refused() const {
    try {
      flare::engine::open_result(file_);
      ADD_FAILURE() << "was read";
    } catch (const FileError& e) {
      EXPECT_THAT(e.what(), HasSubstr("what it lists, or texts, are not where it says"));
    }
  }
};

TEST_F(Hdf5Texts, OfAllLengthsAreRead) {
  write(300'000);
  const H5::H5File h5 = flare::engine::open_result(file_);
  EXPECT_EQ(flare::engine::read_text(h5, "/", "study"), text_);
  const auto texts = flare::engine::read_table(h5, "/t").texts("name");
  EXPECT_EQ(texts.front(), "");
  EXPECT_EQ(texts.back(), std::string(262'143, 'x'));
}

TEST_F(Hdf5Texts, WhatAReferenceSaysOfThemHolds) {
  for (const auto& [offset, bytes] : {std::pair<std::size_t, std::string>{0, number(text_.size() + 1, 4)},
                                      {0, number(0, 4)},
                                      {4, number(7, 8)},
                                      {4, number(std::size_t{1} << 40U, 8)},
                                      {4, number(~std::size_t{0} - 8, 8)},
                                      {12, number(40, 4)},
                                      {12, number(0x1'0001, 4)}}) {
    SCOPED_TRACE(offset);
    write();
    change(reference() + offset, bytes);
    expect_refused();
  }
}

// The library copies 8,000 bytes into a buffer of 4,096 then, and seldom crashes.
TEST_F(Hdf5Texts, AHeapThatSaysMoreThanItHoldsIsNotBelieved) {
  for (const std::size_t length :
       {std::size_t{8'000}, text_.size() + 8, ~std::size_t{0} - 15, std::size_t{0}}) {
    SCOPED_TRACE(length);
    write();
    change(object() + 8, number(length, 8));
    expect_refused();
  }
}

TEST_F(Hdf5Texts, AHeapThatIsNotInOrderIsNotRead) {
  for (const auto& [offset, bytes] : {std::pair<std::size_t, std::string>{0, "GCOX"},
                                      {4, "\2"},
                                      {8, number(100, 8)},
                                      {8, number(std::size_t{1} << 40U, 8)}}) {
    SCOPED_TRACE(offset);
    write();
    change(heap() + offset, bytes);
    expect_refused();
  }
}

}  // namespace
