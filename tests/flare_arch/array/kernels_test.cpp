// Every vector target of this machine against the plain twin, odd sizes included.
#include <gtest/gtest.h>

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <tuple>

#include "flare_arch/array/array_kernels.hpp"
#include "flare_arch/array/array_kernels_scalar.hpp"
#include "flare_arch/array/error_candidates.hpp"
#include "flare_arch/array/stray_reads.hpp"

namespace flare::arch {
namespace {

/// Runs `make(kernel)` once per target and expects the same result as from the plain twin of the kernel.
template <class Kernel, class Make>
void expect_same_on_all_targets(Kernel* kernel, Kernel* plain, const Make& make) {
  const auto expected = make(plain);
  const std::vector<std::string> targets = kernel_targets();
  ASSERT_FALSE(targets.empty());
  for (const std::string& target : targets) {
    use_kernel_target(target);
    EXPECT_EQ(make(kernel), expected) << target;
  }
  use_kernel_target("");
}

struct RandomReads {
  std::vector<std::uint16_t> rows;
  std::vector<std::uint32_t> starts{0};
  PlaneReads view() const { return {rows.data(), starts.data(), starts.size() - 1}; }

  RandomReads(std::mt19937& generator, int depth, int most) {
    for (int read = 0; read < 40; ++read) {
      const int count = static_cast<int>(generator() % (most + 1));
      for (int i = 0; i < count; ++i) rows.push_back(static_cast<std::uint16_t>(generator() % depth));
      starts.push_back(static_cast<std::uint32_t>(rows.size()));
    }
  }
};

TEST(Kernels, RandomBytesArePhilox) {
  const StreamKey key(42, StreamPurpose::read_codes, 3);
  expect_same_on_all_targets(fill_random_bytes, scalar::fill_random_bytes, [&](auto* kernel) {
    std::vector<std::uint8_t> bytes(1024);
    kernel(key, 5, 6, 7, 1000, bytes.data());
    return bytes;
  });
  std::vector<std::uint8_t> bytes(256);
  fill_random_bytes(key, 5, 6, 7, 256, bytes.data());
  const auto words = random_words(key, 5, 6, 7, 9);  // block 9, word 2, byte 1
  EXPECT_EQ(bytes[64 * 2 + 4 * 9 + 1], (words[2] >> 8) & 0xff);
}

TEST(Kernels, CodesAreTheSameOnEveryTarget) {
  std::mt19937 generator(1);
  for (const int sawl : {1, 3, 8, 9, 16, 31, 64}) {
    const int depth = 70, lines = 1024;
    std::vector<std::uint64_t> bits(depth * lines / 64);
    for (auto& b : bits) b = (static_cast<std::uint64_t>(generator()) << 32) | generator();
    const RandomReads reads(generator, depth, sawl);
    for (const ErrorModel& model :
         {ErrorModel::neighbour_errors(sawl, 0.2), ErrorModel::neighbour_errors(sawl, 1e-5),
          ErrorModel::gaussian(sawl, 2 + sawl / 2, {0.1, 0.1, 0.1}, {0.1})}) {
      const SlotTable slots(model);
      for (const SlotTable* table : {&slots, static_cast<const SlotTable*>(nullptr)}) {
        DensePlane plane;
        plane.row_bits = bits.data();
        plane.row_words = lines / 64;
        plane.lines = lines;
        plane.real_lines = 777;
        plane.largest_code = std::max(sawl, model.codes() - 1);
        plane.slots = table;
        plane.key = StreamKey(9, StreamPurpose::read_codes, 1);
        expect_same_on_all_targets(sum_codes, scalar::sum_codes, [&](auto* kernel) {
          std::vector<std::int32_t> sums(lines);
          std::int64_t wrong = 0;
          kernel(plane, reads.view(), sums.data(), &wrong);
          sums.resize(777);
          sums.push_back(static_cast<std::int32_t>(wrong));
          return sums;
        });
      }
    }
  }
}

TEST(Kernels, DieCodesAreTheSameOnEveryTarget) {
  std::mt19937 generator(2);
  for (const int sawl : {1, 7, 8, 16, 40, 64})
    for (const int band : {0, 30}) {
      const int depth = 50, lines = 512, comparators = sawl;
      std::vector<std::uint64_t> bits(depth * lines / 64);
      for (auto& b : bits) b = (static_cast<std::uint64_t>(generator()) << 32) | generator();
      const RandomReads reads(generator, depth, sawl);
      const auto noise = [&](std::size_t size, int spread) {
        std::vector<std::int16_t> v(size);
        for (auto& x : v)
          x = static_cast<std::int16_t>(static_cast<int>(generator() % (2 * spread + 1)) - spread);
        return v;
      };
      const auto deviations = noise(depth * lines, 20), dummies = noise((sawl + 1) * lines, 20);
      auto thresholds = noise(comparators * lines, 10);
      for (int c = 0; c < comparators; ++c)
        for (int i = 0; i < lines; ++i)
          thresholds[c * lines + i] = static_cast<std::int16_t>(thresholds[c * lines + i] + 200 * c + 100);
      std::vector<std::int16_t> means(round_up(sawl + 1, 8));
      for (int k = 0; k <= sawl; ++k) means[k] = static_cast<std::int16_t>(200 * k);
      DieBlock block{
          lines,          bits.data(),       lines / 64,  means.data(), sawl + 1, deviations.data(),
          dummies.data(), thresholds.data(), comparators, sawl,         band};
      const auto codes = [&](auto* kernel) {
        std::vector<std::int32_t> sums(lines);
        std::vector<NearRead> near;
        kernel(block, reads.view(), sums.data(), &near);
        std::sort(near.begin(), near.end(), [](const NearRead& a, const NearRead& b) {
          return std::tie(a.read, a.line) < std::tie(b.read, b.line);
        });
        for (const NearRead& n : near)
          sums.insert(sums.end(), {static_cast<std::int32_t>(n.read), n.line, n.level, n.code});
        return sums;
      };
      expect_same_on_all_targets(sum_die_codes, scalar::sum_die_codes, codes);
      // The means in the deviations of the cells that are on.
      const auto expected = codes(scalar::sum_die_codes);
      auto with_means = deviations;
      for (int row = 0; row < depth; ++row)
        for (int line = 0; line < lines; ++line)
          if (((bits[(row * lines + line) / 64] >> (line % 64)) & 1) != 0)
            with_means[row * lines + line] = static_cast<std::int16_t>(with_means[row * lines + line] + 200);
      block.deviations = with_means.data();
      block.level_mean = nullptr;
      expect_same_on_all_targets(sum_die_codes, scalar::sum_die_codes, codes);
      EXPECT_EQ(codes(scalar::sum_die_codes), expected);
    }
}

/// What find_strays() says, as numbers.
std::vector<std::int32_t> strays_of(decltype(find_strays)* kernel, const StrayBlock& block,
                                    const PlaneReads& reads) {
  std::vector<StrayRead> found;
  kernel(block, reads, found);
  std::vector<std::int32_t> numbers;
  for (const StrayRead& s : found)
    numbers.insert(numbers.end(), {static_cast<std::int32_t>(s.read), s.line, s.above});
  return numbers;
}

TEST(Kernels, StraysAreTheSameOnEveryTarget) {
  std::mt19937 generator(4);
  for (const int sawl : {1, 8, 16, 64}) {
    const int depth = 90;
    const RandomReads reads(generator, depth, sawl);
    const auto numbers = [&](int count, int spread) {
      auto v = hwy::AllocateAligned<std::int16_t>(static_cast<std::size_t>(count));
      for (int i = 0; i < count; ++i)
        v[i] = static_cast<std::int16_t>(static_cast<int>(generator() % (2 * spread + 1)) - spread);
      return v;
    };
    const auto deviations = numbers(depth * stray_lines, 60), starts = numbers((sawl + 1) * stray_lines, 90);
    auto spans = hwy::AllocateAligned<std::uint16_t>(stray_lines);
    for (int i = 0; i < stray_lines; ++i)
      spans[i] = i % 9 == 0 ? 65535 : static_cast<std::uint16_t>(30 * sawl);
    const StrayBlock block{deviations.get(), starts.get(), spans.get(), sawl};
    expect_same_on_all_targets(find_strays, scalar::find_strays,
                               [&](auto* kernel) { return strays_of(kernel, block, reads.view()); });
    const auto found = strays_of(scalar::find_strays, block, reads.view());
    EXPECT_FALSE(found.empty());  // what leaves below wraps to large numbers, and strays too
    EXPECT_LT(found.size(), 3 * reads.view().reads * stray_lines * 8 / 9);
  }
}

TEST(Kernels, SelectedCellsAreTheSameOnEveryTarget) {
  std::mt19937_64 generator(5);
  std::vector<std::int16_t> on(stray_lines), off(stray_lines);
  for (int i = 0; i < stray_lines; ++i)
    on[i] = static_cast<std::int16_t>(i + 1), off[i] = static_cast<std::int16_t>(-i);
  for (int repeat = 0; repeat < 20; ++repeat) {
    const std::uint64_t bits = generator();
    expect_same_on_all_targets(select_cells, scalar::select_cells, [&](auto* kernel) {
      std::vector<std::int16_t> out(stray_lines);
      kernel(&bits, on.data(), off.data(), out.data());
      return out;
    });
  }
}

/// Distances and words of 16 candidates, as numbers.
/// What draw_candidates() says of `numbers`, as numbers.
std::vector<double> candidates_of(decltype(draw_candidates)* draw, StreamKey key,
                                  std::span<const CandidateNumber> numbers, double log_keep) {
  std::vector<ErrorCandidate> drawn(numbers.size());
  draw(key, numbers, log_keep, drawn.data());
  std::vector<double> all;
  for (const ErrorCandidate& c : drawn)
    all.insert(all.end(), {c.distance, static_cast<double>(c.thin), static_cast<double>(c.which)});
  return all;
}

TEST(Kernels, CandidatesAreTheSameOnEveryTarget) {
  const StreamKey key(3, StreamPurpose::error_positions, 7);
  std::mt19937 generator(4);
  std::vector<CandidateNumber> numbers(700);
  for (CandidateNumber& n : numbers)
    n = {static_cast<std::uint32_t>(generator()), static_cast<std::uint32_t>(generator() % 100)};
  for (const double rate : {1e-9, 1e-6, 1e-3, 0.005, 0.9})
    for (const std::size_t count : {0, 1, 2, 3, 15, 16, 17, 700}) {
      const std::span some = std::span(numbers).first(count);
      expect_same_on_all_targets(draw_candidates, scalar::draw_candidates, [&](auto* draw) {
        return candidates_of(draw, key, some, std::log1p(-rate));
      });
    }
}

TEST(Kernels, NarrowingChecksTheRange) {
  for (const std::size_t size : {0, 1, 17, 64, 333}) {
    std::vector<std::int32_t> values(size);
    for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<std::int32_t>(i % 256) - 128;
    expect_same_on_all_targets(narrow_to_bytes, scalar::narrow_to_bytes, [&](auto* kernel) {
      std::vector<std::uint8_t> bytes(size);
      EXPECT_TRUE(kernel(values.data(), size, -128, 127, bytes.data()));
      return bytes;
    });
    const auto inside = [&](const std::vector<std::int32_t>& v, bool expected) {
      expect_same_on_all_targets(within_range, scalar::within_range, [&](auto* kernel) {
        const bool is_inside = kernel(v.data(), v.size(), -128, 127);
        EXPECT_EQ(is_inside, expected);
        return is_inside;
      });
    };
    inside(values, true);
    for (std::size_t wrong = 0; wrong < size; wrong += 13)
      for (const std::int32_t value : {-129, 128, INT32_MAX, INT32_MIN}) {
        std::vector<std::int32_t> damaged = values;
        damaged[wrong] = value;
        inside(damaged, false);
        expect_same_on_all_targets(narrow_to_bytes, scalar::narrow_to_bytes, [&](auto* kernel) {
          std::vector<std::uint8_t> bytes(size);
          EXPECT_FALSE(kernel(damaged.data(), size, -128, 127, bytes.data()));
          return 0;
        });
      }
  }
}

TEST(SlotTable, KeepsEveryProbability) {
  for (const ErrorModel& model :
       {ErrorModel::neighbour_errors(8, 0.3), ErrorModel::ideal(4), ErrorModel::neighbour_errors(16, 1e-9),
        ErrorModel::gaussian(8, 5, {0.2, 0.1, 0.3}, {0.4})}) {
    const SlotTable table(model);
    for (int k = 0; k < table.levels; ++k) {
      std::vector<double> p(model.codes());
      for (int u = 0; u < 256; ++u) {
        if (u > table.mixed_last_before[k]) {
          double before = 0;
          for (int c = 0; c < model.codes(); ++c) {
            p[c] += (table.mixed_cumulative[k][c] - before) / 256;
            before = table.mixed_cumulative[k][c];
          }
          continue;
        }
        int code = table.base_code[k];
        for (int a = 0; a < table.alternatives; ++a)
          if (u > table.last_before[a][k]) code = table.code[a][k];
        p[code] += 1.0 / 256;
      }
      for (int c = 0; c < model.codes(); ++c)
        EXPECT_NEAR(p[c], model.confusion(k, c), 1e-12) << k << " " << c;
    }
  }
}

}  // namespace
}  // namespace flare::arch
