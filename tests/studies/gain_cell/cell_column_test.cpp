// A column of 64 gain cells against the sum of its cells: what the moving bitline costs, and what mismatch does.
#include "studies/gain_cell/cell_column_bench.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/sampling.hpp"
#include "tests/studies/gain_cell/cell_fixture.hpp"

namespace flare::studies {
namespace {

constexpr int rows = 64;

struct Pattern {
  std::vector<int> codes;   // 0 ... 15
  std::vector<int> levels;  // 0 ... 7
};

/// Levels lie higher the more `shift` says.
Pattern pattern_of(double shift) {
  const engine::Matrix z = engine::draw({7, "column", engine::Design::random, 0}, 0, rows, 2);
  Pattern pattern;
  for (int r = 0; r < rows; ++r) {
    pattern.codes.push_back(static_cast<int>(16 * 0.5 * std::erfc(-z(r, 0) / std::sqrt(2.0))) % 16);
    pattern.levels.push_back(
        static_cast<int>(std::clamp<long>(std::lround(3.5 + shift + 1.6 * z(r, 1)), 0, 7)));
  }
  return pattern;
}

CellColumnBench column_of(const Pattern& pattern, double capacitance) {
  CellColumnBench bench{shipped_gain_cell("gain_cell_6t"), cell_drive(), 0.45, capacitance, {}, {}};
  for (int r = 0; r < rows; ++r) {
    bench.levels.push_back(0.9 * pattern.levels[static_cast<std::size_t>(r)] / 7);
    bench.widths.push_back(1e-9 * pattern.codes[static_cast<std::size_t>(r)]);
  }
  return bench;
}

class CellColumn : public GainCellCircuits {
 protected:
  /// What a cell draws in `code` ns from a bitline that stands still.
  static double charge_of(const std::map<std::string, double>& reads, int level, int code) {
    if (code == 0) return 0.0;
    const double low = reads.at(fmt::format("q{}_0", level));
    const double current = (reads.at(fmt::format("q{}_1", level)) - low) / 14e-9;
    return low + current * (code - 1) * 1e-9;
  }
  static double sum_of(const Pattern& pattern) {
    const auto reads = once(read_testbench(bench_of("gain_cell_6t"), {1e-9, 15e-9}));
    double sum = 0.0;
    for (std::size_t r = 0; r < rows; ++r) sum += charge_of(reads, pattern.levels[r], pattern.codes[r]);
    return sum;
  }
};

TEST_F(CellColumn, DrawsALittleLessThanItsCellsByThemselves) {
  const Pattern pattern = pattern_of(0.5);
  const double sum = sum_of(pattern);
  ASSERT_GT(sum, 0.25e-12) << "a column that moves its bitline";
  const double wide = once(cell_column_testbench(column_of(pattern, 8e-12))).at("charge");
  const double narrow = once(cell_column_testbench(column_of(pattern, 4e-12))).at("charge");
  RecordProperty("low_8pF_permille", static_cast<int>(1000 * (1.0 - wide / sum)));
  RecordProperty("low_4pF_permille", static_cast<int>(1000 * (1.0 - narrow / sum)));
  EXPECT_LT(wide, sum);
  EXPECT_GT(wide, 0.96 * sum);
  EXPECT_LT(narrow, wide);
  EXPECT_GT(narrow, 0.90 * sum);
}

// sum over rows of (charge of the moved cell - charge of the cell) is what the column's charge moves by.
TEST_F(CellColumn, MismatchMovesItBySumOfWhatItMovesTheCellsBy) {
  const Pattern pattern = pattern_of(0.3);
  const engine::Matrix z = engine::draw({7, "mismatch", engine::Design::random, 0}, 0, rows, 1);
  constexpr double sigma = 10e-3;
  engine::Testbench column = cell_column_testbench(column_of(pattern, 8e-12));
  for (int r = 0; r < rows; ++r) {
    column.knobs.push_back({engine::KnobKind::instance,
                            fmt::format("m.{}.mn", cell_name(static_cast<std::size_t>(r))), "delvto"});
    column.variables.push_back({fmt::format("row{}", r),
                                {engine::LawKind::normal, 0.0, sigma},
                                engine::Scope::instance,
                                "V",
                                {{column.knobs.size() - 1, engine::Action::shift}}});
  }
  engine::Matrix points = engine::Matrix::Zero(2, rows);
  points.row(1) = z.col(0).transpose();
  const std::vector<engine::RunResult> runs = results(column, points);
  const double moved = runs[1].measures[0] - runs[0].measures[0];

  engine::Testbench cell = read_testbench(bench_of("gain_cell_6t"), {1e-9, 15e-9});
  cell.knobs.push_back({engine::KnobKind::instance, "m.x0.mn", "delvto"});
  cell.variables.push_back({"mn",
                            {engine::LawKind::normal, 0.0, sigma},
                            engine::Scope::instance,
                            "V",
                            {{0, engine::Action::shift}}});
  mirror_variation(cell, 8);
  const auto plain = by_name(cell, results(cell, engine::Matrix::Zero(1, 1)).front());
  const std::vector<engine::RunResult> cells = results(cell, z);
  double sum = 0.0, square = 0.0;
  for (std::size_t r = 0; r < rows; ++r) {
    const double by = charge_of(by_name(cell, cells[r]), pattern.levels[r], pattern.codes[r]) -
                      charge_of(plain, pattern.levels[r], pattern.codes[r]);
    sum += by;
    square += by * by;
  }
  EXPECT_NEAR(moved, sum, 0.05 * std::sqrt(square)) << "sum " << sum << " moved " << moved;
  EXPECT_GT(std::fabs(sum), 0.1 * std::sqrt(square));
}

}  // namespace
}  // namespace flare::studies
