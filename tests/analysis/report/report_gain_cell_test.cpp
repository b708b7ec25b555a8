// What the report says and draws of gain cells, from tables made by hand.
#include "analysis/report/report_gain_cell.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace flare::analysis {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

engine::GainCellTables cell_at(const std::string& corner) {
  engine::GainCellTables t;
  t.cell = "cell'`<b>";
  t.corner = corner;
  t.supply = 0.9;
  t.middle = 0.45;
  t.read_pulse = 15e-9;
  t.full_scale = 80e-6;
  t.transfer = {{0, 0.0, -8e-6, 4e-7, 1e-16, -8e-3, 20, 0}, {1, 0.9, 9e-6, 6e-7, 2e-16, 2e-3, 20, 0}};
  t.polynomial.g = {-1e-7, 1.5e-5, 3e-6, -5e-5};
  t.polynomial.covariance = engine::Matrix::Identity(4, 4) * 1e-14;
  t.write = {{0, 0.0, -5e-3, 1e-4, 20, 0}, {1, 0.9, 0.905, 1e-4, 20, 0}};
  t.retention = {{0, 8e-4, 0.06, 0.01, 20, 0}, {1, 8e-4, 0.84, 0.01, 20, 0}};
  t.widths = {{"rectifier", 0.3e-12, 4.5e-9, 0.0, 1, 0},
              {"rectifier", 0.6e-12, 8.3e-9, 1e-10, 20, 0},
              {"signed", -0.6e-12, 8.0e-9, 0.0, 1, 0},
              {"signed", 0.6e-12, 8.3e-9, 0.0, 1, 0}};
  t.converters = {{"rectifier", 1.013, 7e-10, 5e-12, 0.013, 8e-11, 20, 0},
                  {"signed", 1.01, std::numeric_limits<double>::quiet_NaN(), 3e-10, 0.012, 3e-11, 1, 19}};
  t.energy = {{"token", 7.4e-9}};
  t.columns = {{0, 1.0e-12, 0.96e-12}};
  return t;
}

const TextTable& titled(const std::vector<TextTable>& tables, const std::string& start) {
  for (const TextTable& table : tables) {
    if (table.title.starts_with(start)) return table;
  }
  throw std::runtime_error("no table " + start);
}

TEST(GainCellReport, SaysWhatTheTablesSay) {
  const auto tables = gain_cell_tables({cell_at("tt_0.90V_27C")});
  EXPECT_THAT(titled(tables, "Current").rows.at(0), Contains("-8.000"));
  EXPECT_THAT(titled(tables, "Current").rows.at(1), Contains("3.53")) << "sigma in % of 17 uA";
  EXPECT_EQ(titled(tables, "Cubic").rows.at(0).back(), "no") << "its slope is below 0 at both ends";
  EXPECT_THAT(titled(tables, "Lost").rows.at(0), Contains("-60.00"));
  EXPECT_EQ(titled(tables, "Charge").rows.at(1).at(4), "-") << "no number where there is none";
  EXPECT_EQ(titled(tables, "Energy").rows.at(0).back(), "7400.00");
  EXPECT_EQ(titled(tables, "Energy").rows.at(0).at(1), "-");
  EXPECT_THAT(titled(tables, "Columns").rows.at(0), Contains("4.00"));
  EXPECT_TRUE(gain_cell_tables({}).empty());
}

TEST(GainCellReport, DrawsEveryFigureOfACellOnce) {
  const auto figures = gain_cell_figures({cell_at("tt_0.90V_27C"), cell_at("ss_0.81V_-40C")});
  ASSERT_EQ(figures.size(), 5u);
  for (const ReportFigure& figure : figures) {
    EXPECT_THAT(figure.svg, HasSubstr("</svg>")) << figure.name;
    EXPECT_EQ(
        figure.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
        std::string::npos);
  }
  EXPECT_THAT(figures.front().svg, HasSubstr("ss 0.81 V -40 degC"));
}

}  // namespace
}  // namespace flare::analysis
