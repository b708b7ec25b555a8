// Reads by their number of on-cells, against counting bit by bit.
#include "flare_arch/cost/stored_cells.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

namespace flare::arch {
namespace {

struct Table {
  Table(int rows, int lines, std::uint32_t seed) : bits(static_cast<std::size_t>(rows) * lines) {
    std::mt19937 random(seed);
    for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = (random() >> 7) % 5 < 2 ? 1 : 0;
  }
  std::vector<int> bits;
};

TEST(StoredCells, LevelsAreThoseOfCountingBitByBit) {
  // Widths around a word's end, words of an odd number of bits across it, the first lines only.
  for (const int lines : {3, 63, 64, 65, 129, 200}) {
    constexpr int rows = 70;
    const Table table(rows, lines, static_cast<std::uint32_t>(lines));
    const auto bit = [&](int row, int line) {
      return table.bits[static_cast<std::size_t>(row) * lines + line];
    };
    StoredCells cells(rows, lines);
    std::int64_t ones = 0;
    for (int row = 0; row < rows; ++row)
      for (int line = 0; line < lines; line += 12) {
        std::uint32_t pattern = 0;
        for (int b = 0; b < 12 && line + b < lines; ++b)
          pattern |= static_cast<std::uint32_t>(bit(row, line + b)) << b;
        ones += std::popcount(pattern);
        cells.store(row, line, pattern);
      }
    EXPECT_EQ(cells.ones(), ones);
    for (const int read : {0, 1, 3, 8, 33, 64}) {
      std::vector<std::uint16_t> driven;
      for (int i = 0; i < read; ++i) driven.push_back(static_cast<std::uint16_t>((i * 7) % 65));
      const int present = lines - lines / 3;
      LevelCounts levels(65, 0), expected(65, 0);
      cells.add_levels(5, driven, present, levels);
      for (int line = 0; line < present; ++line) {
        int k = 0;
        for (const std::uint16_t row : driven) k += bit(5 + row, line);
        ++expected[static_cast<std::size_t>(k)];
      }
      EXPECT_EQ(levels, expected) << lines << " lines, " << read << " rows";
    }
  }
}

TEST(StoredCells, BinomialLevelsHaveTheReadsAndTheMean) {
  const std::vector<double> levels = binomial_levels(1000, 2000, 8);  // a quarter of eight
  double reads = 0, on = 0;
  for (int k = 0; k <= 8; ++k) {
    reads += levels[static_cast<std::size_t>(k)];
    on += k * levels[static_cast<std::size_t>(k)];
  }
  EXPECT_NEAR(reads, 1000, 1e-9);
  EXPECT_NEAR(on, 2000, 1e-9);
  EXPECT_NEAR(levels[0], 1000 * std::pow(0.75, 8), 1e-9);
  EXPECT_EQ(binomial_levels(0, 0, 4), std::vector<double>(5, 0.0));
  EXPECT_NEAR(binomial_levels(10, 40, 4)[4], 10, 1e-12);
}

}  // namespace
}  // namespace flare::arch
