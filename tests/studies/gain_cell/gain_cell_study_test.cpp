// A gain cell from one study: tables, report, the same bits again, replay.
#include <fmt/format.h>

#include <cmath>

#include "engine/base/gain_cell_tables.hpp"
#include "tests/studies/gain_cell/gain_cell_program.hpp"

namespace flare::studies {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

TEST_F(GainCellProgram, AStudyMeasuresTheCellAndItsConverter) {
  const fs::path file = write(study("levels = 4\nretention = [\"1 ms\"]\n"));
  const testing::Ended ended = run({"run", file.string(), "-o", "cell.h5"});
  ASSERT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("Current drawn from the bitline"), HasSubstr("Charge to pulse")));

  const H5::H5File result = engine::open_result(folder_ / "cell.h5");
  const engine::GainCellTables t = engine::read_gain_cell(result, "gain_cell_6t", "tt_0.90V_27C");
  ASSERT_EQ(t.transfer.size(), 4u);
  for (const engine::TransferRow& row : t.transfer) {
    EXPECT_EQ(row.runs, 20);
    EXPECT_GT(row.sigma, 0.02e-6);
    EXPECT_LT(row.sigma, 1.2e-6);
  }
  EXPECT_TRUE(t.monotone());
  EXPECT_EQ(t.pulses.size(), 4u * 15u);
  ASSERT_EQ(t.retention.size(), 4u);
  EXPECT_GT(t.retention[0].mean, 0.02) << "the lowest level rises";
  EXPECT_LT(t.retention[3].mean, 0.88) << "the highest falls";
  ASSERT_EQ(t.converters.size(), 2u);
  EXPECT_EQ(t.converters[0].mode, "rectifier");
  EXPECT_NEAR(t.converters[0].gain, 1.013, 0.02);
  EXPECT_GT(t.converters[1].gain_sigma, 0.001);
  ASSERT_EQ(t.columns.size(), 4u);
  const double full = t.full_scale * t.read_pulse;
  for (const engine::ColumnCheckRow& row : t.columns) {
    // The more the bitline moves, the more is lost; it also moves where charges of both signs cancel in the end.
    const double part = std::fabs(row.sum) / full;
    EXPECT_NEAR(row.charge, row.sum, (0.03 + 0.06 * part * part) * full) << row.pattern;
    if (part > 0.1) {
      EXPECT_LT(std::fabs(row.charge), std::fabs(row.sum)) << row.pattern;
    }
  }
  for (const engine::EnergyRow& row : t.energy) EXPECT_GT(row.energy, 0.0) << row.use;

  // The same to the bit for another number of workers, and a recorded sample again.
  const testing::Ended again = run({"run", file.string(), "-o", "one.h5", "-j", "1"});
  ASSERT_EQ(again.status, 0) << again.out;
  const engine::GainCellTables one =
      engine::read_gain_cell(engine::open_result(folder_ / "one.h5"), "gain_cell_6t", "tt_0.90V_27C");
  EXPECT_EQ(one.polynomial.g, t.polynomial.g);
  EXPECT_EQ(one.polynomial.covariance, t.polynomial.covariance);
  for (std::size_t i = 0; i < t.widths.size(); ++i) EXPECT_EQ(one.widths[i].sigma, t.widths[i].sigma);
  for (const char* what : {"read", "hold", "signed"}) {
    const testing::Ended replay =
        run({"replay", "cell.h5", fmt::format("gain_cell/gain_cell_6t/tt_0.90V_27C/samples/{}", what), "7",
             "-o", "waves.csv"});
    EXPECT_EQ(replay.status, 0) << replay.out;
    EXPECT_THAT(replay.out, HasSubstr("(the same)"));
  }
}

TEST_F(GainCellProgram, ShardsMakeTheSameTables) {
  const fs::path file = write(study("levels = 4\nretention = [\"1 ms\"]\n"));
  ASSERT_EQ(run({"run", file.string(), "-o", "whole.h5"}).status, 0);
  for (const char* shard : {"1/2", "2/2"}) {
    const testing::Ended part =
        run({"run", file.string(), "--shard", shard, "-o", fmt::format("{}.h5", shard[0])});
    ASSERT_EQ(part.status, 0) << part.out;
  }
  const testing::Ended merged = run({"merge", "joined.h5", "1.h5", "2.h5"});
  ASSERT_EQ(merged.status, 0) << merged.out;
  const auto read = [&](const char* name) {
    return engine::read_gain_cell(engine::open_result(folder_ / name), "gain_cell_6t", "tt_0.90V_27C");
  };
  const engine::GainCellTables whole = read("whole.h5"), joined = read("joined.h5");
  EXPECT_EQ(joined.polynomial.covariance, whole.polynomial.covariance);
  ASSERT_EQ(joined.columns.size(), whole.columns.size());
  for (std::size_t i = 0; i < whole.columns.size(); ++i)
    EXPECT_EQ(joined.columns[i].charge, whole.columns[i].charge);
  ASSERT_EQ(joined.energy.size(), whole.energy.size());
  for (std::size_t i = 0; i < whole.energy.size(); ++i)
    EXPECT_EQ(joined.energy[i].energy, whole.energy[i].energy);
}

}  // namespace
}  // namespace flare::studies
