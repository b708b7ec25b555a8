#include "flare_arch/cost/stored_cells.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace flare::arch {
namespace {

// Most of the time goes into counting ones, for which old processors have no instruction: a second copy for those that do,
// chosen when the program starts. Sanitizers come before that choice.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define FLARE_COUNTS_ONES __attribute__((target_clones("avx2", "default")))
#else
#define FLARE_COUNTS_ONES
#endif

/// Four words of bit lines side by side: a vector register of most processors.
constexpr std::int64_t side_by_side = 4;
using Words = std::uint64_t __attribute__((vector_size(side_by_side * sizeof(std::uint64_t))));

/// Adds to levels[0 ... count] on how many of the lines in `present` that many of `count` words have a one. Numbers of ones are
/// bit-sliced: planes[b] holds bit b of those of all lines.
FLARE_COUNTS_ONES void add_words(const Words* words, int count, const Words* present, std::int64_t* levels) {
  constexpr int most_planes = 7;  // of counts up to 64
  Words planes[most_planes] = {};
  for (int i = 0; i < count; ++i) {
    Words carry = words[i];
    const int used = static_cast<int>(std::bit_width(static_cast<unsigned>(i) + 1));
    for (int b = 0; b < used; ++b) {
      const Words sum = planes[b] ^ carry;
      carry &= planes[b];
      planes[b] = sum;
    }
  }
  // Lines told apart by one bit of their number after the other.
  Words lines[1 << most_planes];
  lines[0] = *present;
  for (int b = 0; (1 << b) <= count; ++b)
    for (int k = 0; k < 1 << b; ++k) {
      lines[k + (1 << b)] = lines[k] & planes[b];
      lines[k] &= ~planes[b];
    }
  for (int k = 0; k <= count; ++k)
    for (int lane = 0; lane < side_by_side; ++lane) levels[k] += std::popcount(lines[k][lane]);
}

/// The first `lines` of the bit lines in words `first_word` to `first_word` + 3.
void set_present(std::int64_t first_word, std::int64_t lines, Words& present) {
  for (std::int64_t lane = 0; lane < side_by_side; ++lane) {
    const std::int64_t left = std::clamp<std::int64_t>(lines - 64 * (first_word + lane), 0, 64);
    present[lane] = left == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1;
  }
}

}  // namespace

StoredCells::StoredCells(std::int64_t rows, std::int64_t lines)
    : rows_(rows),
      lines_(lines),
      words_((lines + 64 * side_by_side - 1) / (64 * side_by_side) * side_by_side),
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
  std::array<Words, 64> words;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled as far as it is read
  Words present{};
  for (std::int64_t w = 0; 64 * w < lines; w += side_by_side) {
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::memcpy(&words[i], word_line(first_row + rows[i]) + w, sizeof(Words));
    set_present(w, lines, present);
    add_words(words.data(), static_cast<int>(rows.size()), &present, levels.data());
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
