// The error model of a converted column, and what its cells deviate by.
#include "analysis/converters/error_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/analysis/converters/small_column.hpp"
#include "tests/analysis/temporary_file.hpp"

namespace flare::analysis {
namespace {

using ::testing::HasSubstr;
using testing::small_column;
using testing::SmallColumn;
using testing::TemporaryFile;

TEST(ErrorModel, RoundTripsAndNamesItsParts) {
  const TemporaryFile scratch("flare_error_model_test.h5");
  const SmallColumn column = small_column();
  const ReferenceLevels reference(column.means);
  ConverterOptions options;
  options.name = "flash";
  options.offset_sigma_step = 0.03;
  const ConvertedPoint converted = convert(column.levels, reference, options);
  const ErrorModel model = make_error_model(column.levels, reference, converted);
  const ModelKey key{"sram8t", 4, "flash", "tt_0.90V_27C"};
  {
    H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
    write_error_model(file, key, model);
  }
  const H5::H5File file(scratch.path(), H5F_ACC_RDONLY);
  const ErrorModel back = read_error_model(file, key);
  EXPECT_EQ(back.confusion, model.confusion);
  EXPECT_EQ(back.thresholds, model.thresholds);
  EXPECT_EQ(back.level_mean, model.level_mean);
  EXPECT_EQ(back.p_wrong_high, model.p_wrong_high);
  EXPECT_DOUBLE_EQ(back.frozen.threshold_offset_sigma, 0.03);
  EXPECT_EQ(back.per_read.noise_sigma, 0.0);
  EXPECT_THAT(back.frozen_text, HasSubstr("offset of each comparator"));
  EXPECT_EQ(back.per_read_text, "nothing");
  EXPECT_TRUE(engine::exists(file, "/error_models/sram8t/sawl4/flash/tt_0.90V_27C/confusion"));
  EXPECT_THROW(read_error_model(file, {"sram8t", 8, "flash", "tt_0.90V_27C"}), engine::FileError);
}

TEST(ErrorModel, RefusesADamagedMatrix) {
  const TemporaryFile scratch("flare_error_model_damaged_test.h5");
  const SmallColumn column = small_column();
  const ReferenceLevels reference(column.means);
  ErrorModel model = make_error_model(column.levels, reference, convert(column.levels, reference, {}));
  model.confusion(1, 1) += 0.1;
  const ModelKey key{"sram8t", 4, "ideal", "tt"};
  H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
  write_error_model(file, key, model);
  EXPECT_THROW(read_error_model(file, key), engine::FileError);
}

// Variances made from known deviations come back; a column whose off-cells do not vary gives off = 0.
TEST(CellDeviation, ComesBackFromTheVariances) {
  std::vector<double> variances;
  for (int k = 0; k <= 8; ++k) variances.push_back(k * 0.03 * 0.03 + (8 - k) * 0.002 * 0.002);
  const CellDeviation cell = cell_deviation(variances, std::vector<std::size_t>(9, 100));
  EXPECT_NEAR(cell.on, 0.03, 1e-12);
  EXPECT_NEAR(cell.off, 0.002, 1e-12);
  for (int k = 0; k <= 8; ++k) variances[static_cast<std::size_t>(k)] = k * 1e-3 - (k == 0 ? 0.0 : 2e-4);
  EXPECT_EQ(cell_deviation(variances, std::vector<std::size_t>(9, 100)).off, 0.0);
  EXPECT_EQ(cell_deviation({0.0, 0.0}, {9, 9}).on, 0.0);
  EXPECT_THROW(cell_deviation({1.0}, {9}), std::invalid_argument);
}

// 3.4 % current spread per cell: the estimate from samples agrees with the function's own figure.
TEST(CellDeviation, AgreesWithTheColumnFunction) {
  const SmallColumn column = small_column();
  const ReferenceLevels reference(column.means);
  const ErrorModel model = make_error_model(column.levels, reference, convert(column.levels, reference, {}));
  EXPECT_NEAR(model.frozen.cell_sigma, 1.3 * 0.0145 / 0.55, 0.003);
}

}  // namespace
}  // namespace flare::analysis
