// Every vector target of this machine against the plain twin, to the last bit.
#include "flare_arch/gain_cell/cell_kernels.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "flare_arch/array/array_kernels.hpp"
#include "flare_arch/gain_cell/cell_kernels_scalar.hpp"

namespace flare::arch {
namespace {

struct RandomCells {
  std::vector<std::uint32_t> codes;
  std::vector<float> errors, currents, pulses;
  CellBlock block;

  RandomCells(int lines, int ages, bool with_errors, std::mt19937& generator) {
    const std::size_t stride = 16 + 160;
    std::normal_distribution<float> normal;
    codes.resize(static_cast<std::size_t>(lines / word_lines) * stride);
    for (auto& word : codes) word = static_cast<std::uint32_t>(generator()) & 0x77777777u;
    errors.resize(static_cast<std::size_t>(lines) * stride);
    for (auto& e : errors) e = 0.1f * normal(generator);
    currents.resize(static_cast<std::size_t>(ages) * table_width);
    for (std::size_t i = 0; i < currents.size(); i += 16)
      for (std::size_t level = 0; level < 8; ++level)
        currents[i + level] = currents[i + 8 + level] = normal(generator);
    pulses.resize(static_cast<std::size_t>(std::max(lines, ages)) * cell_lanes);
    for (auto& p : pulses) p = static_cast<float>(generator() % 16);
    block = {codes.data(), with_errors ? errors.data() : nullptr, currents.data(), stride, lines};
  }
};

template <class Make>
void expect_same_on_all_targets(const Make& make, const std::vector<float>& expected) {
  const std::vector<std::string> targets = kernel_targets();
  ASSERT_FALSE(targets.empty());
  for (const std::string& target : targets) {
    use_kernel_target(target);
    EXPECT_EQ(make(), expected) << target;
  }
  use_kernel_target("");
}

TEST(CellKernels, SumsAreTheSameOnEveryTarget) {
  std::mt19937 generator(4);
  for (const int lines : {4, 8, 20, 64})
    for (const int ages : {1, 3, 8, 9, 63, 144})
      for (const bool with_errors : {false, true}) {
        const RandomCells cells(lines, ages, with_errors, generator);
        const std::size_t position = 16 + 128;
        const auto keys = [&](auto* kernel) {
          std::vector<float> sums(static_cast<std::size_t>(ages) * cell_lanes, 7.0f);
          kernel(cells.block, cells.pulses.data(), position, ages, sums.data());
          return sums;
        };
        expect_same_on_all_targets([&] { return keys(sum_keys); }, keys(scalar::sum_keys));
        std::vector<PulseRow> rows;
        for (int age = ages - 1; age >= 0; age -= 2)
          rows.push_back({cells.pulses.data() + age * cell_lanes, age});
        const auto values = [&](auto* kernel) {
          std::vector<float> sums(static_cast<std::size_t>(lines) * cell_lanes, 7.0f);
          kernel(cells.block, position, rows.data(), rows.size(), sums.data());
          return sums;
        };
        expect_same_on_all_targets([&] { return values(sum_values); }, values(scalar::sum_values));
      }
}

}  // namespace
}  // namespace flare::arch
