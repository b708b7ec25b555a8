#include "flare_arch/gain_cell/cell_kernels_scalar.hpp"

#include <algorithm>
#include <cmath>

namespace flare::arch::scalar {
namespace {

float cell_current(const CellBlock& block, int line, std::size_t position, int age) {
  const std::uint32_t word = block.codes[line / word_lines * block.stride + position];
  const std::uint32_t code = (word >> (4 * (line % word_lines))) & 15u;
  const float current = block.currents[static_cast<std::size_t>(age) * table_width + code];
  return block.errors == nullptr
             ? current
             : current + block.errors[static_cast<std::size_t>(line) * block.stride + position];
}

}  // namespace

void sum_keys(const CellBlock& keys, const float* pulses, std::size_t position, int ages, float* sums) {
  std::fill(sums, sums + static_cast<std::size_t>(ages) * cell_lanes, 0.0f);
  for (int age = 0; age < ages; ++age)
    for (int line = 0; line < keys.lines; ++line)
      for (int lane = 0; lane < cell_lanes; ++lane) {
        float& sum = sums[age * cell_lanes + lane];
        sum = std::fma(pulses[line * cell_lanes + lane],
                       cell_current(keys, line, position + static_cast<std::size_t>(lane - age), age), sum);
      }
}

void sum_values(const CellBlock& values, std::size_t position, const PulseRow* rows, std::size_t count,
                float* sums) {
  std::fill(sums, sums + static_cast<std::size_t>(values.lines) * cell_lanes, 0.0f);
  for (std::size_t r = 0; r < count; ++r)
    for (int line = 0; line < values.lines; ++line)
      for (int lane = 0; lane < cell_lanes; ++lane) {
        float& sum = sums[line * cell_lanes + lane];
        sum = std::fma(
            rows[r].pulses[lane],
            cell_current(values, line, position + static_cast<std::size_t>(lane - rows[r].age), rows[r].age),
            sum);
      }
}

}  // namespace flare::arch::scalar
