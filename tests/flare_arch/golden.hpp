// Golden vectors made by golden/make_golden.py.
#pragma once

#include <filesystem>
#include <string>

#include "flare_arch/safetensors.hpp"

namespace flare::arch {

inline TensorFile golden(const std::string& name) {
  return TensorFile::load(std::filesystem::path(FLARE_SOURCE_DIR) / "tests/flare_arch/golden" /
                          (name + ".safetensors"));
}

inline MatrixI golden_integers(const TensorFile& file, const std::string& name) {
  return file.integers(name).cast<std::int32_t>();
}

}  // namespace flare::arch
