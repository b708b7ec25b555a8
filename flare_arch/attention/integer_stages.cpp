#include "flare_arch/attention/integer_stages.hpp"

#include <algorithm>
#include <limits>

namespace flare::arch {

void half_column_sums(std::span<const std::int32_t> matrix, std::span<std::int32_t> halves) {
  std::fill(halves.begin(), halves.end(), 0);
  for (std::size_t at = 0; at + halves.size() <= matrix.size() && !halves.empty(); at += halves.size())
    for (std::size_t c = 0; c < halves.size(); ++c) halves[c] += matrix[at + c];
  for (std::int32_t& half : halves) half = (half + 1) >> 1;
}

namespace {

template <class Sum>
void add_to_row(std::span<Sum> row, std::span<const std::int32_t> halves) {
  for (std::size_t c = 0; c < row.size(); ++c) row[c] += halves[c];
}

template <class Sum>
void add_half_to_row(std::span<Sum> row, std::int64_t sum) {
  const auto half = static_cast<Sum>((sum + 1) >> 1);
  for (Sum& v : row) v += half;
}

template <class Sum>
void add_shifted_to_row(std::span<Sum> row, std::span<const std::int64_t> words, int shift) {
  const std::int64_t half = shift > 0 ? std::int64_t{1} << (shift - 1) : 0;
  for (std::size_t c = 0; c < row.size(); ++c) row[c] += static_cast<Sum>((words[c] + half) >> shift);
}

template <class Sum>
void turn_pairs(std::span<Sum> head, std::span<const std::int32_t> cosines,
                std::span<const std::int32_t> sines, bool neighbours) {
  constexpr std::int64_t half_step = std::int64_t{1} << (rotary_bits - 1);
  const std::size_t pairs = cosines.size(), step = neighbours ? 2 : 1, apart = neighbours ? 1 : pairs;
  for (std::size_t i = 0; i < pairs; ++i) {
    Sum &first = head[step * i], &second = head[step * i + apart];
    const std::int64_t a = first, b = second;
    first = static_cast<Sum>((a * cosines[i] - b * sines[i] + half_step) >> rotary_bits);
    second = static_cast<Sum>((a * sines[i] + b * cosines[i] + half_step) >> rotary_bits);
  }
}

template <class Sum>
void scale_row(std::span<const Sum> sums, const Reciprocal& reciprocal, int fraction_bits,
               std::span<std::int32_t> result) {
  constexpr std::int64_t lowest = std::numeric_limits<std::int32_t>::min(),
                         highest = std::numeric_limits<std::int32_t>::max();
  const int shift = reciprocal.shift - fraction_bits;
  const std::int64_t half = shift > 0 ? std::int64_t{1} << (shift - 1) : 0;
  for (std::size_t c = 0; c < sums.size(); ++c)
    result[c] = static_cast<std::int32_t>(std::clamp(
        (sums[c] * std::int64_t{reciprocal.mantissa} + half) >> std::max(0, shift), lowest, highest));
}

}  // namespace

void add_halves(std::span<std::int32_t> row, std::span<const std::int32_t> halves) {
  add_to_row(row, halves);
}
void add_halves(std::span<std::int64_t> row, std::span<const std::int32_t> halves) {
  add_to_row(row, halves);
}

void add_half(std::span<std::int32_t> row, std::int64_t sum) { add_half_to_row(row, sum); }
void add_half(std::span<std::int64_t> row, std::int64_t sum) { add_half_to_row(row, sum); }

void add_shifted(std::span<std::int32_t> row, std::span<const std::int64_t> words, int shift) {
  add_shifted_to_row(row, words, shift);
}
void add_shifted(std::span<std::int64_t> row, std::span<const std::int64_t> words, int shift) {
  add_shifted_to_row(row, words, shift);
}

void turn_head(std::span<std::int32_t> head, std::span<const std::int32_t> cosines,
               std::span<const std::int32_t> sines, bool neighbours) {
  turn_pairs(head, cosines, sines, neighbours);
}
void turn_head(std::span<std::int64_t> head, std::span<const std::int32_t> cosines,
               std::span<const std::int32_t> sines, bool neighbours) {
  turn_pairs(head, cosines, sines, neighbours);
}

int row_exponent(const StageShifts& full, const StageShifts& made) {
  return std::max(0, full.input - made.input) + std::max(0, full.query - made.query) +
         std::max(0, full.logit - made.logit);
}

void normalise_row(std::span<const std::int32_t> sums, const Reciprocal& reciprocal, int fraction_bits,
                   std::span<std::int32_t> result) {
  scale_row(sums, reciprocal, fraction_bits, result);
}
void normalise_row(std::span<const std::int64_t> sums, const Reciprocal& reciprocal, int fraction_bits,
                   std::span<std::int32_t> result) {
  scale_row(sums, reciprocal, fraction_bits, result);
}

}  // namespace flare::arch
