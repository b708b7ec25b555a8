#include "engine/base/output_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <system_error>

#include "engine/base/file_error.hpp"
#include "engine/base/hdf5_io.hpp"
#include "engine/base/hdf5_memory.hpp"
#include "engine/base/mathematics.hpp"
#include "tests/engine/base/file_fixture.hpp"

namespace flare::engine {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class OutputFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::scratch(::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  static std::string content(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void put(const fs::path& file, const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
  }

  fs::path folder_;
};

TEST_F(OutputFile, AppearsWholeAndReplacesItself) {
  const fs::path out = folder_ / "a";
  write_output(out, "title one");
  write_output(out, "title two, longer");
  EXPECT_EQ(content(out), "title two, longer");
  EXPECT_FALSE(fs::exists(part_of_output(out)));
}

TEST_F(OutputFile, WhatCannotBecomeAFileIsSaidBefore) {
  const auto why = [&](const fs::path& out) { return testing::message_of([&] { check_output(out); }); };
  fs::create_directory(folder_ / "folder");
  fs::create_symlink("nowhere", folder_ / "link");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(why(folder_ / "folder"), HasSubstr("is a folder"));
  EXPECT_THAT(why(folder_ / "link"), HasSubstr("is a link"));
  EXPECT_THAT(why(folder_ / "pipe"), HasSubstr("is a pipe"));
  EXPECT_THAT(why("/dev/null"), HasSubstr("device"));
  EXPECT_THAT(why(folder_ / "no" / "file"), HasSubstr("no such folder"));
  fs::create_symlink("nowhere", folder_ / "b.part");
  EXPECT_THAT(why(folder_ / "b"), HasSubstr("b.part: is a link"));
  EXPECT_EQ(why(folder_ / "c"), "(nothing thrown)");
}

TEST_F(OutputFile, AFileThatIsNotOursUnderThePartsNameStays) {
  const fs::path out = folder_ / "a";
  put(part_of_output(out), "somebody's");
  EXPECT_THROW(write_output(out, "title"), FileError);
  EXPECT_EQ(content(part_of_output(out)), "somebody's");
  fs::remove(part_of_output(out));
  put(folder_ / "target", "somebody's");
  fs::create_symlink("target", part_of_output(out));
  EXPECT_THROW(write_output(out, "title"), FileError);
  EXPECT_EQ(content(folder_ / "target"), "somebody's");
}

TEST_F(OutputFile, AFullDiskLeavesWhatWasThere) {
  const fs::path out = folder_ / "a";
  write_output(out, "title one");
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 4000;
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(write_output(out, "title" + std::string(9000, 'x')), std::system_error);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(content(out), "title one");
  EXPECT_FALSE(fs::exists(part_of_output(out)));
}

// 4,094 texts are as many as an attribute of the older file format holds.
TEST_F(OutputFile, AttributesOfManyNamesAreKept) {
  std::vector<std::string> names;
  for (int i = 0; i < 100'000; ++i) names.push_back("m.x" + std::to_string(i) + ".vth");
  const fs::path out = folder_ / "names.h5";
  H5::H5File file = memory_file("names");
  write_matrix(file, "/a/parameters", Matrix::Ones(2, 3));
  write_attribute(file, "/a/parameters", "names", names);
  save_whole(file, out);
  EXPECT_EQ(read_texts(open_result(out), "/a/parameters", "names"), names);
}

TEST_F(OutputFile, ResultsThatReachElsewhereAreRefused) {
  const fs::path out = folder_ / "a.h5";
  {
    H5::H5File file = memory_file("a");
    write_matrix(file, "/m", Matrix::Ones(2, 3));
    save_whole(file, out);
  }
  EXPECT_NO_THROW(open_result(out));
  {
    const H5::H5File file(out.string(), H5F_ACC_RDWR);
    H5Lcreate_soft("/m", file.getId(), "/alias", H5P_DEFAULT, H5P_DEFAULT);
  }
  EXPECT_THAT(testing::message_of([&] { open_result(out); }), HasSubstr("reaches into other files"));
  EXPECT_THAT(testing::message_of([&] { open_result(folder_); }), HasSubstr("is not a file"));
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(testing::message_of([&] { open_result(folder_ / "pipe"); }), HasSubstr("is not a file"));
}

TEST(Mathematics, IsTheSameWheneverItIsAsked) { EXPECT_EQ(mathematics_hash(), mathematics_hash()); }

}  // namespace
}  // namespace flare::engine
