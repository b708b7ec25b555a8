// Tables of gain cells through a result file, and what is said where one is not there.
#include "engine/base/gain_cell_tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>

#include "engine/base/hdf5_memory.hpp"

namespace flare::engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

GainCellTables some_tables() {
  GainCellTables t;
  t.cell = "cell";
  t.corner = "tt_0.90V_27C";
  t.supply = 0.9;
  t.temperature = 27.0;
  t.middle = 0.45;
  t.read_pulse = 15e-9;
  t.integration = 8e-12;
  t.full_scale = 80e-6;
  t.transfer = {{0, 0.0, -8e-6, 1e-7, 1e-16, -8e-3, 20, 1}, {1, 0.9, 9e-6, 2e-7, 2e-16, 2e-3, 21, 0}};
  t.pulses = {{0, 1e-9, -8e-15}};
  t.polynomial.g = {-6.5e-8, 1.5e-5, 3e-6, 3e-5};
  t.polynomial.covariance = Matrix::Identity(4, 4) * 1e-14;
  t.polynomial.residual = 5e-7;
  t.write = {{1, 0.9, 0.894, 1e-3, 20, 0}};
  t.retention = {{1, 8e-4, 0.84, 1e-2, 19, 1}};
  t.widths = {{"signed", -1e-12, 14.8e-9, 1e-10, 20, 0}};
  t.converters = {{"rectifier", 1.013, 7e-10, 5e-12, 0.013, 8e-11, 20, 0}};
  t.energy = {{"read", 3e-14}};
  t.columns = {{0, 1e-13, 0.98e-13}};
  return t;
}

class GainCellFile : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() /
            (std::string("gain_cell_tables_") + std::to_string(::getpid()) + ".h5");
  }
  void TearDown() override { std::filesystem::remove(path_); }

  H5::H5File fresh() const { return {path_.string(), H5F_ACC_TRUNC}; }
  std::string complaint(const H5::H5File& file, const std::string& cell, const std::string& corner) const {
    try {
      read_gain_cell(file, cell, corner);
    } catch (const FileError& e) {
      return e.what();
    }
    return "none";
  }

  std::filesystem::path path_;
};

TEST_F(GainCellFile, ComesBackAsItWasWritten) {
  H5::H5File file = fresh();
  const GainCellTables t = some_tables();
  write_gain_cell(file, t);
  const std::vector<GainCellTables> all = read_gain_cells(file);
  ASSERT_EQ(all.size(), 1u);
  const GainCellTables& r = all.front();
  EXPECT_EQ(r.path(), "/gain_cell/cell/tt_0.90V_27C");
  EXPECT_EQ(r.supply, t.supply);
  EXPECT_EQ(r.full_scale, t.full_scale);
  EXPECT_EQ(r.integration, t.integration);
  ASSERT_EQ(r.transfer.size(), 2u);
  EXPECT_EQ(r.transfer[1].mean, 9e-6);
  EXPECT_EQ(r.transfer[1].kick, 2e-3);
  EXPECT_EQ(r.transfer[0].unknown, 1);
  EXPECT_EQ(r.pulses.front().charge, -8e-15);
  EXPECT_EQ(r.polynomial.g, t.polynomial.g);
  EXPECT_EQ(r.polynomial.covariance, t.polynomial.covariance);
  EXPECT_EQ(r.polynomial.residual, 5e-7);
  EXPECT_EQ(r.write.front().mean, 0.894);
  EXPECT_EQ(r.retention.front().time, 8e-4);
  EXPECT_EQ(r.widths.front().mode, "signed");
  EXPECT_EQ(r.converters.front().gain_sigma, 0.013);
  EXPECT_EQ(r.energy.front().use, "read");
  EXPECT_EQ(r.columns.front().charge, 0.98e-13);
  EXPECT_TRUE(r.monotone());
}

TEST_F(GainCellFile, SaysWhatIsThereWhereSomethingElseIsAskedFor) {
  H5::H5File file = fresh();
  EXPECT_THAT(complaint(file, "cell", "tt"),
              AllOf(HasSubstr("has no gain cell 'cell'"), HasSubstr("run a study")));
  EXPECT_TRUE(read_gain_cells(file).empty());
  write_gain_cell(file, some_tables());
  EXPECT_THAT(complaint(file, "cell_2", "tt"), AllOf(HasSubstr("'cell_2'"), HasSubstr("it has cell")));
  EXPECT_THAT(complaint(file, "cell", "ss"), AllOf(HasSubstr("'ss'"), HasSubstr("there are tt_0.90V_27C")));
}

TEST_F(GainCellFile, SaysWhichTableIsMissing) {
  H5::H5File file = fresh();
  write_gain_cell(file, some_tables());
  file.unlink("/gain_cell/cell/tt_0.90V_27C/retention");
  const std::string said = complaint(file, "cell", "tt_0.90V_27C");
  EXPECT_THAT(said, AllOf(HasSubstr("/gain_cell/cell/tt_0.90V_27C/retention"), HasSubstr("run the study")));
  EXPECT_EQ(said.find('\n'), std::string::npos);
}

TEST(Cubic, RisesOnlyWhereItDoesEverywhere) {
  EXPECT_TRUE(cubic_rises({0.0, 1.0, 0.0, 0.0}, -0.45, 0.45));
  EXPECT_TRUE(cubic_rises({0.0, 0.1, 0.0, 5.0}, -0.45, 0.45));
  EXPECT_FALSE(cubic_rises({0.0, -0.1, 0.0, 5.0}, -0.45, 0.45)) << "falls in the middle";
  EXPECT_FALSE(cubic_rises({0.0, 1.0, 3.0, 0.0}, -0.45, 0.45)) << "falls at the lower end";
  EXPECT_FALSE(cubic_rises({0.0, 1.0, 0.0, -3.0}, -0.45, 0.45)) << "falls at both ends";
  // y + 1.9 y^2 + y^3 has the slope 1 + 3.8 y + 3 y^2 < 0 around -0.63: outside of the first range alone.
  EXPECT_TRUE(cubic_rises({0.0, 1.0, 1.9, 1.0}, -0.2, 0.45));
  EXPECT_FALSE(cubic_rises({0.0, 1.0, 1.9, 1.0}, -1.2, 0.45));
  EXPECT_DOUBLE_EQ(cubic_value({1.0, 2.0, 3.0, 4.0}, 0.5), 1.0 + 1.0 + 0.75 + 0.5);
}

}  // namespace
}  // namespace flare::engine
