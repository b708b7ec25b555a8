// A measured confusion matrix as an error model: what a file may hold, what is refused.
#include "engine/base/measured_model.hpp"

#include <H5Cpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "engine/base/error_model_file.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::engine {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// SAWL 2, three codes, no two rows alike.
const std::string three_rows = "0.9,0.08,0.02\n0.05,0.85,0.1\n0.01,0.19,0.8\n";

std::string refusal(const std::string& text) {
  try {
    parse_measured_model(text, "test");
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "(nothing refused)";
}

TEST(MeasuredModel, TheMatrixAloneIsEnough) {
  const ErrorModel m = parse_measured_model(three_rows, "chip").model;
  EXPECT_EQ(m.name, "chip");
  EXPECT_EQ(m.rows_per_read, 2);
  Matrix expected(3, 3);
  expected << 0.9, 0.08, 0.02, 0.05, 0.85, 0.1, 0.01, 0.19, 0.8;
  EXPECT_EQ(m.confusion, expected);
  EXPECT_EQ(m.reconstruct, (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(m.thresholds, (std::vector<double>{0.5, 1.5}));
  EXPECT_EQ(m.level_mean, (std::vector<double>{0, 1, 2}));
  EXPECT_TRUE(m.freezes_nothing());
  EXPECT_EQ(m.frozen_text, "nothing");
}

TEST(MeasuredModel, BlanksHeadersByteOrderMarksAndWindowsLinesAreRead) {
  const MeasuredModel m = parse_measured_model(
      "\xEF\xBB\xBF## any words = a comment\r\n# measured on a Tuesday\r\n# cell_sigma_step = 5 %\r\n"
      "# off_cell_sigma_step = 0.01 step\r\n# reconstruct = 0, 1.5, 2\r\n# sawl = 2\r\n# cell = mine\r\n\r\n"
      "0.9 0.08\t0.02\r\n0.05  0.85 0.1\r\n0.01 0.19 0.8\r\n",
      "chip");
  EXPECT_EQ(m.model.frozen.cell_sigma, 0.05);
  EXPECT_EQ(m.model.frozen.off_cell_sigma, 0.01);
  EXPECT_EQ(m.model.reconstruct, (std::vector<double>{0, 1.5, 2}));
  EXPECT_EQ(m.model.thresholds, (std::vector<double>{0.75, 1.75}));
  EXPECT_EQ(m.description.cell, "mine");
  EXPECT_FALSE(m.model.freezes_nothing());
}

TEST(MeasuredModel, CountsAreDividedByTheirSums) {
  const ErrorModel m = parse_measured_model("# counts = true\n90,8,2\n10,170,20\n1,19,80\n", "chip").model;
  EXPECT_DOUBLE_EQ(m.confusion(0, 0), 0.9);
  EXPECT_DOUBLE_EQ(m.confusion(1, 2), 0.1);
  EXPECT_THAT(refusal("90,8,2\n10,170,20\n1,19,80\n"),
              AllOf(HasSubstr("row 2 (k = 1) sums to 200"), HasSubstr("counts = true")));
  EXPECT_THAT(refusal("# counts = true\n0,0,0\n10,170,20\n1,19,80\n"), HasSubstr("row 1 (k = 0) sums to 0"));
}

TEST(MeasuredModel, RowsOfSixDigitsAreRowsOfProbabilities) {
  // 1/3 to six digits: the row sums to 0.999999, and is divided by that.
  const std::string third = "0.333333,0.333333,0.333333\n", rest = "0,1,0\n0,0,1\n";
  EXPECT_DOUBLE_EQ(parse_measured_model(third + rest, "chip").model.confusion(0, 1), 1.0 / 3.0);
  EXPECT_THAT(refusal("0.33333,0.33333,0.33333\n" + rest), HasSubstr("row 1 (k = 0) sums to 0.99999"));
  EXPECT_THAT(refusal("1,0,0\n0,0.97,0\n0,0.5,0.4\n"),
              AllOf(HasSubstr("row 2 (k = 1) sums to 0.97"), HasSubstr("row 3 (k = 2) sums to 0.9")));
}

TEST(MeasuredModel, EverythingWrongIsNamedAtOnce) {
  EXPECT_THAT(refusal("# recontruct = 0, 1, 2\n# sigma = 3\n1,0,x\n0,1\n" + three_rows),
              AllOf(HasSubstr("line 1: 'recontruct' is unknown"), HasSubstr("reconstruct"),
                    HasSubstr("line 2: 'sigma'"), HasSubstr("line 3: 'x' is not a number")));
  EXPECT_THAT(refusal("# sawl = 8\n# level_mean = 0, 1\n# thresholds = 1\n" + three_rows),
              AllOf(HasSubstr("sawl = 8"), HasSubstr("level_mean has 2 values, 3 are needed"),
                    HasSubstr("thresholds has 1 values, 2 are needed")));
  EXPECT_THAT(refusal("1,0\n0,1,0\n"), HasSubstr("line 2: 3 numbers, the rows above have 2"));
  EXPECT_THAT(refusal("1.5,-0.5\n0,1\n"), HasSubstr("row 1 (k = 0)"));
  EXPECT_THAT(refusal("nan,1\n0,1\n"), HasSubstr("line 1"));
  EXPECT_THAT(refusal("# nothing\n"), HasSubstr("no rows"));
  EXPECT_THAT(refusal("0.5,0.5\n"), HasSubstr("1 x 2"));
}

TEST(MeasuredModel, CodesThatCountAreNotTakenForCodesThatSpread) {
  // A converter of four bits behind SAWL 2 whose codes 0, 1, 2 count on-cells.
  const auto row = [](int code) {
    std::string text;
    for (int c = 0; c < 16; ++c) text += c == code ? "1 " : "0 ";
    return text + "\n";
  };
  const std::string counting = row(0) + row(1) + row(2), spread = row(0) + row(7) + row(15);
  EXPECT_THAT(refusal(counting), HasSubstr("reconstruct"));
  EXPECT_DOUBLE_EQ(parse_measured_model(spread, "chip").model.reconstruct[7], 7 * 2.0 / 15);
  EXPECT_EQ(refusal("# reconstruct = 0 1 2 3 4 5 6 7 8 8 8 8 8 8 8 8\n" + counting), "(nothing refused)");
}

/// A matrix in a file of its own, and the attributes a test gives it.
class MeasuredFile : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = fs::temp_directory_path() / ("flare_measured_" + std::to_string(::getpid()) + ".h5");
    H5::H5File file(path_.string(), H5F_ACC_TRUNC);
    for (const char* group : {"/error_models", "/error_models/chip", "/error_models/chip/sawl2",
                              "/error_models/chip/sawl2/sar", "/error_models/chip/sawl2/sar/lab"})
      file.createGroup(group);
    const Matrix matrix = parse_measured_model(three_rows, "").model.confusion;
    const hsize_t shape[] = {3, 3};
    file.createDataSet(set_, H5::PredType::NATIVE_DOUBLE, H5::DataSpace(2, shape))
        .write(matrix.data(), H5::PredType::NATIVE_DOUBLE);
  }
  void TearDown() override { fs::remove(path_); }

  void attribute(const char* name, const std::vector<double>& values) const {
    H5::H5File file(path_.string(), H5F_ACC_RDWR);
    const hsize_t size = values.size();
    file.openDataSet(set_)
        .createAttribute(name, H5::PredType::NATIVE_DOUBLE, H5::DataSpace(1, &size))
        .write(H5::PredType::NATIVE_DOUBLE, values.data());
  }
  std::string refusal_of_file() const {
    try {
      read_error_model(open_result(path_), key_);
    } catch (const FileError& e) {
      return e.what();
    }
    return "(nothing refused)";
  }

  const ModelKey key_{"chip", 2, "sar", "lab"};
  const std::string set_ = "/error_models/chip/sawl2/sar/lab/confusion";
  fs::path path_;
};

TEST_F(MeasuredFile, TheDatasetAloneIsTheCsvFile) {
  const ErrorModel csv = parse_measured_model(three_rows, "").model;
  for (const ErrorModel& m :
       {read_error_model(open_result(path_), key_), read_error_model(open_result(path_), set_)}) {
    EXPECT_EQ(m.confusion, csv.confusion);
    EXPECT_EQ(m.reconstruct, csv.reconstruct);
    EXPECT_EQ(m.thresholds, csv.thresholds);
    EXPECT_EQ(m.level_mean, csv.level_mean);
    EXPECT_TRUE(m.freezes_nothing());
  }
}

TEST_F(MeasuredFile, AttributesAreReadToTheLastBit) {
  attribute("cell_sigma_step", {0.1 / 3});
  attribute("level_mean", {0.1, 1.0 / 3, 2});
  const ErrorModel m = read_error_model(open_result(path_), key_);
  EXPECT_EQ(m.frozen.cell_sigma, 0.1 / 3);
  EXPECT_EQ(m.level_mean, (std::vector<double>{0.1, 1.0 / 3, 2}));
}

TEST_F(MeasuredFile, AllAttributesThatAreWrongAreNamedAtOnce) {
  attribute("recontruct", {0, 1, 2});
  attribute("thresholds", {0.5});
  attribute("cell_sigma_step", {0.1, 0.2});
  EXPECT_THAT(refusal_of_file(), AllOf(HasSubstr("'recontruct' is unknown"),
                                       HasSubstr("thresholds has 1 values"), HasSubstr("cell_sigma_step")));
}

}  // namespace
}  // namespace flare::engine
