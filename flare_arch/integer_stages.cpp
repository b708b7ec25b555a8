#include "flare_arch/integer_stages.hpp"

#include <algorithm>

namespace flare::arch {

void half_column_sums(std::span<const std::int32_t> matrix, std::span<std::int32_t> halves) {
  std::fill(halves.begin(), halves.end(), 0);
  for (std::size_t at = 0; at + halves.size() <= matrix.size() && !halves.empty(); at += halves.size())
    for (std::size_t c = 0; c < halves.size(); ++c) halves[c] += matrix[at + c];
  for (std::int32_t& half : halves) half = (half + 1) >> 1;
}

void add_halves(std::span<std::int32_t> row, std::span<const std::int32_t> halves) {
  for (std::size_t c = 0; c < row.size(); ++c) row[c] += halves[c];
}

void add_half(std::span<std::int32_t> row, std::int64_t sum) {
  const auto half = static_cast<std::int32_t>((sum + 1) >> 1);
  for (std::int32_t& v : row) v += half;
}

int row_exponent(const StageShifts& full, const StageShifts& made) {
  return std::max(0, full.input - made.input) + std::max(0, full.query - made.query) +
         std::max(0, full.logit - made.logit);
}

void normalise_row(std::span<const std::int32_t> sums, const Reciprocal& reciprocal, int fraction_bits,
                   std::span<std::int32_t> result) {
  const int shift = reciprocal.shift - fraction_bits;
  const std::int64_t half = shift > 0 ? std::int64_t{1} << (shift - 1) : 0;
  for (std::size_t c = 0; c < sums.size(); ++c)
    result[c] =
        static_cast<std::int32_t>((sums[c] * std::int64_t{reciprocal.mantissa} + half) >> std::max(0, shift));
}

}  // namespace flare::arch
