// The matrix types of flare_arch: dense, row by row.
#pragma once

#include <cstdint>

#include "engine/base/matrix.hpp"

namespace flare::arch {

template <class T>
using Matrix = engine::MatrixOf<T>;

using MatrixF = Matrix<float>;         // what stays in floating point
using MatrixI = Matrix<std::int32_t>;  // integer operands and array outputs
using MatrixL = Matrix<std::int64_t>;  // array outputs that 32 bits may not hold
using MatrixD = Matrix<double>;
using VectorF = Eigen::VectorXf;
/// Integers that a product reads where they lie: a matrix, rows of one, or memory of somebody else's.
using IntegerView = Eigen::Ref<const MatrixI>;

}  // namespace flare::arch
