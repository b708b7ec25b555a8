#include "engine/base/hdf5_io.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>

namespace flare::engine {
namespace {

using ::testing::ElementsAre;

class Hdf5Io : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() /
            ("flare_hdf5_io_" + std::to_string(::getpid()) + "_" +
             ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".h5");
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::filesystem::path path_;
};

TEST_F(Hdf5Io, ATableComesBackWithItsUnits) {
  Table table;
  table.add("k", "", std::vector<std::int64_t>{0, 1, -7})
      .add("mean", "V", std::vector<double>{0.9, 0.85, -1e-300})
      .add("status", "", std::vector<std::string>{"estimated", "µ", ""});
  {
    H5::H5File file(path_.string(), H5F_ACC_TRUNC);
    write_table(file, "/points/sram8t/levels", table);
  }
  const H5::H5File file = open_result(path_);
  const Table back = read_table(file, "/points/sram8t/levels");
  EXPECT_THAT(back.integers("k"), ElementsAre(0, 1, -7));
  EXPECT_THAT(back.numbers("mean"), ElementsAre(0.9, 0.85, -1e-300));
  EXPECT_THAT(back.texts("status"), ElementsAre("estimated", "µ", ""));
  EXPECT_EQ(back.columns[1].unit, "V");
  EXPECT_THAT(read_texts(file, "/points/sram8t/levels", "units"), ElementsAre("", "V", ""));
  EXPECT_THROW(back.numbers("k"), FileError);
  EXPECT_THROW(back.numbers("nothing"), FileError);
}

TEST_F(Hdf5Io, AnEmptyTableKeepsItsColumns) {
  Table table;
  table.add("p", "", std::vector<double>{}).add("model", "", std::vector<std::string>{});
  {
    H5::H5File file(path_.string(), H5F_ACC_TRUNC);
    write_table(file, "/accuracy", table);
  }
  const Table back = read_table(open_result(path_), "/accuracy");
  EXPECT_EQ(back.rows(), 0U);
  EXPECT_EQ(back.columns.size(), 2U);
}

TEST_F(Hdf5Io, MatricesAndAttributesComeBack) {
  Matrix m(2, 3);
  m << 1, 2, 3, 4, 5, 6;
  {
    H5::H5File file(path_.string(), H5F_ACC_TRUNC);
    write_matrix(file, "/a/b", m, "V");
    write_attribute(file, "/", "seed", std::int64_t{-3});
    write_attribute(file, "/", "study", std::string("title = \"x\""));
    write_attribute(file, "/a/b", "reconstruct", std::vector<double>{0, 1, 2});
    write_attribute(file, "/a", "limit", 0.5);
    write_attribute(file, "/a", "limit", 0.25);  // replaced, not doubled
  }
  const H5::H5File file = open_result(path_);
  EXPECT_EQ(read_matrix(file, "/a/b"), m);
  EXPECT_EQ(read_integer(file, "/", "seed"), -3);
  EXPECT_EQ(read_text(file, "/", "study"), "title = \"x\"");
  EXPECT_THAT(read_numbers(file, "/a/b", "reconstruct"), ElementsAre(0, 1, 2));
  EXPECT_EQ(read_number(file, "/a", "limit"), 0.25);
  EXPECT_THAT(members(file, "/"), ElementsAre("a"));
  EXPECT_TRUE(exists(file, "/a/b"));
  EXPECT_FALSE(exists(file, "/x/y/z"));
  EXPECT_FALSE(has_attribute(file, "/a", "none"));
}

TEST_F(Hdf5Io, ReadingIsBoundedAndNamesTheFile) {
  {
    H5::H5File file(path_.string(), H5F_ACC_TRUNC);
    write_matrix(file, "/m", Matrix::Zero(100, 100));
  }
  ReadLimits small;
  small.max_elements = 100;
  EXPECT_THROW(read_matrix(open_result(path_), "/m", small), FileError);
  {
    // Chunks that were never written take no room, whatever the extent says.
    H5::H5File file(path_.string(), H5F_ACC_TRUNC);
    const hsize_t dims[2] = {10'000, 10'000};
    const hsize_t chunk[2] = {10, 10};
    H5::DSetCreatPropList made;
    made.setChunk(2, chunk);
    file.createDataSet("/m", H5::PredType::NATIVE_DOUBLE, H5::DataSpace(2, dims), made);
  }
  EXPECT_THROW(read_matrix(open_result(path_), "/m"), FileError);
  std::ofstream(path_) << "not HDF5";
  try {
    open_result(path_);
    FAIL();
  } catch (const FileError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr(path_.string()));
  }
  EXPECT_THROW(open_result("/nowhere/x.h5"), FileError);
}

}  // namespace
}  // namespace flare::engine
