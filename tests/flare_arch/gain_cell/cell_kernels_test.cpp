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

constexpr int positions = 16 + 160;

/// Cells and pulses of a block of tokens, as the kernels read them.
struct RandomCells {
  std::vector<std::uint32_t> key_codes, words, value_codes;
  std::vector<std::int8_t> table;
  std::vector<float> key_errors, value_errors, currents, steps, pulses;
  KeyBlock keys;
  KeyPulses key_pulses;
  ValueBlock values;

  RandomCells(int lines, int ages, int most, bool with_errors, std::mt19937& generator) {
    const auto size = [](int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); };
    const int padded = (lines + value_lines - 1) / value_lines * value_lines;
    std::normal_distribution<float> normal;
    const auto fill = [&](auto& all, std::size_t count, const auto& make) {
      all.resize(count);
      for (auto& one : all) one = make();
    };
    fill(key_codes, size(lines / word_lines, positions),
         [&] { return static_cast<std::uint32_t>(generator()) & 0x07070707u; });
    fill(value_codes, size(padded, positions), [&] { return static_cast<std::uint32_t>(generator()) % 8; });
    fill(key_errors, size(lines, positions), [&] { return 0.1f * normal(generator); });
    fill(value_errors, size(padded, positions), [&] { return 0.1f * normal(generator); });
    fill(table, size(ages, digits * table_width), [&] { return static_cast<std::int8_t>(generator()); });
    fill(pulses, size(ages + cell_lanes, cell_lanes), [&] { return 0.3f + 0.1f * normal(generator); });
    currents.resize(size(ages + cell_lanes, table_width));
    for (std::size_t i = 0; i < currents.size(); i += 16)
      for (std::size_t level = 0; level < 8; ++level)
        currents[i + level] = currents[i + 8 + level] = normal(generator);
    words.resize(size(lines / word_lines, cell_lanes));
    steps.resize(size(lines, cell_lanes));
    for (int line = 0; line < lines; ++line)
      for (int lane = 0; lane < cell_lanes; ++lane) {
        // The largest steps at once, too: what sums of 16 bits must hold.
        const unsigned step = lane == 3
                                  ? static_cast<unsigned>(most)
                                  : static_cast<unsigned>(generator()) % (static_cast<unsigned>(most) + 1);
        words[size(line / word_lines, cell_lanes) + static_cast<std::size_t>(lane)] |=
            step << (8 * (line % word_lines));
        steps[size(line, cell_lanes) + static_cast<std::size_t>(lane)] = static_cast<float>(step);
      }
    keys = {key_codes.data(), table.data(), 0.01f, with_errors ? key_errors.data() : nullptr,
            positions,        lines};
    key_pulses = {words.data(), steps.data(), most};
    values = {value_codes.data(), currents.data(), with_errors ? value_errors.data() : nullptr, padded};
  }
};

template <class Make, class Number>
void expect_same_on_all_targets(const Make& make, const std::vector<Number>& expected) {
  const std::vector<std::string> targets = kernel_targets();
  ASSERT_FALSE(targets.empty());
  for (const std::string& target : targets) {
    use_kernel_target(target);
    EXPECT_EQ(make(), expected) << target;
  }
  use_kernel_target("");
}

TEST(CellKernels, SumsOfKeysAreTheSameOnEveryTarget) {
  std::mt19937 generator(4);
  for (const int lines : {4, 8, 20, 64, 132})
    for (const int ages : {1, 3, 8, 9, 63, 144})
      for (const int most : {1, 15, 127})
        for (const bool with_errors : {false, true}) {
          const RandomCells cells(lines, ages, most, with_errors, generator);
          const auto sums = [&](auto* kernel) {
            std::vector<float> all(static_cast<std::size_t>(ages) * cell_lanes, 7.0f);
            kernel(cells.keys, cells.key_pulses, 16 + 128, ages, all.data());
            return all;
          };
          SCOPED_TRACE(testing::Message() << lines << " lines, " << ages << " ages, " << most << " steps");
          expect_same_on_all_targets([&] { return sums(sum_keys); }, sums(scalar::sum_keys));
        }
}

TEST(CellKernels, SumsOfValuesAreTheSameOnEveryTarget) {
  std::mt19937 generator(5);
  for (const int lines : {4, 16, 48, 64, 80})
    for (const int tokens : {1, 2, 3, 4, 7, 16})
      for (const bool with_errors : {false, true}) {
        const RandomCells cells(lines, 144, 15, with_errors, generator);
        const auto sums = [&](auto* kernel) {
          std::vector<float> all(static_cast<std::size_t>(tokens * cells.values.lines), 7.0f);
          kernel(cells.values, {140, tokens, 3, 141, cells.pulses.data()}, all.data());
          return all;
        };
        SCOPED_TRACE(testing::Message() << lines << " lines, " << tokens << " tokens");
        expect_same_on_all_targets([&] { return sums(add_values); }, sums(scalar::add_values));
      }
}

TEST(CellKernels, CountsAreTheSameOnEveryTargetAndTiesGoToEven) {
  std::mt19937 generator(6);
  std::normal_distribution<float> normal;
  for (const int lines : {1, 8, 19, 64})
    for (const bool with_errors : {false, true}) {
      std::vector<float> charges(static_cast<std::size_t>(lines)), gain = charges, offset = charges;
      for (std::size_t i = 0; i < charges.size(); ++i) {
        charges[i] = i % 3 == 0 ? (static_cast<float>(generator() % 32) - 15.5f) / 16 : normal(generator);
        gain[i] = 0.1f * normal(generator);
        offset[i] = 0.1f * normal(generator);
      }
      CounterErrors errors;
      if (with_errors) errors = {gain.data(), offset.data()};
      const auto counts = [&](auto* kernel) {
        std::vector<std::int32_t> all(charges.size(), 3);
        kernel(errors, 16, charges.data(), lines, all.data());
        return all;
      };
      expect_same_on_all_targets([&] { return counts(add_counts); }, counts(scalar::add_counts));
    }
  const float ties[] = {-2, -0.5f / 16, 0.5f / 16, 1.5f / 16, 2.5f / 16, 9};
  std::vector<std::int32_t> counts(6, 0);
  add_counts({}, 16, ties, 6, counts.data());
  EXPECT_EQ(counts, (std::vector<std::int32_t>{-16, 0, 0, 2, 2, 16}));
}

TEST(CellKernels, DigitsMakeUpTheirNumber) {
  for (const int units :
       {0, 1, -1, 127, 128, -128, -129, 32'767, 32'768, -8'000'000, largest_units, -largest_units}) {
    std::int8_t split[digits];
    split_units(units, split);
    EXPECT_EQ(split[0] + 256 * split[1] + 65'536 * split[2], units);
  }
}

}  // namespace
}  // namespace flare::arch
