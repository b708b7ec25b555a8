#include "flare_arch/gain_cell/cell_kernels_scalar.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace flare::arch::scalar {
namespace {

std::uint32_t byte_of(std::uint32_t word, int line) { return (word >> (8 * (line % word_lines))) & 255u; }

/// Whole numbers: sums of pulse steps times each digit.
std::array<std::int32_t, digits> digit_sums(const KeyBlock& keys, const KeyPulses& pulses,
                                            std::size_t position, int age, int lane) {
  const std::int8_t* table = keys.table + static_cast<std::size_t>(age) * digits * table_width;
  std::array<std::int32_t, digits> sums{};
  for (int line = 0; line < keys.lines; ++line) {
    const auto group = static_cast<std::size_t>(line / word_lines);
    const std::uint32_t code = byte_of(keys.codes[group * keys.stride + position], line);
    const auto steps = static_cast<std::int32_t>(
        byte_of(pulses.words[group * cell_lanes + static_cast<std::size_t>(lane)], line));
    for (std::size_t i = 0; i < digits; ++i) sums[i] += steps * table[i * table_width + code];
  }
  return sums;
}

float error_sum(const KeyBlock& keys, const KeyPulses& pulses, std::size_t position, int lane) {
  float sum = 0;
  for (int line = 0; line < keys.lines; ++line)
    sum = std::fma(pulses.steps[line * cell_lanes + lane],
                   keys.errors[static_cast<std::size_t>(line) * keys.stride + position], sum);
  return sum;
}

void add_cell(const ValueBlock& values, std::size_t position, int age, float pulse, float* sums) {
  const auto at = position * static_cast<std::size_t>(values.lines);
  const float* currents = values.currents + static_cast<std::size_t>(age) * table_width;
  for (int line = 0; line < values.lines; ++line) {
    const std::size_t cell = at + static_cast<std::size_t>(line);
    const float charge = pulse * currents[values.codes[cell]];
    sums[line] += charge;
    if (values.errors != nullptr) sums[line] = std::fma(pulse, values.errors[cell], sums[line]);
  }
}

}  // namespace

void sum_keys(const KeyBlock& keys, const KeyPulses& pulses, std::size_t position, int ages, float* sums) {
  for (int age = 0; age < ages; ++age)
    for (int lane = 0; lane < cell_lanes; ++lane) {
      const std::size_t at = position + static_cast<std::size_t>(lane) - static_cast<std::size_t>(age);
      const auto whole = digit_sums(keys, pulses, at, age, lane);
      float sum = static_cast<float>(whole[0]) * keys.unit;
      sum = std::fma(static_cast<float>(whole[1]), 256 * keys.unit, sum);
      sum = std::fma(static_cast<float>(whole[2]), 65'536 * keys.unit, sum);
      if (keys.errors != nullptr) sum += error_sum(keys, pulses, at, lane);
      sums[age * cell_lanes + lane] = sum;
    }
}

void add_values(const ValueBlock& values, const ValueReads& reads, float* sums) {
  for (int t = 0; t < reads.tokens; ++t)
    for (int position = reads.begin; position < reads.end; ++position) {
      const int age = reads.token + t - position;
      add_cell(values, static_cast<std::size_t>(position), age, reads.pulses[age * cell_lanes + t],
               sums + static_cast<std::ptrdiff_t>(t) * values.lines);
    }
}

void add_counts(const CounterErrors& errors, float steps, const float* charges, int lines,
                std::int32_t* counts) {
  for (int line = 0; line < lines; ++line) {
    float charge = charges[line];
    if (errors.gain != nullptr) charge = charge * (1 + errors.gain[line]) + errors.offset[line];
    counts[line] += static_cast<std::int32_t>(std::nearbyint(std::clamp(charge, -1.0f, 1.0f) * steps));
  }
}

}  // namespace flare::arch::scalar
