#include "flare_arch/cost/stored_cells.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace flare::arch {
namespace {

constexpr int most_planes = 7;  // of counts up to 64

/// Numbers of on-cells on 64 bit lines, bit-sliced: plane b holds bit b of each.
struct SlicedCounts {
  std::array<std::uint64_t, most_planes> planes{};
  int used = 0;

  void add(std::uint64_t cells) {
    for (int b = 0; cells != 0; ++b) {
      const std::uint64_t carry = planes[static_cast<std::size_t>(b)] & cells;
      planes[static_cast<std::size_t>(b)] ^= cells;
      cells = carry;
      used = std::max(used, b + 1);
    }
  }
  /// On how many of the lines in `present` k cells conduct.
  int lines_at(int k, std::uint64_t present) const {
    if (k >> used != 0) return 0;
    for (int b = 0; b < used; ++b) {
      const std::uint64_t plane = planes[static_cast<std::size_t>(b)];
      present &= (k >> b) & 1 ? plane : ~plane;
    }
    return std::popcount(present);
  }
};

}  // namespace

StoredCells::StoredCells(std::int64_t rows, std::int64_t lines)
    : rows_(rows),
      lines_(lines),
      words_((lines + 63) / 64),
      bits_(static_cast<std::size_t>(rows * words_), 0) {}

void StoredCells::store(std::int64_t row, std::int64_t line, std::uint32_t pattern) {
  std::uint64_t* const words = bits_.data() + row * words_ + line / 64;
  const int shift = static_cast<int>(line % 64);
  words[0] |= std::uint64_t{pattern} << shift;
  if (shift > 32 && (pattern >> (64 - shift)) != 0) words[1] |= std::uint64_t{pattern} >> (64 - shift);
}

std::int64_t StoredCells::ones() const {
  std::int64_t ones = 0;
  for (const std::uint64_t word : bits_) ones += std::popcount(word);
  return ones;
}

void StoredCells::add_levels(std::int64_t first_row, std::span<const std::uint16_t> rows, std::int64_t lines,
                             LevelCounts& levels) const {
  for (std::int64_t w = 0; 64 * w < lines; ++w) {
    SlicedCounts counts;
    for (const std::uint16_t row : rows) counts.add(word_line(first_row + row)[w]);
    const std::int64_t left = lines - 64 * w;
    const std::uint64_t present = left >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1;
    for (std::size_t k = 0; k <= rows.size(); ++k) levels[k] += counts.lines_at(static_cast<int>(k), present);
  }
}

std::vector<double> binomial_levels(double reads, double on_cells, int sawl) {
  std::vector<double> levels(static_cast<std::size_t>(sawl) + 1, 0);
  if (!(reads > 0)) return levels;
  const double p = std::clamp(on_cells / reads / sawl, 0.0, 1.0);
  for (int k = 0; k <= sawl; ++k) {
    const double choose =
        std::exp(std::lgamma(sawl + 1.0) - std::lgamma(k + 1.0) - std::lgamma(sawl - k + 1.0));
    levels[static_cast<std::size_t>(k)] = reads * choose * std::pow(p, k) * std::pow(1 - p, sawl - k);
  }
  return levels;
}

}  // namespace flare::arch
