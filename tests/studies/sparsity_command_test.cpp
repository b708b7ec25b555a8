// `flare sparsity` as a person meets it: tables, file, figures, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "engine/hdf5_io.hpp"

namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Sparsity : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("flare_sparsity_" + std::to_string(::getpid()) + "_" +
                                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  struct Ended {
    int status = 0;
    std::string text;
  };
  Ended run(const std::string& arguments) const {
    const std::string source = FLARE_SOURCE_DIR;
    const std::string command =
        "cd '" + folder_.string() + "' && '" FLARE_BINARY_DIR "/bin/flare' sparsity '" + source +
        "/data/models/digits_vit' '" + source + "/data/digits/digits.csv' " + arguments + " > out.txt 2>&1";
    const int status = std::system(command.c_str());
    std::ifstream in(folder_ / "out.txt");
    return {WEXITSTATUS(status), std::string((std::istreambuf_iterator<char>(in)), {})};
  }

  fs::path folder_;
};

TEST_F(Sparsity, WritesItsTablesAndTheTensorsBehindThem) {
  const Ended ended = run("--images 2 --slices 16 64 -o s.h5 --tensors");
  ASSERT_EQ(ended.status, 0) << ended.text;
  EXPECT_THAT(ended.text, HasSubstr("next fit"));
  const H5::H5File file = flare::engine::open_result(folder_ / "s.h5");
  EXPECT_EQ(flare::engine::read_text(file, "/", "format"), "flare-sparsity/1");
  EXPECT_EQ(flare::engine::read_integer(file, "/", "images"), 2);
  const flare::engine::Table zeros = flare::engine::read_table(file, "/sparsity");
  EXPECT_EQ(zeros.rows(), 13U);
  for (const double share : zeros.numbers("zero_bits")) {
    EXPECT_GT(share, 0.3);
    EXPECT_LT(share, 1.0);
  }
  const flare::engine::Table boost = flare::engine::read_table(file, "/boost");
  EXPECT_EQ(boost.rows(), 11U * 5U);  // next fit and first fit at two lengths, ideal
  for (std::size_t i = 0; i < boost.rows(); ++i) {
    EXPECT_EQ(boost.numbers("boost")[i], static_cast<double>(boost.integers("fixed_cycles")[i]) /
                                             static_cast<double>(boost.integers("cycles")[i]));
  }
  const flare::engine::Matrix tensor = flare::engine::read_matrix(file, "/tensors/layer3/query/3");
  EXPECT_EQ(tensor.rows(), 17);
  EXPECT_EQ(tensor.cols(), 16);
  EXPECT_FALSE(fs::exists(folder_ / "s.h5.part"));
}

TEST_F(Sparsity, DrawsItsFigures) {
  const Ended ended = run("--images 1 --figures figures");
  ASSERT_EQ(ended.status, 0) << ended.text;
  for (const char* name : {"sparsity.svg", "boost.svg"}) {
    std::ifstream in(folder_ / "figures" / name);
    const std::string svg((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(svg.substr(0, 4), "<svg") << name;
    EXPECT_THAT(svg, HasSubstr("scores")) << name;
  }
}

TEST_F(Sparsity, BadInputIsStatusTwo) {
  EXPECT_EQ(run("--slices 0").status, 2);
  EXPECT_EQ(run("--sawl 65").status, 2);
  const Ended nowhere = run("-o nowhere/s.h5");
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.text, HasSubstr("nowhere"));
  EXPECT_THAT(run("--tensors").text, HasSubstr("-o"));
  const Ended deep = run("--images 1 --depth 65536");
  EXPECT_EQ(deep.status, 2);
  EXPECT_THAT(deep.text, HasSubstr("--images"));
}

}  // namespace
