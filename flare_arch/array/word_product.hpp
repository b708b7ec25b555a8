// Products of integers of up to 16 bits, exact in 32 bits, on the calling thread: pairs of neighbouring rows are multiplied and
// added in one step (vpmaddwd and its like), which no processor saturates.
#pragma once

#include <cstdint>
#include <vector>

#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

/// Weights laid out for the kernel: [block of 32 columns][pair of rows][column][row of the pair], padded with zeros.
class WordProduct {
 public:
  static constexpr int block_columns = 32;

  /// weights: depth x columns, each within 16 bits of two's complement.
  explicit WordProduct(const MatrixI& weights);

  /// result = inputs weights. inputs: tokens x depth, within 16 bits; sums must fit 32 bits, and no two products of
  /// neighbouring rows may both be 2^30 (-32768 times itself).
  void multiply(const IntegerView& inputs, MatrixI& result) const;
  /// The same for sums of any size and inputs of up to 17 bits: high and low bytes of the inputs apart, as many rows at a time as
  /// 32 bits hold, added up in 64.
  void multiply(const IntegerView& inputs, MatrixL& result) const;

 private:
  /// sums = (inputs >> shift, or its low byte) times rows 2 first up to 2 (first + pairs) of the weights, a block of columns.
  void add_bytes(const IntegerView& inputs, int shift, Eigen::Index first, Eigen::Index pairs,
                 MatrixL& result) const;

  Eigen::Index depth_, columns_;
  std::vector<std::int16_t> words_;
};

/// One block: rows x 32 sums into `result` (rows that begin `stride` apart) from `inputs` (rows of 2 * pairs words) and a block's words.
void multiply_block(const std::int16_t* inputs, Eigen::Index rows, Eigen::Index pairs,
                    const std::int16_t* words, std::int32_t* result, Eigen::Index stride);

namespace scalar {
/// The same in plain loops: what the vectors are tested against.
void multiply_block(const std::int16_t* inputs, Eigen::Index rows, Eigen::Index pairs,
                    const std::int16_t* words, std::int32_t* result, Eigen::Index stride);
}  // namespace scalar

}  // namespace flare::arch
