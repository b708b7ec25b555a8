// The exact integer product behind the sparse path: oneDNN for 8-bit operands of some size where the processor multiplies
// bytes without saturating, words of 16 bits for the rest, plain loops for what neither holds.
#pragma once

#include <memory>

#include "flare_arch/array/bit_planes.hpp"
#include "flare_arch/array/word_product.hpp"
#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

class IntegerProduct {
 public:
  /// weights: depth x columns, values of `format`, in memory that outlives this. They are packed with the first product that uses
  /// them.
  IntegerProduct(const MatrixI& weights, const PlaneFormat& format);
  ~IntegerProduct();
  IntegerProduct(IntegerProduct&&) noexcept;

  /// inputs: tokens x depth, values of `format` (std::invalid_argument otherwise, where oneDNN takes the product).
  /// The sums must fit 32 bits. Thread safe. oneDNN uses OpenMP's threads unless the caller is itself one of several.
  void multiply(const IntegerView& inputs, const PlaneFormat& format, MatrixI& result) const;
  /// Sums of any size; the product above where 32 bits hold them.
  void multiply(const IntegerView& inputs, const PlaneFormat& format, MatrixL& result) const;

  /// True where multiply() itself checks the range of these inputs.
  bool checks(const IntegerView& inputs, const PlaneFormat& format) const;

 private:
  struct Packed;
  const WordProduct& words() const;
  Eigen::Map<const MatrixI> weights_;
  PlaneFormat format_;
  bool eight_bits_, sixteen_bits_;
  std::unique_ptr<Packed> packed_;
};

}  // namespace flare::arch
