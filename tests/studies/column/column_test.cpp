// The column builder as text: names, patterns, counts and what it refuses. Electrical tests: tests/netlists.
#include "studies/column/column.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <sstream>

namespace flare::studies {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

ColumnOptions column(int sawl, int on_cells) {
  ColumnOptions options;
  options.cell = shipped_cell("sram8t");
  options.cell.netlist = "/netlists/cell.cir";
  options.card = "/netlists/cards/cmos28.lib";
  options.sawl = sawl;
  options.on_cells = on_cells;
  return options;
}

// Fields of the line whose first field is `name`.
std::vector<std::string> element(const std::string& netlist, const std::string& name) {
  std::istringstream lines(netlist);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> fields;
    for (std::string word; words >> word;) fields.push_back(word);
    if (!fields.empty() && fields.front() == name) return fields;
  }
  return {};
}

int count_lines(const std::string& netlist, const std::string& text) {
  std::istringstream lines(netlist);
  int count = 0;
  for (std::string line; std::getline(lines, line);) count += line.find(text) != std::string::npos ? 1 : 0;
  return count;
}

TEST(ColumnNetlist, HasOneRowPerWordLineForEverySawlAndEveryK) {
  for (int sawl = 1; sawl <= 64; ++sawl) {
    for (int k = 0; k <= sawl; ++k) {
      const std::string netlist = column_netlist(column(sawl, k));
      ASSERT_EQ(count_lines(netlist, " sram8t_read "), sawl);
      ASSERT_EQ(count_lines(netlist, " rwl vdd 0 sram8t_read "), k);
      ASSERT_EQ(count_lines(netlist, " rwl 0 0 sram8t_read "), sawl - k);
      ASSERT_EQ(count_lines(netlist, fmt::format("rows={}", 128 - sawl)), 1);
    }
  }
}

TEST(ColumnNetlist, NamesThatStudiesRelyOn) {
  const std::string netlist = column_netlist(column(2, 1));
  EXPECT_THAT(element(netlist, "vdd"), ElementsAre("vdd", "vdd", "0", "0.9"));
  EXPECT_EQ(element(netlist, "xpre").at(1), "rbl");
  EXPECT_EQ(element(netlist, "x0").at(2), "rwl");
  EXPECT_EQ(element(netlist, "x1").at(3), "0");
  EXPECT_TRUE(std::none_of(netlist.begin() + static_cast<std::ptrdiff_t>(netlist.find('\n')), netlist.end(),
                           [](char c) { return c >= 'A' && c <= 'Z'; }));
}

TEST(ColumnNetlist, StoresThePatternItIsGiven) {
  ColumnOptions options = column(4, 0);
  options.stored = {false, true, true, false};
  const std::string netlist = column_netlist(options);
  EXPECT_EQ(element(netlist, "x0").at(3), "0");
  EXPECT_EQ(element(netlist, "x1").at(3), "vdd");
  EXPECT_EQ(element(netlist, "x2").at(3), "vdd");
  EXPECT_EQ(element(netlist, "x3").at(3), "0");
}

TEST(ColumnNetlist, DummyRowsHoldZeroAndKeepTheNumberOfActiveRows) {
  ColumnOptions options = column(8, 0);
  options.dummy_rows = 3;
  options.stored = {true, true, true, true, true};
  EXPECT_THAT(stored_bits(options), ElementsAre(true, true, true, true, true, false, false, false));
  EXPECT_EQ(count_lines(column_netlist(options), " rwl "), 1 + 8);  // its driver and all rows
  options.dummies_on = false;
  EXPECT_EQ(count_lines(column_netlist(options), " rwl "), 1 + 5);
}

TEST(ColumnNetlist, UnselectedRowsKeepTheirNumber) {
  ColumnOptions options = column(8, 4);
  options.rows = 256;
  options.position = 0.25;
  options.unselected_ones = 0.5;
  const std::string netlist = column_netlist(options);
  int rows = 0;
  for (const char* name : {"xnear1", "xnear0", "xfar1", "xfar0"}) {
    const auto fields = element(netlist, name);
    ASSERT_FALSE(fields.empty()) << name;
    rows += std::stoi(fields.back().substr(std::string("rows=").size()));
  }
  EXPECT_EQ(rows, 248);
}

TEST(ColumnNetlist, NoUnselectedRowsAtAll) {
  ColumnOptions options = column(64, 64);
  options.rows = 64;
  EXPECT_THAT(column_netlist(options), Not(HasSubstr("idle")));
}

TEST(VaryingElements, AreAllButTheLumpedOnes) {
  ColumnOptions options = column(2, 1);
  EXPECT_THAT(varying_elements(options), ElementsAre("xpre.mp", "x0.ma", "x0.md", "x1.ma", "x1.md"));
  options.row_model = RowModel::whole_cell;
  EXPECT_EQ(varying_elements(options).size(), 1u + 2u * 8u);
}

TEST(TimingRun, HasAllRowsOnAndTheLevelOfTheSwing) {
  ColumnOptions options = column(8, 2);
  options.dummy_rows = 4;
  options.supply = 0.81;
  const TimingRun run = timing_run(options, 0.4);
  EXPECT_EQ(run.options.on_cells, 8);
  EXPECT_EQ(run.options.dummy_rows, 0);
  EXPECT_DOUBLE_EQ(run.level, 0.41);
  std::string error;
  EXPECT_TRUE(run.options.is_valid(&error)) << error;
}

TEST(ColumnOptions, SenseTimeComesAfterTheWordLineHasClosedAndTheWireSettled) {
  ColumnOptions options = column(8, 8);
  options.wordline_off = 200e-12;
  options.edge = 10e-12;
  options.settle = 50e-12;
  EXPECT_DOUBLE_EQ(sense_time(options), 260e-12);
}

TEST(ColumnOptions, RefusesWhatMakesNoSense) {
  const auto refused = [](auto change, const char* why) {
    ColumnOptions options = column(8, 4);
    change(options);
    std::string error;
    EXPECT_FALSE(options.is_valid(&error));
    EXPECT_THAT(error, HasSubstr(why));
    EXPECT_THROW(column_netlist(options), std::invalid_argument);
  };
  using Options = ColumnOptions;
  refused([](Options& o) { o.sawl = 0; }, "sawl");
  refused([](Options& o) { o.sawl = 65; }, "sawl");
  refused([](Options& o) { o.rows = 7; }, "rows");
  refused([](Options& o) { o.on_cells = 9; }, "on_cells");
  refused([](Options& o) { o.on_cells = -1; }, "on_cells");
  refused([](Options& o) { o.dummy_rows = 9; }, "dummy_rows");
  refused([](Options& o) { o.dummy_rows = 6; }, "on_cells");
  refused([](Options& o) { o.stored = {true}; }, "stored bits");
  refused(
      [](Options& o) {
        o.cell.whole.reset();
        o.row_model = RowModel::whole_cell;
      },
      "[whole]");
  refused([](Options& o) { o.supply = std::numeric_limits<double>::quiet_NaN(); }, "supply");
  refused([](Options& o) { o.temperature = -300; }, "temperature");
  refused([](Options& o) { o.wordline_off = o.edge; }, "wordline_off");
  refused([](Options& o) { o.unselected_ones = 1.5; }, "unselected_ones");
  refused([](Options& o) { o.position = -0.1; }, "position");
  refused([](Options& o) { o.wire_capacitance = -1; }, "capacitance");
}

}  // namespace
}  // namespace flare::studies
