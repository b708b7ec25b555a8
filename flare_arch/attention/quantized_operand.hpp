// Operands quantised by absmax, and their products brought back to floating point: what conventional arithmetic does
// between any two stages.
#pragma once

#include <vector>

#include "flare_arch/array/array.hpp"
#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

/// Integers, and what one of them is worth in each row.
struct QuantizedOperand {
  MatrixI values;
  std::vector<double> scales;
};

/// Absmax, symmetric, one scale per row; `top` is the largest integer.
QuantizedOperand absmax_rows(const MatrixF& x, double top);
/// The same with one scale for all.
QuantizedOperand absmax_tensor(const MatrixF& x, double top);

/// A product on an array, dequantised; its sums in 32 bits where they fit. scale: of the array's integers.
MatrixF product_on(const Array& array, const QuantizedOperand& inputs, const PlaneFormat& format,
                   const ErrorInjection& errors, ArrayCounters* counters, double scale,
                   const PresentCells& present = {});

/// Salient bits per operand: 4 razored, 8 base precision as it is.
struct QrazorOptions {
  int weight_bits = 4;      // from base 8, per output channel
  int activation_bits = 8;  // 8: base 8 per token; 4: razored from base 16 per token
  int kv_bits = 8;          // 4: razored from base 8
  int group = 16;           // 8 .. 128

  /// Throws std::invalid_argument for widths or groups that are none of these.
  void check() const;
};

/// Inputs of a product, a token a row.
QuantizedOperand razored_activation(const MatrixF& x, const QrazorOptions& options);
/// Transposed, so that a row is an output channel and groups run along the products' depth.
QuantizedOperand razored_weight(const MatrixF& w, const QrazorOptions& options);
/// Keys or values, a token a row.
QuantizedOperand razored_cache(const MatrixF& kv, const QrazorOptions& options);
/// a b^T, dequantised: a digital product, its sums in 32 bits where they fit, else in 64.
MatrixF dequantized_product(const QuantizedOperand& a, const QuantizedOperand& b);

}  // namespace flare::arch
