// The matrix types of flare_arch: dense, row by row.
#pragma once

#include <Eigen/Core>
#include <cstdint>

namespace flare::arch {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

using MatrixF = Matrix<float>;         // what stays in floating point
using MatrixI = Matrix<std::int32_t>;  // integer operands and array outputs
using MatrixL = Matrix<std::int64_t>;  // array outputs that 32 bits may not hold
using MatrixD = Matrix<double>;
using VectorF = Eigen::VectorXf;

}  // namespace flare::arch
