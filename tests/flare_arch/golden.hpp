// Golden vectors made by golden/make_golden.py.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "flare_arch/base/safetensors.hpp"

namespace flare::arch {

inline TensorFile golden(const std::string& name) {
  return TensorFile::load(std::filesystem::path(FLARE_SOURCE_DIR) / "tests/flare_arch/golden" /
                          (name + ".safetensors"));
}

inline MatrixI golden_integers(const TensorFile& file, const std::string& name) {
  return file.integers(name).cast<std::int32_t>();
}

/// FNV-1a of the eight bytes (little endian) of every value of a row: how long golden tensors are kept.
template <class T>
std::int64_t row_hash(const T* values, Eigen::Index count) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (Eigen::Index i = 0; i < count; ++i)
    for (int byte = 0; byte < 8; ++byte)
      h = (h ^ ((static_cast<std::uint64_t>(std::int64_t{values[i]}) >> (8 * byte)) & 0xff)) * 0x100000001b3u;
  return static_cast<std::int64_t>(h);
}

/// Hashes of the rows of a matrix.
template <class T>
Matrix<std::int64_t> row_hashes(const Matrix<T>& m) {
  Matrix<std::int64_t> hashes(1, m.rows());
  for (Eigen::Index r = 0; r < m.rows(); ++r) hashes(0, r) = row_hash(m.data() + r * m.cols(), m.cols());
  return hashes;
}

}  // namespace flare::arch
