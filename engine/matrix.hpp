// The one dense matrix type of the engine: row-major doubles, one run per row.
#pragma once

#include <Eigen/Core>

namespace flare::engine {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

}  // namespace flare::engine
