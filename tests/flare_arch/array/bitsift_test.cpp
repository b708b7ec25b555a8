// BitSift: read for read against the numpy model, and what must hold for any packing.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "flare_arch/array/bitsift.hpp"
#include "tests/flare_arch/golden.hpp"

namespace flare::arch {
namespace {

const std::pair<const char*, Packing> packings[] = {{"fixed", Packing::fixed},
                                                    {"next_fit", Packing::next_fit},
                                                    {"first_fit", Packing::first_fit},
                                                    {"best_fit", Packing::best_fit},
                                                    {"ideal", Packing::ideal}};

std::vector<std::uint8_t> random_plane(std::mt19937& generator, int depth, double ones) {
  std::bernoulli_distribution one(ones);
  std::vector<std::uint8_t> bits(depth);
  for (auto& b : bits) b = one(generator) ? 1 : 0;
  return bits;
}

TEST(BitSift, EqualsTheNumpyModel) {
  const TensorFile file = golden("bitsift");
  const MatrixI planes = golden_integers(file, "planes");
  for (const auto& [name, packing] : packings)
    for (const int sawl : {2, 8, 16})
      for (const int length : {8, 16, 64})
        for (const bool strict : {false, true}) {
          const std::string key = fmt::format("{}_sawl{}_slice{}_strict{:d}", name, sawl, length, strict);
          const MatrixI expected = golden_integers(file, key);
          for (Eigen::Index p = 0; p < planes.rows(); ++p) {
            std::vector<std::uint8_t> bits(planes.cols());
            for (Eigen::Index r = 0; r < planes.cols(); ++r)
              bits[r] = static_cast<std::uint8_t>(planes(p, r));
            const ReadPlan plan = plan_reads(bits, {sawl, length, packing, strict});
            std::vector<int> number(planes.cols(), 255);
            for (std::size_t i = 0; i < plan.reads(); ++i)
              for (const auto row : plan.rows(i)) number[row] = static_cast<int>(i);
            ASSERT_EQ(static_cast<int>(plan.reads()), expected(p, planes.cols())) << key << " plane " << p;
            for (Eigen::Index r = 0; r < planes.cols(); ++r)
              ASSERT_EQ(number[r], expected(p, r)) << key << " plane " << p << " row " << r;
          }
        }
}

TEST(BitSift, EveryOneIsReadOnceAndNoReadExceedsSawl) {
  std::mt19937 generator(11);
  for (int repeat = 0; repeat < 400; ++repeat) {
    const int depth = 1 + static_cast<int>(generator() % 300), sawl = 1 + static_cast<int>(generator() % 20);
    const auto bits = random_plane(generator, depth, static_cast<double>(generator() % 100) / 99);
    const int ones = static_cast<int>(std::count(bits.begin(), bits.end(), 1));
    for (const auto& [name, packing] : packings) {
      const SegmentationOptions options{sawl, 1 + static_cast<int>(generator() % 70), packing};
      const ReadPlan plan = plan_reads(bits, options);
      std::vector<int> seen(depth);
      for (std::size_t i = 0; i < plan.reads(); ++i) {
        EXPECT_LE(plan.rows(i).size(), static_cast<std::size_t>(sawl));
        for (const auto row : plan.rows(i)) ++seen[row];
      }
      for (int r = 0; r < depth; ++r) EXPECT_EQ(seen[r], bits[r]) << name;
      // Fixed SAWL: with the dummies every read drives exactly SAWL rows.
      EXPECT_EQ(plan.dummy_rows(options) + ones, static_cast<std::int64_t>(plan.reads()) * sawl) << name;
      const auto least = static_cast<std::size_t>((ones + sawl - 1) / sawl);
      EXPECT_GE(plan.reads(), least) << name;
      if (packing == Packing::ideal) {
        EXPECT_EQ(plan.reads(), least);
      }
      if (packing == Packing::fixed) {
        EXPECT_EQ(plan.reads(), static_cast<std::size_t>((depth + sawl - 1) / sawl));
      }
      // Two neighbouring next-fit reads together hold more than SAWL ones, so at most 2 ceil + 1 reads.
      if (packing != Packing::fixed) {
        EXPECT_LE(plan.reads(), 2 * least + 1) << name;
      }
    }
  }
}

TEST(BitSift, EdgesOfThePaperText) {
  const std::vector<std::uint8_t> none(64, 0), all(64, 1);
  EXPECT_EQ(plan_reads(none, {}).reads(), 0u);
  EXPECT_EQ(plan_reads(all, {}).reads(), 8u);
  std::vector<std::uint8_t> split(64, 0);  // 4 + 5 ones in two slices: whole slices do not fit into one read
  for (const int r : {0, 1, 2, 3, 16, 17, 18, 19, 20}) split[r] = 1;
  EXPECT_EQ(plan_reads(split, {}).reads(), 2u);
  std::vector<std::uint8_t> eight(64, 0);  // 4 + 4: exactly SAWL fits; "under 8" taken literally it does not
  for (const int r : {0, 1, 2, 3, 16, 17, 18, 19}) eight[r] = 1;
  EXPECT_EQ(plan_reads(eight, {}).reads(), 1u);
  EXPECT_EQ(plan_reads(eight, {8, 16, Packing::next_fit, true}).reads(), 2u);
  EXPECT_THROW(plan_reads(all, {0}), std::invalid_argument);
  EXPECT_THROW(plan_reads(all, {65}), std::invalid_argument);
}

}  // namespace
}  // namespace flare::arch
