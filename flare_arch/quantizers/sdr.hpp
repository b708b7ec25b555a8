// Significant data razoring (QRazor, Lee et al., arXiv 2501.13331): four salient bits per value and one flag per group.
//
// Values already quantised to a base precision (8 or 16 bits, sign and magnitude) are cut in groups of g
// neighbours. b is the bit length of the OR of the group's magnitudes, t = max(0, b - 3) the number of low
// bits dropped, and each value keeps its sign and three magnitude bits, rounded half to even: v = round(|q| /
// 2^t). A positive v that rounds up to 8 saturates to 7; a negative one keeps 8, as four-bit two's complement
// can. The product of two razored operands needs no decompression: four-bit products are added up within the
// groups and shifted once by the sum of both flags.
#pragma once

#include <cstdint>
#include <vector>

#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

/// Razored rows: groups run along the columns.
struct SdrMatrix {
  int group = 16;
  int base_bits = 8;
  Matrix<std::int8_t> codes;   // -8 .. 7
  Matrix<std::uint8_t> flags;  // rows x ceil(columns / group): dropped bits

  /// Codes shifted back to the base precision.
  MatrixI decode() const;
  /// Storage: four bits a value, and flag bits a group (3 for base 8, 4 for base 16).
  std::int64_t payload_bits() const { return 4 * codes.size(); }
  std::int64_t flag_bits() const { return (base_bits <= 8 ? 3 : 4) * flags.size(); }
};

/// values: within +-(2^(base_bits-1) - 1). Throws std::invalid_argument for values out of range, a base other
/// than 5 to 16 bits or a group below 1.
SdrMatrix razor(const MatrixI& values, int base_bits, int group);

/// a b^T from codes and flags alone; groups of both must be the same. Throws std::invalid_argument otherwise.
Matrix<std::int64_t> razored_product(const SdrMatrix& a, const SdrMatrix& b);

}  // namespace flare::arch
