// Matrix products in floating point, on the calling thread: oneDNN for those of some size, Eigen below it.
//
// One thread always, so that a number does not depend on how many there are: threads are for examples.
#pragma once

#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

/// A matrix, or columns of one, that a product reads.
using MatrixView = Eigen::Ref<const MatrixF, 0, Eigen::OuterStride<>>;

/// a b: (m x k) (k x n).
MatrixF product(const MatrixView& a, const MatrixView& b);
/// a b^T: (m x k) (n x k).
MatrixF product_with_transposed(const MatrixView& a, const MatrixView& b);

}  // namespace flare::arch
