#include "analysis/results/verdict_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/analysis/temporary_file.hpp"
#include "tests/analysis/verdict/verdict_points.hpp"

namespace flare::analysis {
namespace {

using ::testing::HasSubstr;
using testing::point;
using testing::some_points;
using testing::TemporaryFile;

TEST(VerdictTable, ARefusedRowHoldsNoNumber) {
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

TEST(VerdictTable, RoundTripsThroughTheFile) {
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
TEST(VerdictTable, HasTheContractsColumns) {
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

}  // namespace
}  // namespace flare::analysis
