// Which cells of an array store a one, and how many of them conduct on each bit line in a read.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace flare::arch {

/// Reads of bit lines by their number of on-cells: [k], k = 0 ... SAWL.
using LevelCounts = std::vector<std::int64_t>;

/// The ones of an array, word line by word line, bit lines in order.
class StoredCells {
 public:
  StoredCells() = default;
  StoredCells(std::int64_t rows, std::int64_t lines);

  std::int64_t rows() const { return rows_; }
  std::int64_t lines() const { return lines_; }
  /// Bits of `pattern` into the cells of word line `row` from bit line `line` on, lowest first.
  void store(std::int64_t row, std::int64_t line, std::uint32_t pattern);
  std::int64_t ones() const;

  /// Adds to levels[k] the number of bit lines, of the first `lines`, on which k of the word lines conduct: first_row +
  /// rows[i], at most 64. levels has more than rows.size() entries.
  void add_levels(std::int64_t first_row, std::span<const std::uint16_t> rows, std::int64_t lines,
                  LevelCounts& levels) const;

 private:
  const std::uint64_t* word_line(std::int64_t row) const { return bits_.data() + row * words_; }

  std::int64_t rows_ = 0, lines_ = 0, words_ = 0;  // words of a word line, whole vectors
  std::vector<std::uint64_t> bits_;
};

/// Reads by level where only sums are known: the binomial distribution over k = 0 ... sawl of their mean.
std::vector<double> binomial_levels(double reads, double on_cells, int sawl);

}  // namespace flare::arch
