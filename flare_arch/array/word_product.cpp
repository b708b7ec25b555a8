#include "flare_arch/array/word_product.hpp"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flare_arch/array/word_product.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for every target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace flare::arch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Elsewhere than on x86 the operation below adds other lanes than neighbours.
#if HWY_TARGET == HWY_SCALAR || !HWY_ARCH_X86

void multiply_block_here(const std::int16_t* inputs, Eigen::Index rows, Eigen::Index pairs,
                         const std::int16_t* words, std::int32_t* result, Eigen::Index stride) {
  scalar::multiply_block(inputs, rows, pairs, words, result, stride);
}

#else

using Words = hn::CappedTag<std::int16_t, 32>;
using Sums = hn::RepartitionToWide<Words>;
constexpr int sum_lanes = hn::MaxLanes(Sums()), block_vectors = WordProduct::block_columns / sum_lanes;
// Rows at once: as many sums as there are registers for.
constexpr int tile_rows = sum_lanes >= 16 ? 8 : sum_lanes >= 8 ? 2 : 1;

/// `count` rows times a block, its sums in registers throughout.
template <int count>
HWY_ATTR HWY_INLINE void multiply_tile(const std::int16_t* HWY_RESTRICT inputs, Eigen::Index pairs,
                                       const std::int16_t* HWY_RESTRICT words,
                                       std::int32_t* HWY_RESTRICT result, Eigen::Index stride) {
  const Words dw;
  const Sums ds;
  hn::Vec<Sums> sums[count][block_vectors];
  auto none = hn::Zero(ds);
  for (int r = 0; r < count; ++r)
    for (int v = 0; v < block_vectors; ++v) sums[r][v] = none;
  for (Eigen::Index p = 0; p < pairs; ++p, words += 2 * WordProduct::block_columns) {
    hn::Vec<Words> w[block_vectors];
    for (int v = 0; v < block_vectors; ++v) w[v] = hn::LoadU(dw, words + v * 2 * sum_lanes);
    for (int r = 0; r < count; ++r) {
      std::int32_t pair;
      std::memcpy(&pair, inputs + 2 * (r * pairs + p), sizeof pair);
      const auto x = hn::BitCast(dw, hn::Set(ds, pair));
      for (int v = 0; v < block_vectors; ++v)
        sums[r][v] = hn::ReorderWidenMulAccumulate(ds, x, w[v], sums[r][v], none);
    }
  }
  for (int r = 0; r < count; ++r)
    for (int v = 0; v < block_vectors; ++v) hn::StoreU(sums[r][v], ds, result + r * stride + v * sum_lanes);
}

HWY_ATTR void multiply_block_here(const std::int16_t* inputs, Eigen::Index rows, Eigen::Index pairs,
                                  const std::int16_t* words, std::int32_t* result, Eigen::Index stride) {
  Eigen::Index r = 0;
  for (; r + tile_rows <= rows; r += tile_rows)
    multiply_tile<tile_rows>(inputs + 2 * r * pairs, pairs, words, result + r * stride, stride);
  for (; r < rows; ++r) multiply_tile<1>(inputs + 2 * r * pairs, pairs, words, result + r * stride, stride);
}

#endif

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flare::arch {

HWY_EXPORT(multiply_block_here);

void multiply_block(const std::int16_t* inputs, Eigen::Index rows, Eigen::Index pairs,
                    const std::int16_t* words, std::int32_t* result, Eigen::Index stride) {
  HWY_DYNAMIC_DISPATCH(multiply_block_here)(inputs, rows, pairs, words, result, stride);
}

void scalar::multiply_block(const std::int16_t* inputs, Eigen::Index rows, Eigen::Index pairs,
                            const std::int16_t* words, std::int32_t* result, Eigen::Index stride) {
  constexpr int columns = WordProduct::block_columns;
  for (Eigen::Index r = 0; r < rows; ++r) {
    std::fill_n(result + r * stride, columns, 0);
    for (Eigen::Index i = 0; i < 2 * pairs; ++i)
      for (int c = 0; c < columns; ++c)
        result[r * stride + c] +=
            std::int32_t{inputs[2 * r * pairs + i]} * words[(i / 2 * columns + c) * 2 + i % 2];
  }
}

WordProduct::WordProduct(const MatrixI& weights) : depth_(weights.rows()), columns_(weights.cols()) {
  const Eigen::Index pairs = (depth_ + 1) / 2, blocks = (columns_ + block_columns - 1) / block_columns;
  words_.resize(static_cast<std::size_t>(blocks * pairs * 2 * block_columns));
  for (Eigen::Index row = 0; row < depth_; ++row)
    for (Eigen::Index at = 0; at < columns_; at += block_columns) {
      std::int16_t* to = words_.data() + (at * pairs + row / 2 * block_columns) * 2 + row % 2;
      const std::int32_t* from = weights.data() + row * columns_ + at;
      for (Eigen::Index c = 0; c < std::min<Eigen::Index>(block_columns, columns_ - at); ++c)
        to[2 * c] = static_cast<std::int16_t>(from[c]);
    }
}

void WordProduct::multiply(const IntegerView& inputs, MatrixI& result) const {
  constexpr Eigen::Index rows_at_once = 64;  // their words and sums stay in the nearest caches
  const Eigen::Index pairs = (depth_ + 1) / 2, rows = inputs.rows();
  result.resize(rows, columns_);
  std::vector<std::int16_t> x(static_cast<std::size_t>(rows_at_once * 2 * pairs));
  std::vector<std::int32_t> sums(rows_at_once * block_columns);
  for (Eigen::Index first = 0; first < rows; first += rows_at_once) {
    const Eigen::Index count = std::min(rows_at_once, rows - first);
    for (Eigen::Index r = 0; r < count; ++r)
      for (Eigen::Index i = 0; i < depth_; ++i)
        x[r * 2 * pairs + i] = static_cast<std::int16_t>(inputs(first + r, i));
    for (Eigen::Index at = 0; at < columns_; at += block_columns) {
      const std::int16_t* words = words_.data() + at * pairs * 2;
      std::int32_t* to = result.data() + first * columns_ + at;
      const Eigen::Index across = columns_ - at;
      if (across >= block_columns) {
        multiply_block(x.data(), count, pairs, words, to, columns_);
        continue;
      }
      multiply_block(x.data(), count, pairs, words, sums.data(), block_columns);
      for (Eigen::Index r = 0; r < count; ++r)
        std::copy_n(sums.data() + r * block_columns, across, to + r * columns_);
    }
  }
}

void WordProduct::add_bytes(const IntegerView& inputs, int shift, Eigen::Index first, Eigen::Index pairs,
                            MatrixL& result) const {
  constexpr Eigen::Index rows_at_once = 64;
  const Eigen::Index all_pairs = (depth_ + 1) / 2, words = std::min(2 * pairs, depth_ - 2 * first);
  std::vector<std::int16_t> x(static_cast<std::size_t>(rows_at_once * 2 * pairs));
  std::vector<std::int32_t> sums(rows_at_once * block_columns);
  for (Eigen::Index row = 0; row < inputs.rows(); row += rows_at_once) {
    const Eigen::Index count = std::min(rows_at_once, inputs.rows() - row);
    for (Eigen::Index r = 0; r < count; ++r)
      for (Eigen::Index i = 0; i < words; ++i) {
        const std::int32_t v = inputs(row + r, 2 * first + i);
        x[r * 2 * pairs + i] = static_cast<std::int16_t>(shift > 0 ? v >> shift : v & 0xff);
      }
    for (Eigen::Index at = 0; at < columns_; at += block_columns) {
      multiply_block(x.data(), count, pairs, words_.data() + (at * all_pairs + first * block_columns) * 2,
                     sums.data(), block_columns);
      const Eigen::Index across = std::min<Eigen::Index>(block_columns, columns_ - at);
      for (Eigen::Index r = 0; r < count; ++r)
        for (Eigen::Index c = 0; c < across; ++c)
          result(row + r, at + c) += std::int64_t{sums[r * block_columns + c]} << shift;
    }
  }
}

void WordProduct::multiply(const IntegerView& inputs, MatrixL& result) const {
  constexpr Eigen::Index pairs_at_once = 64;  // 128 products of at most 2^8 and 2^15 are 2^30
  result.setZero(inputs.rows(), columns_);
  const Eigen::Index pairs = (depth_ + 1) / 2;
  const bool has_high_bytes = (inputs.array() < 0 || inputs.array() > 255).any();
  for (const int shift : {0, 8})
    for (Eigen::Index first = 0; first < pairs && (shift == 0 || has_high_bytes); first += pairs_at_once)
      add_bytes(inputs, shift, first, std::min(pairs_at_once, pairs - first), result);
}

}  // namespace flare::arch
#endif  // HWY_ONCE
