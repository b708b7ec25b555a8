// `flare sparsity` as a person meets it: tables, file, figures, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/base/hdf5_io.hpp"
#include "tests/studies/program_fixture.hpp"

namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

using flare::studies::testing::Ended;

class Sparsity : public flare::studies::testing::ProgramFixture {
 protected:
  Ended sparsity(const std::string& arguments) const {
    return run_line("sparsity " + source("data/models/digits_vit") + " " + source("data/digits/digits.csv") +
                    " " + arguments);
  }
};

TEST_F(Sparsity, WritesItsTablesAndTheTensorsBehindThem) {
  const Ended ended = sparsity("--images 2 --slices 16 64 -o s.h5 --tensors");
  ASSERT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("next fit"));
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
  const Ended ended = sparsity("--images 1 --figures figures");
  ASSERT_EQ(ended.status, 0) << ended.out;
  for (const char* name : {"sparsity.svg", "boost.svg"}) {
    std::ifstream in(folder_ / "figures" / name);
    const std::string svg((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(svg.substr(0, 4), "<svg") << name;
    EXPECT_THAT(svg, HasSubstr("scores")) << name;
  }
}

TEST_F(Sparsity, BadInputIsStatusTwo) {
  EXPECT_EQ(sparsity("--slices 0").status, 2);
  EXPECT_EQ(sparsity("--sawl 65").status, 2);
  const Ended nowhere = sparsity("-o nowhere/s.h5");
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.out, HasSubstr("nowhere"));
  EXPECT_THAT(sparsity("--tensors").out, HasSubstr("-o"));
  const Ended other = run_line("sparsity " + source("tests/flare_arch/golden/families/bert") + " " +
                               source("data/digits/digits.csv"));
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.out, HasSubstr("examples with tokens"));
  const Ended deep = sparsity("--images 1 --depth 65536");
  EXPECT_EQ(deep.status, 2);
  EXPECT_THAT(deep.out, HasSubstr("--images"));
}

}  // namespace
