// A product with fixed weights outside attention, y = x W, on the arithmetics that attention has. The bias is digital and
// the caller's.
#pragma once

#include <memory>
#include <vector>

#include "flare_arch/attention/conventional_attention.hpp"
#include "flare_arch/attention/integer_attention.hpp"

namespace flare::arch {

class LinearLayer {
 public:
  virtual ~LinearLayer() = default;
  /// x: tokens x inputs. Result: tokens x outputs. Counts and errs as the arrays of weights. Thread safe.
  virtual MatrixF forward(const MatrixF& x, const AttentionErrors& errors) const = 0;
  /// Puts what is frozen of its array on the die into `die`; nothing where it has none.
  virtual void add_to(LayerDie& die, const AttentionErrors& errors) const;
};

/// Int8 on an array: absmax per token, one scale for the weights. layer, number: of the array in its layer
/// (layer_arrays.hpp).
class Int8Linear : public LinearLayer {
 public:
  Int8Linear(const MatrixF& weight, int layer, int number, const Int8Options& options = {});
  MatrixF forward(const MatrixF& x, const AttentionErrors& errors) const override;
  void add_to(LayerDie& die, const AttentionErrors& errors) const override;

 private:
  PlaneFormat inputs_;
  int layer_, number_;
  double scale_ = 1;
  std::unique_ptr<Array> array_;
};

/// FLARE's: words of one static scale, eMSB-Q per token, the array, and the words brought back by the token's shift.
class EmsbLinear : public LinearLayer {
 public:
  /// calibration: inputs of this product for some sequences; they fix the static scale. Throws std::invalid_argument for
  /// none, or another width.
  EmsbLinear(const MatrixF& weight, int layer, int number, const std::vector<MatrixF>& calibration,
             const IntegerAttentionOptions& options = {});
  MatrixF forward(const MatrixF& x, const AttentionErrors& errors) const override;
  void add_to(LayerDie& die, const AttentionErrors& errors) const override;

 private:
  IntegerAttentionOptions options_;
  int layer_, number_;
  double input_scale_ = 1, weight_scale_ = 1;
  std::unique_ptr<Array> array_;
  std::vector<std::int32_t> halves_;  // of the weights' columns: the constants of Rounding::half_lsb
};

/// QRazor, digital.
class QrazorLinear : public LinearLayer {
 public:
  explicit QrazorLinear(const MatrixF& weight, const QrazorOptions& options = {});
  MatrixF forward(const MatrixF& x, const AttentionErrors& errors) const override;

 private:
  QrazorOptions options_;
  QuantizedOperand weight_;
};

}  // namespace flare::arch
