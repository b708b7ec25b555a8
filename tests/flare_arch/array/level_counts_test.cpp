// Reads by their number of on-cells: every vector target against counting bit by bit, and what an observer sees.
#include "flare_arch/array/level_counts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "flare_arch/array/array_job.hpp"
#include "flare_arch/array/array_kernels.hpp"
#include "tests/flare_arch/array/random_operands.hpp"

namespace flare::arch {
namespace {

TEST(LevelCounts, AreTheSameOnEveryTarget) {
  std::mt19937 generator(5);
  constexpr int depth = 70, words = 24;
  std::vector<std::uint64_t> bits(depth * words);
  for (auto& b : bits) b = (static_cast<std::uint64_t>(generator()) << 32) | (generator() & generator());
  std::fill(bits.end() - words, bits.end(), 0);
  for (const int sawl : {1, 2, 3, 4, 6, 8, 9, 16, 31, 32, 64})
    for (const int lines : {1, 63, 64, 200, 512, 513, 64 * words}) {
      // Reads without rows and full ones among theirs; the last row has no ones.
      ListedReads reads;
      reads.rows_per_read = (sawl + 7) / 8 * 8;
      reads.reads = 12;
      for (int read = 0; read < 12; ++read) {
        const int count = read < 3 ? read * sawl / 2 : static_cast<int>(generator() % (sawl + 1));
        for (int i = 0; i < reads.rows_per_read; ++i)
          reads.rows.push_back(static_cast<std::uint16_t>(i < count ? generator() % (depth - 1) : depth - 1));
      }
      const LevelCells cells{bits.data(), words, lines, sawl};
      // What was counted before stays.
      std::vector<std::int64_t> expected(static_cast<std::size_t>(sawl) + 1, 3);
      scalar::count_levels(cells, reads, expected.data());
      std::vector<std::string> targets = kernel_targets();
      targets.emplace_back();  // without a limit: a target that is built for this kernel alone
      for (const std::string& target : targets) {
        use_kernel_target(target);
        std::vector<std::int64_t> levels(expected.size(), 3);
        count_levels(cells, reads, levels.data());
        EXPECT_EQ(levels, expected) << target << " SAWL " << sawl << " lines " << lines;
      }
    }
}

/// The list has every planned read once.
void expect_listed(const ArrayJob& job, TokenPlan& plan) {
  std::multiset<std::vector<std::uint16_t>> planned, listed;
  const int depth = job.array.depth();
  ListedReads list;
  plan.list(depth, list);
  for (std::size_t read = 0; read < list.reads; ++read) {
    const auto begin = list.rows.begin() + static_cast<std::ptrdiff_t>(read) * list.rows_per_read;
    listed.emplace(begin, begin + list.rows_per_read);
  }
  for (int plane = 0; plane < job.format.planes(); ++plane)
    for (std::size_t read = 0; read < plan.planned(plane).reads(); ++read) {
      const auto rows = plan.planned(plane).rows(read);
      std::vector<std::uint16_t> filled(rows.begin(), rows.end());
      filled.resize(static_cast<std::size_t>(list.rows_per_read), static_cast<std::uint16_t>(depth));
      planned.insert(filled);
    }
  EXPECT_EQ(listed, planned);
}

/// Sums the codes of a read mode without errors from the reads that it sees.
struct Reader : ReadObserver {
  MatrixI sums;
  std::int64_t reads = 0;
  int tokens = 0;

  void see(const ArrayJob& job, Eigen::Index token, TokenPlan& plan) override {
    ++tokens;
    expect_listed(job, plan);
    for (int plane = 0; plane < job.format.planes(); ++plane)
      for (std::int64_t read = 0; read < plan.reads(plane); ++read, ++reads) {
        const auto rows = plan.planned(plane).rows(static_cast<std::size_t>(read));
        ReadRows room;
        const auto alone = plan.rows(plane, read, room);
        EXPECT_TRUE(std::equal(rows.begin(), rows.end(), alone.begin(), alone.end()));
        for (int line = 0; line < job.bitlines_of(token); ++line)
          sums(token, line / job.weight_planes()) +=
              static_cast<std::int32_t>(job.scale(plane, line)) * job.on_cells(rows, line);
      }
  }
};

TEST(ReadObserver, SeesTheReadsOfEveryPath) {
  std::mt19937 generator(6);
  const PlaneFormat cells{6, Encoding::twos_complement}, fed{5, Encoding::twos_complement};
  const MatrixI weights = testing::random_matrix(generator, 40, 9, cells),
                inputs = testing::random_matrix(generator, 3, 40, fed);
  const CodeSampler exact(ErrorModel::neighbour_errors(8, 0));
  for (const Packing packing : {Packing::fixed, Packing::next_fit, Packing::best_fit}) {
    const Array array(weights, cells, {8, 16, packing});
    for (const ReadPath path : {ReadPath::reference, ReadPath::sparse, ReadPath::dense}) {
      Reader reader;
      reader.sums = MatrixI::Zero(3, 9);
      ErrorInjection errors;
      errors.sampler = &exact;
      errors.path = path;
      errors.observer = &reader;
      ArrayCounters counters;
      EXPECT_EQ(array.multiply(inputs, fed, errors, &counters), reader.sums);
      EXPECT_EQ(reader.tokens, 3);
      EXPECT_EQ(reader.reads, counters.cycles);
      // Nobody asks for counters: the reads are planned all the same.
      reader.sums.setZero();
      EXPECT_EQ(array.multiply(inputs, fed, errors), reader.sums);
    }
    ErrorInjection errors;
    Reader reader;
    errors.observer = &reader;
    errors.threads = 2;
    EXPECT_THROW(array.multiply(inputs, fed, errors), std::invalid_argument);
  }
}

}  // namespace
}  // namespace flare::arch
