// Every table of a result file comes back as it was written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "analysis/results/accuracy_table.hpp"
#include "analysis/results/carrier_table.hpp"
#include "analysis/results/point_tables.hpp"
#include "analysis/results/screening_table.hpp"
#include "analysis/results/spec_table.hpp"
#include "analysis/results/sweep_table.hpp"
#include "tests/analysis/converters/small_column.hpp"
#include "tests/analysis/temporary_file.hpp"

namespace flare::analysis {
namespace {

using testing::small_column;
using testing::SmallColumn;
using testing::TemporaryFile;

const ModelKey key{"sram8t", 4, "ideal", "tt_0.90V_27C"};

TEST(PointTables, RoundTrip) {
  const TemporaryFile scratch("flare_point_tables_test.h5");
  const SmallColumn column = small_column();
  const ReferenceLevels reference(column.means);
  const ConvertedPoint converted = convert(column.levels, reference, {});
  std::vector<TailRow> tails;
  for (const LevelTail& tail : converted.tails) tails.push_back({"ideal", tail});
  {
    H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
    write_levels(file, key, column.means, column.levels);
    write_tails(file, key, tails);
  }
  const H5::H5File file(scratch.path(), H5F_ACC_RDONLY);
  const engine::Table levels = engine::read_table(file, "/points/sram8t/sawl4/tt_0.90V_27C/levels");
  ASSERT_EQ(levels.rows(), 5U);
  EXPECT_EQ(levels.integers("unknown")[2], 1);
  EXPECT_EQ(levels.numbers("mean")[3], column.means[3]);
  EXPECT_LT(levels.numbers("sigma_low")[3], levels.numbers("sigma")[3]);
  const std::vector<LevelRow> rows = read_levels(file, key);
  ASSERT_EQ(rows.size(), 5U);
  const Moments& moments = column.levels[3].moments();
  EXPECT_EQ(rows[3].k, 3U);
  EXPECT_EQ(rows[3].nominal, column.means[3]);
  EXPECT_EQ(rows[3].sigma, moments.sigma);
  EXPECT_EQ(rows[3].kurtosis, moments.kurtosis);
  EXPECT_EQ(rows[3].skewness_interval.high, moments.skewness_interval().high);
  EXPECT_EQ(rows[2].unknown, 1U);
  const std::vector<TailRow> back = read_tails(file, key);
  ASSERT_EQ(back.size(), 8U);
  EXPECT_EQ(back[3].tail.k, tails[3].tail.k);
  EXPECT_EQ(back[3].tail.direction, tails[3].tail.direction);
  EXPECT_EQ(back[3].tail.probability.p, tails[3].tail.probability.p);
  const engine::Table table = engine::read_table(file, key.point_path() + "/tails");
  for (const double p : table.numbers("p")) EXPECT_GT(p, 0.0);
}

TEST(ScreeningTable, RoundTrip) {
  const TemporaryFile scratch("flare_screening_table_test.h5");
  const double none = std::numeric_limits<double>::quiet_NaN();
  const std::vector<ScreeningRow> rows = {{"sram8t", 4, "tt", "flash", 2e-10, 7.5, true, 7.25},
                                          {"sram8t", 8, "ss", "enob5", 3e-10, 6.5, false, none}};
  {
    H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
    EXPECT_TRUE(read_screening(file).empty());
    EXPECT_TRUE(read_screening_error(file).empty());
    write_screening(file, rows, {{"flash", {3, 0.9, 1.1, 2.0, 0.05}}, {"enob5", {}}});
  }
  const H5::H5File file(scratch.path(), H5F_ACC_RDONLY);
  const std::vector<ScreeningRow> back = read_screening(file);
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].adc, "flash");
  EXPECT_TRUE(back[0].full);
  EXPECT_EQ(back[0].estimated, 7.25);
  EXPECT_EQ(back[1].sawl, 8);
  EXPECT_EQ(back[1].corner, "ss");
  EXPECT_EQ(back[1].wordline_off, 3e-10);
  EXPECT_EQ(back[1].sigma, 6.5);
  EXPECT_FALSE(back[1].full);
  EXPECT_TRUE(std::isnan(back[1].estimated));
  const std::vector<ConverterScreening> errors = read_screening_error(file);
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].error.corners, 3U);
  EXPECT_EQ(errors[0].error.least, 0.9);
  EXPECT_EQ(errors[0].error.most, 1.1);
  EXPECT_EQ(errors[0].error.scatter, 0.05);
  EXPECT_EQ(errors[1].adc, "enob5");
}

TEST(ScreeningTable, RefusesAttributesThatDoNotFit) {
  const TemporaryFile scratch("flare_screening_damaged_test.h5");
  H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
  write_screening(file, {}, {{"flash", {}}});
  engine::write_attribute(file, "/screening", "adc", std::vector<std::string>{"flash", "another"});
  EXPECT_THROW(read_screening_error(file), engine::FileError);
}

TEST(CarrierTable, RoundTrip) {
  const TemporaryFile scratch("flare_carrier_table_test.h5");
  const std::vector<CarrierRow> rows = {{3, Direction::up, 6.5, "x0.ma.vth", 0.75},
                                        {3, Direction::down, 6.25, "converter", 0.25}};
  {
    H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
    EXPECT_TRUE(read_column_carriers(file, key).empty());
    write_column_carriers(file, key, rows);
    write_circuit_carriers(file, "cell", "tt", rows);
  }
  const H5::H5File file(scratch.path(), H5F_ACC_RDONLY);
  const std::vector<CarrierRow> column = read_column_carriers(file, key);
  ASSERT_EQ(column.size(), 2U);
  EXPECT_EQ(column[0].k, 3U);
  EXPECT_EQ(column[0].direction, Direction::up);
  EXPECT_EQ(column[1].direction, Direction::down);
  EXPECT_EQ(column[1].variable, "converter");
  const std::vector<CarrierRow> circuit = read_circuit_carriers(file, "cell", "tt");
  ASSERT_EQ(circuit.size(), 2U);
  EXPECT_EQ(circuit[0].distance, 6.5);
  EXPECT_EQ(circuit[1].share, 0.25);
  EXPECT_FALSE(engine::read_table(file, "/points/cell/tt/carriers").has("direction"));
}

TEST(AccuracyTable, RoundTrip) {
  const TemporaryFile scratch("flare_accuracy_table_test.h5");
  AccuracyRow row;
  row.model = "vit";
  row.dataset = "digits";
  row.quantizer = "emsbq";
  row.cell = "sram8t";
  row.sawl = 8;
  row.adc = "flash";
  row.corner = "tt";
  row.mode = "die";
  row.repeats = 3;
  row.examples = 360;
  row.mean = 0.9;
  row.std = 0.01;
  row.floating = 0.95;
  row.drop = 0.05;
  row.drop_high = 0.08;
  row.p_adjusted = 0.03;
  row.dies_within = 2;
  row.difference = "lost 18, gained 0 of 360";
  {
    H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
    EXPECT_TRUE(read_accuracy(file).empty());
    write_accuracy(file, {row});
  }
  const std::vector<AccuracyRow> back = read_accuracy(H5::H5File(scratch.path(), H5F_ACC_RDONLY));
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].model + back[0].dataset + back[0].quantizer, "vitdigitsemsbq");
  EXPECT_EQ(back[0].cell + back[0].adc + back[0].corner + back[0].mode, "sram8tflashttdie");
  EXPECT_EQ(back[0].sawl, 8);
  EXPECT_EQ(back[0].repeats, 3);
  EXPECT_EQ(back[0].examples, 360);
  EXPECT_EQ(back[0].mean, 0.9);
  EXPECT_EQ(back[0].std, 0.01);
  EXPECT_EQ(back[0].floating, 0.95);
  EXPECT_EQ(back[0].drop, 0.05);
  EXPECT_EQ(back[0].drop_high, 0.08);
  EXPECT_EQ(back[0].p_adjusted, 0.03);
  EXPECT_TRUE(std::isnan(back[0].yield_low));
  EXPECT_EQ(back[0].dies_within, 2);
  EXPECT_EQ(back[0].difference, row.difference);
}

TEST(FailureTable, RoundTrip) {
  const TemporaryFile scratch("flare_failure_table_test.h5");
  TailProbability tail;
  tail.p = Probability(1e-9);
  tail.low = Probability(5e-10);
  tail.high = Probability(2e-9);
  tail.status = TailStatus::estimated;
  tail.runs = 1000;
  tail.method = "automatic";
  {
    H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
    EXPECT_TRUE(read_failures(file).empty());
    write_failures(file, {{"tt", tail, "gain"}, {"ss", TailProbability{}, "gain"}});
  }
  const std::vector<FailureRow> back = read_failures(H5::H5File(scratch.path(), H5F_ACC_RDONLY));
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].corner, "tt");
  EXPECT_EQ(back[0].spec, "gain");
  EXPECT_EQ(back[0].tail.p, tail.p);
  EXPECT_EQ(back[0].tail.runs, 1000U);
  EXPECT_EQ(back[0].tail.status, TailStatus::estimated);
  EXPECT_EQ(back[1].tail.status, TailProbability{}.status);
}

TEST(SpecTables, RoundTrip) {
  const TemporaryFile scratch("flare_spec_table_test.h5");
  TailProbability tail;
  tail.p = tail.low = tail.high = Probability(1e-12);
  tail.status = TailStatus::estimated;
  SpecRow spec;
  spec.spec = spec.measure = "gain";
  spec.unit = std::string("1");
  spec.min = 10.0;
  const std::vector<SpecRow> specs = make_spec_verdict({spec}, {{"tt", tail, "gain"}});
  LimitRow limit{"snm", "snm", "V", Side::above, "tt", {0.1, 0.09, 0.11, TailStatus::estimated, 300, "m"},
                 1e-9,  true};
  {
    H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
    EXPECT_TRUE(read_specs(file).empty());
    EXPECT_TRUE(read_limits(file).empty());
    write_specs(file, specs, {});
    write_limits(file, {limit}, {});
    EXPECT_EQ(engine::read_text(file, "/specs", "target_text"), "6 sigma");
  }
  const H5::H5File file(scratch.path(), H5F_ACC_RDONLY);
  const SpecRow read = read_specs(file).at(0);
  EXPECT_EQ(read.min, 10.0);
  EXPECT_TRUE(std::isnan(read.max));
  EXPECT_TRUE(read.passes);
  EXPECT_TRUE(read.limiting);
  EXPECT_EQ(read.failure.p, tail.p);
  const LimitRow back = read_limits(file).at(0);
  EXPECT_EQ(back.side, Side::above);
  EXPECT_EQ(back.held.limit, 0.1);
  EXPECT_EQ(back.held.high, 0.11);
  EXPECT_EQ(back.held.runs, 300u);
  EXPECT_TRUE(back.worst);
}

TEST(SweepTable, RoundTripOfNumbersAndWords) {
  const TemporaryFile scratch("flare_sweep_table_test.h5");
  TailProbability tail;
  tail.p = tail.low = tail.high = Probability(1e-6);
  tail.status = TailStatus::estimated;
  Sweep sweep;
  sweep.columns = {{"supply", "V", {0.8, 0.9}, {"0.8 V", "0.9 V"}}, {"cell", "", {NAN, NAN}, {"a", "b"}}};
  sweep.answers = {{0, "gain", "tt", tail, 1e-9, false}, {1, "gain", "tt", tail, 1e-3, true}};
  {
    H5::H5File file(scratch.path(), H5F_ACC_TRUNC);
    EXPECT_TRUE(read_sweep_table(file).columns.empty());
    write_sweep(file, sweep);
  }
  const Sweep back = read_sweep_table(H5::H5File(scratch.path(), H5F_ACC_RDONLY));
  ASSERT_EQ(back.columns.size(), 2u);
  EXPECT_EQ(back.columns[0].numbers, (std::vector<double>{0.8, 0.9}));
  EXPECT_EQ(back.columns[0].unit, "V");
  EXPECT_EQ(back.columns[1].texts, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(back.columns[1].has_numbers());
  ASSERT_EQ(back.answers.size(), 2u);
  EXPECT_TRUE(back.answers[1].passes);
  EXPECT_EQ(back.answers[1].point, 1u);
}

}  // namespace
}  // namespace flare::analysis
