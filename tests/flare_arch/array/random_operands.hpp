// Operands for the arrays under test.
#pragma once

#include <random>

#include "flare_arch/array/bit_planes.hpp"
#include "flare_arch/base/matrix.hpp"

namespace flare::arch::testing {

inline constexpr Encoding encodings[] = {Encoding::twos_complement, Encoding::sign_magnitude,
                                         Encoding::unsigned_binary};

/// Any values that the format holds, rows x columns.
inline MatrixI random_matrix(std::mt19937& generator, int rows, int columns, const PlaneFormat& format) {
  std::uniform_int_distribution<int> value(format.lowest(), format.highest());
  MatrixI m(rows, columns);
  for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = value(generator);
  return m;
}

}  // namespace flare::arch::testing
