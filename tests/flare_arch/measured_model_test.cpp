// A measured confusion matrix as an error model: what a file may hold, what is refused, and what is drawn from it.
#include "flare_arch/measured_model.hpp"

#include <H5Cpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "engine/base/file_error.hpp"
#include "flare_arch/array.hpp"
#include "flare_arch/error_model_file.hpp"

namespace flare::arch {
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
  MatrixD expected(3, 3);
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
    const MatrixD matrix = parse_measured_model(three_rows, "").model.confusion;
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
      load_error_model(path_, "chip", 2, "sar", "lab");
    } catch (const engine::FileError& e) {
      return e.what();
    }
    return "(nothing refused)";
  }

  const std::string set_ = "/error_models/chip/sawl2/sar/lab/confusion";
  fs::path path_;
};

TEST_F(MeasuredFile, TheDatasetAloneIsTheCsvFile) {
  const ErrorModel csv = parse_measured_model(three_rows, "").model;
  for (const ErrorModel& m :
       {load_error_model(path_, "chip", 2, "sar", "lab"), load_error_model(path_, set_)}) {
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
  const ErrorModel m = load_error_model(path_, "chip", 2, "sar", "lab");
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

/// Columns of 8 rows with k = 0 .. 8 on-cells in weight plane 0 and none in plane 1, driven together: a column's
/// output is c + 2 d with c ~ P(. | k) and d ~ P(. | 0).
TEST(MeasuredModel, RatesDrawnAreThoseOfTheMatrix) {
  constexpr int sawl = 8, tokens = 40'000;
  // Errors beyond neighbours, asymmetric, and of a different size at every level; sums are exact in binary.
  std::string text;
  for (int k = 0; k <= sawl; ++k)
    for (int c = 0; c <= sawl; ++c) {
      const double wrong = (k + 1) / 128.0;
      double p = c == k ? 1 - wrong : 0;
      if (c == (k + 1) % (sawl + 1)) p += wrong / 4;
      if (c == (k + 5) % (sawl + 1)) p += 3 * wrong / 4;
      text += std::to_string(p) + (c == sawl ? "\n" : ",");
    }
  const ErrorModel model = parse_measured_model(text, "chip").model;
  const CodeSampler sampler(model);
  MatrixI weights = MatrixI::Zero(sawl, sawl + 1);
  for (int k = 0; k <= sawl; ++k) weights.col(k).head(k).setOnes();
  const PlaneFormat two_bits{2, Encoding::unsigned_binary};
  const Array array(weights, two_bits, {sawl});
  // One false alarm in a million runs of this test: 2 paths x 9 levels.
  constexpr double false_alarm = 1e-6 / 18;
  for (const ReadPath path : {ReadPath::dense, ReadPath::reference}) {
    ErrorInjection errors;
    errors.sampler = &sampler;
    errors.path = path;
    errors.seed = 11;
    const MatrixI out = array.multiply(MatrixI::Ones(tokens, sawl), two_bits, errors);
    for (int k = 0; k <= sawl; ++k) {
      std::vector<double> expected(3 * sawl + 1), seen(3 * sawl + 1);
      for (int c = 0; c <= sawl; ++c)
        for (int d = 0; d <= sawl; ++d)
          expected[c + 2 * d] += tokens * model.confusion(k, c) * model.confusion(0, d);
      for (int t = 0; t < tokens; ++t) ++seen.at(static_cast<std::size_t>(out(t, k)));
      double statistic = 0, rare_expected = 0, rare_seen = 0;
      int cells = 0;
      const auto add = [&](double n, double e) { statistic += (n - e) * (n - e) / e, ++cells; };
      for (std::size_t i = 0; i < seen.size(); ++i) {
        if (expected[i] == 0) {
          EXPECT_EQ(seen[i], 0);
        } else if (expected[i] < 10) {
          rare_expected += expected[i], rare_seen += seen[i];
        } else {
          add(seen[i], expected[i]);
        }
      }
      if (rare_expected >= 10) add(rare_seen, rare_expected);
      const boost::math::chi_squared law(cells - 1);
      EXPECT_LT(statistic, boost::math::quantile(boost::math::complement(law, false_alarm))) << "level " << k;
    }
  }
}

TEST(ErrorModel, AShiftAndAGainErrorMoveTheLevels) {
  // Level 8 at 8 * 0.95 + 0.1 = 7.7, threshold 7.5, sigma 0.1: Phi(-2) of the reads give code 7.
  const ErrorModel m = ErrorModel::gaussian(8, 9, {}, {0.1}, {0.1, -0.05});
  EXPECT_NEAR(m.level_mean[8], 7.7, 1e-12);
  EXPECT_NEAR(m.confusion(8, 7), 0.5 * std::erfc(2 / std::sqrt(2.0)), 1e-9);
  EXPECT_NEAR(m.confusion(0, 1), 0.5 * std::erfc(4 / std::sqrt(2.0)), 1e-9);
  EXPECT_EQ(ErrorModel::gaussian(8, 9, {0.03, 0.01, 0.02}, {0.1}).confusion,
            ErrorModel::gaussian(8, 9, {0.03, 0.01, 0.02}, {0.1}).confusion_of_parts());
}

}  // namespace
}  // namespace flare::arch
