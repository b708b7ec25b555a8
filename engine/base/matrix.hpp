// The dense matrix types: row by row.
#pragma once

#include <Eigen/Core>

namespace flare::engine {

template <class T>
using MatrixOf = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

using Matrix = MatrixOf<double>;  // of the engine: one run per row
using Vector = Eigen::VectorXd;

}  // namespace flare::engine
