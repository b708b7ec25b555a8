// Products of words and counts of reads: every vector target against definitions, odd sizes and extreme values included.
#include "flare_arch/array/word_product.hpp"

#include <gtest/gtest.h>

#include <random>

#include "flare_arch/array/array_kernels.hpp"
#include "flare_arch/array/read_counts.hpp"
#include "flare_arch/array/read_lists.hpp"

namespace flare::arch {
namespace {

template <class Check>
void on_all_targets(const Check& check) {
  for (const std::string& target : kernel_targets()) {
    use_kernel_target(target);
    SCOPED_TRACE(target);
    check();
  }
  use_kernel_target("");
}

MatrixI random_integers(std::mt19937& generator, Eigen::Index rows, Eigen::Index columns, int low, int high) {
  std::uniform_int_distribution<int> law(low, high);
  return MatrixI::NullaryExpr(rows, columns, [&] { return law(generator); });
}

TEST(WordProduct, EqualsTheDefinition) {
  std::mt19937 generator(3);
  for (const auto& [tokens, depth, columns] :
       {std::tuple{1, 1, 1}, {3, 2, 31}, {8, 64, 197}, {70, 197, 64}, {129, 33, 65}, {65, 192, 32}}) {
    const MatrixI w = random_integers(generator, depth, columns, -2048, 2047),
                  x = random_integers(generator, tokens, depth, -128, 255), expected = x * w;
    const WordProduct product(w);
    on_all_targets([&] {
      MatrixI got;
      product.multiply(x, got);
      EXPECT_EQ(got, expected) << tokens << " " << depth << " " << columns;
    });
  }
}

TEST(WordProduct, HoldsTheLargestWords) {
  const MatrixI w = MatrixI::Constant(2, 33, -32768), x = MatrixI::Constant(9, 2, 32767);
  const WordProduct product(w);
  on_all_targets([&] {
    MatrixI got;
    product.multiply(x, got);
    EXPECT_EQ(got, MatrixI::Constant(9, 33, -2 * 32767 * 32768));
  });
}

TEST(WordProduct, SumsOfAnySize) {
  // Extremes: 2,048 products of 2^30 and of 65535 * 32768; and words of all sizes, of odd depths.
  const MatrixI lowest = MatrixI::Constant(2048, 33, -32768);
  MatrixL got;
  WordProduct(lowest).multiply(MatrixI::Constant(3, 2048, -32768), got);
  EXPECT_EQ(got, MatrixL::Constant(3, 33, std::int64_t{1} << 41));
  WordProduct(lowest).multiply(MatrixI::Constant(3, 2048, 65535), got);
  EXPECT_EQ(got, MatrixL::Constant(3, 33, -std::int64_t{65535} * 2048 * 32768));
  std::mt19937 generator(6);
  for (const auto& [tokens, depth, columns] : {std::tuple{1, 1, 1}, {65, 127, 64}, {3, 301, 40}}) {
    const MatrixI w = random_integers(generator, depth, columns, -32768, 32767),
                  x = random_integers(generator, tokens, depth, -32768, 65535);
    const WordProduct product(w);
    const MatrixL expected = x.cast<std::int64_t>() * w.cast<std::int64_t>();
    on_all_targets([&] {
      product.multiply(x, got);
      EXPECT_EQ(got, expected) << tokens << " " << depth << " " << columns;
    });
  }
}

TEST(WordProduct, TheVectorsEqualThePlainLoops) {
  std::mt19937 generator(5);
  for (const Eigen::Index rows : {1, 2, 7, 8, 9, 17})
    for (const Eigen::Index pairs : {1, 3, 32}) {
      const MatrixI bits = random_integers(generator, 1, 2 * pairs * (rows + 32), -30000, 30000);
      std::vector<std::int16_t> words(bits.data(), bits.data() + bits.size());
      constexpr Eigen::Index stride = 45;  // what lies between rows stays as it was
      std::vector<std::int32_t> expected(rows * stride), got(rows * stride);
      scalar::multiply_block(words.data() + 64 * pairs, rows, pairs, words.data(), expected.data(), stride);
      on_all_targets([&] {
        multiply_block(words.data() + 64 * pairs, rows, pairs, words.data(), got.data(), stride);
        EXPECT_EQ(got, expected) << rows << " " << pairs;
      });
    }
}

/// What plan_reads() says of a plane.
ReadPlan planned(const MatrixI& row, int plane, const PlaneFormat& format,
                 const SegmentationOptions& options) {
  std::vector<std::uint8_t> bits;
  for (Eigen::Index i = 0; i < row.cols(); ++i) bits.push_back((format.pattern(row(i)) >> plane) & 1);
  return plan_reads(bits, options);
}

/// Every read by itself, and all of them listed, drive the rows of the plan.
void expect_rows(const ReadPlan& plan, const std::uint16_t* bits, int slices,
                 const SegmentationOptions& options) {
  ReadPlan all;
  plan_slices(bits, slices, options, all);
  ASSERT_EQ(all.reads(), plan.reads());
  for (std::size_t read = 0; read < plan.reads(); ++read) {
    std::uint16_t rows[read_room];
    const int count = rows_of_read(bits, slices, options, static_cast<std::int64_t>(read), rows);
    const auto expected = plan.rows(read);
    const std::vector<int> numbers(expected.begin(), expected.end());
    ASSERT_EQ(std::vector<int>(rows, rows + count), numbers) << read;
    const int plain = scalar::rows_of_read(bits, slices, options, static_cast<std::int64_t>(read), rows);
    ASSERT_EQ(std::vector<int>(rows, rows + plain), numbers) << read;
    std::vector<std::uint16_t> cells(static_cast<std::size_t>(slices), 0xa5c3);
    cells[0] = 0x0ff0;
    const int on =
        scalar::on_cells_of_read(bits, slices, options, static_cast<std::int64_t>(read), cells.data());
    ASSERT_EQ(on, on_cells_of_rows(expected, cells.data())) << read;
    ASSERT_EQ(on_cells_of_read(bits, slices, options, static_cast<std::int64_t>(read), cells.data()), on)
        << read;
    ASSERT_EQ(std::vector<int>(all.rows(read).begin(), all.rows(read).end()), numbers) << read;
  }
  if (options.rows_per_read > listed_rows) return;
  const std::uint16_t no_row = 9999;
  std::vector<std::uint16_t> rest(static_cast<std::size_t>(slices + 8) * listed_rows),
      rows((plan.reads() + 9) * listed_rows);
  ASSERT_EQ(list_reads(bits, slices, 1, options, no_row, rest.data(), rows.data()),
            rows.data() + plan.reads() * listed_rows);
  for (std::size_t read = 0; read < plan.reads(); ++read) {
    // Full reads and those of what is left of slices stand in the order of the plan.
    const auto driven = plan.rows(read);
    std::vector<int> expected(driven.begin(), driven.end());
    expected.resize(listed_rows, no_row);
    const std::uint16_t* own = rows.data() + read * listed_rows;
    ASSERT_EQ(std::vector<int>(own, own + listed_rows), expected) << read;
  }
}

TEST(ReadCounts, AreThoseOfThePlans) {
  std::mt19937 generator(7);
  for (const PlaneFormat& format :
       {PlaneFormat{8, Encoding::twos_complement}, PlaneFormat{12, Encoding::sign_magnitude},
        PlaneFormat{8, Encoding::unsigned_binary}, PlaneFormat{16, Encoding::sign_magnitude},
        PlaneFormat{16, Encoding::twos_complement}})
    for (const int depth : {1, 15, 16, 17, 64, 197, 768})
      for (const int sawl : {2, 3, 8, 15, 16, 17, 64})
        for (const bool below : {false, true}) {
          const SegmentationOptions options{sawl, 16, Packing::next_fit, below};
          ASSERT_TRUE(counts_without_plan(options, depth));
          // Dense rows, and sparse ones.
          const int high = generator() % 2 == 0 ? format.highest() : format.highest() >> 5;
          const MatrixI row = random_integers(generator, 1, depth, format.lowest() == 0 ? 0 : -high, high);
          const int slices = (depth + 15) / 16;
          on_all_targets([&] {
            std::vector<std::uint16_t> bits(slices * most_planes, 0xffff), reads(most_planes),
                ones(most_planes);
            slice_planes({row.data(), static_cast<std::size_t>(depth)}, format, bits.data());
            count_reads(bits.data(), slices, format.planes(), options, reads.data(), ones.data());
            for (int plane = 0; plane < format.planes(); ++plane) {
              const ReadPlan plan = planned(row, plane, format, options);
              ASSERT_EQ(reads[plane], plan.reads()) << depth << " " << sawl << " plane " << plane;
              ASSERT_EQ(ones[plane], plan.driven_rows()) << depth << " " << sawl << " plane " << plane;
              expect_rows(plan, bits.data() + plane, slices, options);
            }
          });
        }
}

TEST(ReadCounts, TheVectorsEqualThePlainLoops) {
  std::mt19937 generator(9);
  const PlaneFormat format{12, Encoding::sign_magnitude};
  const SegmentationOptions options{8, 16, Packing::next_fit};
  const MatrixI row = random_integers(generator, 1, 100, -2047, 2047);
  const std::span<const std::int32_t> values(row.data(), 100);
  std::vector<std::uint16_t> plain(7 * most_planes), bits(7 * most_planes), plain_reads(most_planes),
      plain_ones(most_planes), reads(most_planes), ones(most_planes);
  scalar::slice_planes(values, format, plain.data());
  scalar::count_reads(plain.data(), 7, format.planes(), options, plain_reads.data(), plain_ones.data());
  on_all_targets([&] {
    slice_planes(values, format, bits.data());
    count_reads(bits.data(), 7, format.planes(), options, reads.data(), ones.data());
    for (int plane = 0; plane < format.planes(); ++plane) {
      EXPECT_EQ(reads[plane], plain_reads[plane]);
      EXPECT_EQ(ones[plane], plain_ones[plane]);
    }
    EXPECT_EQ(bits, plain);
  });
}

}  // namespace
}  // namespace flare::arch
