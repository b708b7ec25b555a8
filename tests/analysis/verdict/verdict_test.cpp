#include "analysis/verdict/verdict.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "tests/analysis/levels/column_function.hpp"

namespace flare::analysis {
namespace {

using ::testing::HasSubstr;

using testing::ColumnFunction;

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name) : path_(std::filesystem::temp_directory_path() / name) {
    std::filesystem::remove(path_);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

NamedPoint point(int sawl, const std::string& corner, double sigma, double half, TailStatus status) {
  NamedPoint result;
  result.key = {"sram8t", sawl, "ideal", corner};
  result.enob = 3.17;
  result.error.status = status;
  if (status != TailStatus::refused) {
    result.error.p = Probability(normal_tail(sigma));
    result.error.low = Probability(normal_tail(sigma + half));
    result.error.high = Probability(normal_tail(sigma - half));
  }
  result.error.runs = 500;
  result.error.method = "fit shifted-lognormal";
  result.level = static_cast<std::size_t>(sawl);
  result.direction = Direction::down;
  return result;
}

std::vector<NamedPoint> some_points() {
  return {point(4, "tt_0.90V_27C", 9.0, 0.5, TailStatus::extrapolated),
          point(4, "ss_0.81V_-40C", 7.5, 0.5, TailStatus::extrapolated),
          point(8, "tt_0.90V_27C", 6.8, 0.5, TailStatus::extrapolated),
          point(8, "ss_0.81V_-40C", 6.2, 0.5, TailStatus::extrapolated),
          point(16, "ss_0.81V_-40C", 4.4, 0.4, TailStatus::extrapolated)};
}

TEST(Verdict, TakesTheWorstCornerAndTheUpperBound) {
  const std::vector<VerdictRow> rows = make_verdict(some_points());
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1].key.corner, "ss_0.81V_-40C");
  EXPECT_TRUE(rows[0].passes);
  EXPECT_FALSE(rows[1].passes) << "6.2 +- 0.5 sigma is not shown to hold 6";
  EXPECT_FALSE(rows[2].passes);
  VerdictOptions lenient;
  lenient.rule = PassRule::estimate;
  EXPECT_TRUE(make_verdict(some_points(), lenient)[1].passes);
}

TEST(Verdict, ExactlySixSigmaPasses) {
  EXPECT_TRUE(passes(point(4, "c", 6.0, 0.0, TailStatus::estimated).error, {}));
  EXPECT_FALSE(passes(point(4, "c", 5.9999, 0.0, TailStatus::estimated).error, {}));
  EXPECT_FALSE(passes(point(4, "c", 9.0, 0.0, TailStatus::refused).error, {}));
}

TEST(Verdict, SentenceNamesThePickAndWhatLimitsTheNext) {
  const std::string text = pick_sentence(make_verdict(some_points()), "sram8t", "ideal");
  EXPECT_THAT(text, HasSubstr("pick SAWL 4"));
  EXPECT_THAT(text, HasSubstr("7.50 sigma"));
  EXPECT_THAT(text, HasSubstr("SAWL 8 is not shown to hold: 6.20 sigma"));
  EXPECT_THAT(text, HasSubstr("level 8 read as too low at ss 0.81 V -40 degC"));
  EXPECT_THAT(text, HasSubstr("extrapolated"));
}

TEST(Verdict, SentenceWithoutAPick) {
  const std::string text =
      pick_sentence(make_verdict({point(8, "tt_0.90V_27C", 4.0, 0.3, TailStatus::estimated),
                                  point(4, "tt_0.90V_27C", 5.0, 0.3, TailStatus::estimated)}),
                    "sram8t", "ideal");
  EXPECT_THAT(text, HasSubstr("no SAWL holds 6 sigma"));
  EXPECT_THAT(text, HasSubstr("SAWL 4 misses: 5.00 sigma"));
}

TEST(Verdict, EveryCornerIsSaidOnlyWhereTheArgumentHolds) {
  std::vector<VerdictRow> rows = make_verdict({point(4, "tt_0.90V_27C", 7.0, 0.3, TailStatus::estimated)});
  EXPECT_THAT(pick_text(rows), HasSubstr("at every corner run: 7.00"));  // nothing known of other corners
  rows[0].corners = {3, 3, 0.0};
  EXPECT_THAT(pick_text(rows), HasSubstr("at every corner: 7.00"));
  rows[0].corners = {27, 3, 0.012};
  EXPECT_THAT(pick_text(rows),
              HasSubstr("at every corner (24 of 27 only screened, chance that one of them is worse: 1.2 %)"));
  rows[0].corners = {27, 3, 0.0004};
  EXPECT_THAT(pick_text(rows), HasSubstr("is worse: below 0.1 %)"));
  rows[0].corners = {27, 3, 0.2};
  EXPECT_THAT(pick_text(rows),
              HasSubstr("at every corner run (24 of 27 only screened: one of them may be worse)"));
}

TEST(Verdict, UnknownRunsAreNamedAsTheReason) {
  NamedPoint holed = point(8, "tt_0.90V_27C", 7.0, 0.3, TailStatus::extrapolated);
  holed.error.unknown = 2;
  holed.error.high = Probability(2.0 / 502.0);
  const std::string text = pick_sentence(make_verdict({holed}), "sram8t", "ideal");
  EXPECT_THAT(text, HasSubstr("2 of 502 runs have no answer"));
}

TEST(Verdict, ARefusedCornerIsTheWorst) {
  std::vector<NamedPoint> points = some_points();
  points.push_back(point(4, "ff_0.99V_125C", 20.0, 0.0, TailStatus::refused));
  const std::vector<VerdictRow> rows = make_verdict(points);
  EXPECT_EQ(rows[0].key.corner, "ff_0.99V_125C");
  EXPECT_FALSE(rows[0].passes);
  EXPECT_THAT(pick_text(rows), HasSubstr("no SAWL holds"));
}

TEST(Verdict, ARefusedRowHoldsNoNumber) {
  const TemporaryFile scratch("flare_verdict_refused_test.h5");
  NamedPoint none = point(4, "tt_0.90V_27C", 0.0, 0.0, TailStatus::refused);
  none.error.method = "automatic: the budget is spent; raise [estimator] budget to at least 20000";
  {
    H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
    write_verdict(file, make_verdict({none}));
  }
  const H5::H5File file(scratch.path(), H5F_ACC_RDONLY);
  const engine::Table table = engine::read_table(file, "/verdict");
  for (const char* name : {"p_error", "p_low", "p_high", "sigma"})
    EXPECT_TRUE(std::isnan(table.numbers(name)[0])) << name;
  EXPECT_EQ(table.integers("passes")[0], 0);
  EXPECT_THAT(engine::read_text(file, "/verdict", "pick"),
              HasSubstr("raise [estimator] budget to at least 20000"));
  EXPECT_EQ(read_verdict(file)[0].error.status, TailStatus::refused);
}

TEST(Verdict, CornerNamesReadWell) {
  EXPECT_EQ(corner_text("ss_0.81V_-40C"), "ss 0.81 V -40 degC");
  EXPECT_EQ(corner_text("die"), "die");
}

TEST(Verdict, RoundTripsThroughTheFile) {
  const TemporaryFile scratch("flare_verdict_test.h5");
  std::vector<VerdictRow> rows = make_verdict(some_points());
  rows[1].corners = {27, 4, 0.03};
  {
    H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
    write_verdict(file, rows);
  }
  const H5::H5File file(scratch.path(), H5F_ACC_RDONLY);
  const std::vector<VerdictRow> back = read_verdict(file);
  ASSERT_EQ(back.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(back[i].key.corner, rows[i].key.corner);
    EXPECT_EQ(back[i].error.p, rows[i].error.p);
    EXPECT_EQ(back[i].error.high, rows[i].error.high);
    EXPECT_EQ(back[i].error.status, rows[i].error.status);
    EXPECT_EQ(back[i].level, rows[i].level);
    EXPECT_EQ(back[i].passes, rows[i].passes);
    EXPECT_EQ(back[i].corners.corners, rows[i].corners.corners);
    EXPECT_EQ(back[i].corners.full, rows[i].corners.full);
    EXPECT_EQ(back[i].corners.chance_worse, rows[i].corners.chance_worse);
  }
  EXPECT_THAT(engine::read_text(file, "/verdict", "pick"), HasSubstr("pick SAWL 4"));
  EXPECT_THAT(engine::read_text(file, "/verdict", "rule"), HasSubstr("upper end"));
}

// Every column of the contract, in name and type.
TEST(Verdict, TableHasTheContractsColumns) {
  const TemporaryFile scratch("flare_verdict_columns_test.h5");
  {
    H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
    write_verdict(file, make_verdict(some_points()));
  }
  const H5::H5File file(scratch.path(), H5F_ACC_RDONLY);
  const engine::Table table = engine::read_table(file, "/verdict");
  for (const char* name : {"cell", "adc", "corner", "status"}) EXPECT_NO_THROW(table.texts(name)) << name;
  for (const char* name : {"sawl", "passes"}) EXPECT_NO_THROW(table.integers(name)) << name;
  for (const char* name : {"enob", "p_error", "p_low", "p_high", "sigma"})
    EXPECT_NO_THROW(table.numbers(name)) << name;
}

struct Column {
  std::vector<LevelFit> levels;
  std::vector<double> means;
};

Column small_column() {
  Column column;
  for (int k = 0; k <= 4; ++k) {
    ColumnFunction function;
    function.cells = std::max(k, 1);
    function.sigma_vt = k == 0 ? 0.001 : function.sigma_vt;
    function.sigma_beta = 0.0;
    function.compression = 0.0;
    std::vector<double> samples = function.sample(50 + static_cast<std::uint64_t>(k), 0, 300);
    if (k == 0) {
      for (double& x : samples) x += function.step;
    }
    column.levels.push_back(LevelFit::from_samples(samples, k == 2 ? 1 : 0));
    column.means.push_back(column.levels.back().moments().mean);
  }
  return column;
}

TEST(PointTables, RoundTrip) {
  const TemporaryFile scratch("flare_point_tables_test.h5");
  const Column column = small_column();
  const ReferenceLevels reference(column.means);
  const ConvertedPoint converted = convert(column.levels, reference, {});
  const ModelKey key{"sram8t", 4, "ideal", "tt_0.90V_27C"};
  std::vector<TailRow> tails;
  for (const LevelTail& tail : converted.tails) tails.push_back({"ideal", tail});
  {
    H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
    write_levels(file, key, column.levels);
    write_tails(file, key, tails);
  }
  const H5::H5File file(scratch.path(), H5F_ACC_RDONLY);
  const engine::Table levels = engine::read_table(file, "/points/sram8t/sawl4/tt_0.90V_27C/levels");
  ASSERT_EQ(levels.rows(), 5U);
  EXPECT_EQ(levels.integers("unknown")[2], 1);
  EXPECT_EQ(levels.numbers("mean")[3], column.means[3]);
  EXPECT_LT(levels.numbers("sigma_low")[3], levels.numbers("sigma")[3]);
  const std::vector<TailRow> back = read_tails(file, key);
  ASSERT_EQ(back.size(), 8U);
  EXPECT_EQ(back[3].tail.k, tails[3].tail.k);
  EXPECT_EQ(back[3].tail.direction, tails[3].tail.direction);
  EXPECT_EQ(back[3].tail.probability.p, tails[3].tail.probability.p);
  const engine::Table table = engine::read_table(file, key.point_path() + "/tails");
  for (const double p : table.numbers("p")) EXPECT_GT(p, 0.0);
}

TEST(ErrorModel, RoundTripsAndNamesItsParts) {
  const TemporaryFile scratch("flare_error_model_test.h5");
  const Column column = small_column();
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
  const Column column = small_column();
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
  const Column column = small_column();
  const ReferenceLevels reference(column.means);
  const ErrorModel model = make_error_model(column.levels, reference, convert(column.levels, reference, {}));
  EXPECT_NEAR(model.frozen.cell_sigma, 1.3 * 0.0145 / 0.55, 0.003);
}

}  // namespace
}  // namespace flare::analysis
