// Reads safetensors files: an 8-byte header length, a JSON header, then the tensors' bytes.
// Format: https://github.com/huggingface/safetensors (public description of the layout).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

struct TensorLimits {
  std::uint64_t file_bytes = 4ull << 30;
  std::uint64_t header_bytes = 16u << 20;
  std::size_t tensors = 100'000;
  std::size_t dimensions = 8;
};

/// Of any element type: what a type means is asked by who reads the values.
struct Tensor {
  std::string dtype;  // "F32", "BF16", "BOOL", ...
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;  // little endian, row by row

  std::int64_t elements() const;
};

class TensorFile {
 public:
  /// load throws engine::FileError "file: what is wrong", parse std::runtime_error "what is wrong". Nothing is trusted: lengths, offsets and shapes are
  /// checked against the file before anything is reserved.
  static TensorFile load(const std::filesystem::path& file, const TensorLimits& limits = {});
  static TensorFile parse(std::span<const std::byte> bytes, const TensorLimits& limits = {});

  bool has(const std::string& name) const { return tensors_.count(name) != 0; }
  const Tensor& tensor(const std::string& name) const;
  std::vector<std::string> names() const;

  /// As matrices: one dimension becomes one row. floats() takes F32, F16 and BF16 exactly and rounds F64; integers()
  /// takes I64, I32 and U8. More than two dimensions, another element type or another
  /// shape than asked for (rows, columns; -1: any) throw std::runtime_error.
  MatrixF floats(const std::string& name, Eigen::Index rows = -1, Eigen::Index columns = -1) const;
  Matrix<std::int64_t> integers(const std::string& name, Eigen::Index rows = -1,
                                Eigen::Index columns = -1) const;
  VectorF vector(const std::string& name, Eigen::Index length) const;

 private:
  std::map<std::string, Tensor> tensors_;
};

}  // namespace flare::arch
