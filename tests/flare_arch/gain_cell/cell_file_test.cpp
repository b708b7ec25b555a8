#include "flare_arch/gain_cell/cell_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "engine/base/file_error.hpp"
#include "tests/flare_arch/gain_cell/cell_tables.hpp"

namespace flare::arch {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::filesystem::path file_with(const std::vector<engine::GainCellTables>& all) {
  const auto path =
      std::filesystem::temp_directory_path() /
      (std::string("flare_") + testing::UnitTest::GetInstance()->current_test_info()->name() + ".h5");
  H5::H5File file(path.string(), H5F_ACC_TRUNC);
  engine::write_attribute(file, "/", "format", std::string("flare/1"));
  for (const auto& tables : all) engine::write_gain_cell(file, tables);
  return path;
}

TEST(CellFile, WhatAStudyMeasuredIsWhatACellDoes) {
  const auto path = file_with({some_cell_tables(), some_cell_tables("ss_0.81V_125C")});
  const MeasuredCell cell = load_cell(path, "gain_cell_6t/tt_0.90V_27C");
  EXPECT_EQ(cell.corner, "tt_0.90V_27C");
  EXPECT_EQ(cell.stored.levels, 8);
  EXPECT_DOUBLE_EQ(cell.stored.top, 0.9);
  EXPECT_NEAR(cell.polynomial_law().current(0.45), engine::cubic_value(cell.polynomial, 0.45), 1e-18);
  EXPECT_NEAR(cell.transfer_law().current(cell.stored.distance(3)), cell.transfer[3], 1e-18);
  EXPECT_DOUBLE_EQ(cell.spread.converter_gain, 0.013);
  EXPECT_NEAR(cell.spread.counter_offset, 0.005, 1e-12);
  EXPECT_DOUBLE_EQ(cell.spread.covariance(3, 3), 4e-12);
  const Retention left = cell.retention(1025, 0.78e-6);  // 0.8 ms, all but the first
  EXPECT_NEAR(left(7, 1024) / 0.45, 1 - 0.1 * 1024 * 0.78e-6 / 0.8e-3, 1e-9);
  EXPECT_EQ(load_cells(path).size(), 2u);
  EXPECT_NEAR(cell.head_time, 15e-9 + 2 * (1.01 * 15e-9 + 0.5e-9), 1e-15);
}

TEST(CellFile, AWindowLongerThanTheCellsHoldIsRefusedWithTheRemedy) {
  const MeasuredCell cell = measured_cell(some_cell_tables());
  EXPECT_NO_THROW(cell.retention(5001, 1e-6));
  EXPECT_THAT([&] { cell.retention(5002, 1e-6); },
              ThrowsMessage<std::invalid_argument>(
                  AllOf(HasSubstr("longer than the 0.005 s"), HasSubstr("a window of at most 5001 tokens"))));
  engine::GainCellTables tables = some_cell_tables();
  tables.retention.clear();
  EXPECT_THAT([&] { measured_cell(tables).retention(2, 1e-6); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("retention was not measured")));
}

TEST(CellFile, WhatIsNotThereIsSaidWithWhatIs) {
  const auto path = file_with({some_cell_tables(), some_cell_tables("ss_0.81V_125C")});
  EXPECT_THAT([&] { load_cell(path, ""); },
              ThrowsMessage<engine::FileError>(
                  AllOf(HasSubstr("more than one"), HasSubstr("gain_cell_6t/ss_0.81V_125C"))));
  EXPECT_THAT([&] { load_cell(path, "gain_cell_4t"); },
              ThrowsMessage<engine::FileError>(
                  AllOf(HasSubstr("no gain cell 'gain_cell_4t'"), HasSubstr("gain_cell_6t/tt_0.90V_27C"))));
  EXPECT_THAT([&] { load_cell(file_with({}), ""); },
              ThrowsMessage<engine::FileError>(AllOf(HasSubstr("no gain cell"), HasSubstr("[gain_cell]"))));
  EXPECT_THROW(load_cell("/nowhere.h5", ""), engine::FileError);
}

TEST(CellFile, UnknownFiguresAreNotComputedWith) {
  const auto refused = [](const std::function<void(engine::GainCellTables&)>& spoil, const char* what) {
    engine::GainCellTables tables = some_cell_tables();
    spoil(tables);
    EXPECT_THAT([&] { measured_cell(tables); }, ThrowsMessage<std::invalid_argument>(HasSubstr(what)));
  };
  refused([](auto& t) { t.transfer[3].mean = std::nan(""); }, "level 3: its current is unknown");
  refused([](auto& t) { t.transfer[3].voltage = 0.5; }, "even levels");
  refused([](auto& t) { t.transfer.resize(1); }, "1 levels");
  refused([](auto& t) { t.retention.pop_back(); }, "retention");
  refused([](auto& t) { t.retention[2].mean = std::nan(""); }, "retention");
  refused([](auto& t) { t.polynomial.covariance(0, 0) = std::nan(""); }, "covariance");
  refused([](auto& t) { t.converters[0].gain_sigma = std::nan(""); }, "sigma");
}

}  // namespace
}  // namespace flare::arch
