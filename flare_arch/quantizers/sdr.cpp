#include "flare_arch/quantizers/sdr.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <stdexcept>

namespace flare::arch {
namespace {

constexpr int magnitude_bits = 3;

std::uint32_t round_half_even(std::uint32_t value, int shift) {
  if (shift == 0) return value;
  const std::uint32_t kept = value >> shift, rest = value & ((1u << shift) - 1), half = 1u << (shift - 1);
  return kept + (rest > half || (rest == half && (kept & 1) != 0) ? 1 : 0);
}

std::int8_t razor_value(std::int32_t value, int dropped) {
  const int v = static_cast<int>(round_half_even(static_cast<std::uint32_t>(std::abs(value)), dropped));
  return static_cast<std::int8_t>(value < 0 ? -v : std::min(v, (1 << magnitude_bits) - 1));
}

}  // namespace

SdrMatrix razor(const MatrixI& values, int base_bits, int group) {
  if (base_bits < 5 || base_bits > 16)
    throw std::invalid_argument("razoring: a base of 5 to 16 bits is supported");
  if (group < 1) throw std::invalid_argument("razoring: groups hold at least one value");
  const std::int32_t top = (1 << (base_bits - 1)) - 1;
  SdrMatrix s;
  s.group = group;
  s.base_bits = base_bits;
  s.codes.resize(values.rows(), values.cols());
  s.flags.resize(values.rows(), (values.cols() + group - 1) / group);
  for (Eigen::Index row = 0; row < values.rows(); ++row)
    for (Eigen::Index g = 0; g < s.flags.cols(); ++g) {
      const Eigen::Index begin = g * group, end = std::min<Eigen::Index>(values.cols(), begin + group);
      std::uint32_t any = 0;
      for (Eigen::Index c = begin; c < end; ++c) {
        if (values(row, c) > top || values(row, c) < -top)
          throw std::invalid_argument("razoring: a value does not fit the base precision");
        any |= static_cast<std::uint32_t>(std::abs(values(row, c)));
      }
      const int dropped = std::max(0, static_cast<int>(std::bit_width(any)) - magnitude_bits);
      s.flags(row, g) = static_cast<std::uint8_t>(dropped);
      for (Eigen::Index c = begin; c < end; ++c) s.codes(row, c) = razor_value(values(row, c), dropped);
    }
  return s;
}

MatrixI SdrMatrix::decode() const {
  MatrixI values(codes.rows(), codes.cols());
  for (Eigen::Index row = 0; row < codes.rows(); ++row)
    for (Eigen::Index c = 0; c < codes.cols(); ++c)
      values(row, c) = static_cast<std::int32_t>(codes(row, c)) * (1 << flags(row, c / group));
  return values;
}

Matrix<std::int64_t> razored_product(const SdrMatrix& a, const SdrMatrix& b) {
  if (a.codes.cols() != b.codes.cols() || a.group != b.group)
    throw std::invalid_argument("razored product: operands of different depth or groups");
  Matrix<std::int64_t> result = Matrix<std::int64_t>::Zero(a.codes.rows(), b.codes.rows());
  for (Eigen::Index i = 0; i < a.codes.rows(); ++i)
    for (Eigen::Index j = 0; j < b.codes.rows(); ++j)
      for (Eigen::Index g = 0; g < a.flags.cols(); ++g) {
        const Eigen::Index end = std::min<Eigen::Index>(a.codes.cols(), (g + 1) * a.group);
        std::int32_t sum = 0;  // 8 + log2(g) bits
        for (Eigen::Index c = g * a.group; c < end; ++c) sum += a.codes(i, c) * b.codes(j, c);
        result(i, j) += static_cast<std::int64_t>(sum) * (std::int64_t{1} << (a.flags(i, g) + b.flags(j, g)));
      }
  return result;
}

}  // namespace flare::arch
