// The arithmetic FLARE is compared with: every stage dequantised to floating point and quantised again
// (DQ-Q), with a floating-point softmax.
//
// Int8Attention runs on the same analog arrays as FLARE's attention, 8 bits by 8 bits, absmax scales: one per
// token for activations, one per tensor for weights, one per head for K and V.
// QrazorAttention is digital: base precisions by absmax, then four salient bits (see sdr.hpp).
#pragma once

#include <memory>
#include <vector>

#include "flare_arch/attention/attention.hpp"
#include "flare_arch/attention/quantized_operand.hpp"

namespace flare::arch {

struct Int8Options {
  Encoding input_encoding = Encoding::twos_complement;
  Encoding weight_encoding = Encoding::twos_complement;
  SegmentationOptions stationary = {}, dynamic = {};
};

class Int8Attention : public AttentionLayer {
 public:
  Int8Attention(const AttentionWeights& weights, int layer, const Int8Options& options = {});
  MatrixF forward(const MatrixF& x, const AttentionErrors& errors) const override;
  LayerDie make_die(const AttentionErrors& errors, Eigen::Index tokens) const override;

 private:
  struct Projection {
    std::unique_ptr<Array> array;
    double scale = 1;
  };
  struct Cache;  // keys and values of one group of heads
  MatrixF project(const Projection& p, int number, const MatrixF& x, const AttentionErrors& errors) const;
  MatrixF attend(int head, const MatrixF& q, const Cache& cache, const AttentionErrors& errors) const;

  Int8Options options_;
  int layer_;
  AttentionForm form_;
  Projection query_, key_, value_, output_;
};

class QrazorAttention : public AttentionLayer {
 public:
  QrazorAttention(const AttentionWeights& weights, const QrazorOptions& options = {});
  MatrixF forward(const MatrixF& x, const AttentionErrors& errors) const override;

 private:
  QrazorOptions options_;
  AttentionForm form_;
  std::vector<QuantizedOperand> weights_;  // query, key, value, output, transposed
};

/// Storage of one tensor of rows x columns (a token a row) under a quantiser, in bits.
struct StorageBits {
  std::int64_t payload = 0;   // the values
  std::int64_t metadata = 0;  // scales, shifts, flags
};
StorageBits int8_storage(std::int64_t rows, std::int64_t columns);                // a float32 scale per token
StorageBits emsb_storage(std::int64_t rows, std::int64_t columns, int bits = 8);  // a 5-bit shift per token
StorageBits qrazor_storage(std::int64_t rows, std::int64_t columns, int base,
                           int group);  // flags, a scale per token

}  // namespace flare::arch
