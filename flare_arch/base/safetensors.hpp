// Reads safetensors files: an 8-byte header length, a JSON header, then the tensors' bytes.
// Format: https://github.com/huggingface/safetensors (public description of the layout).
//
// Files are mapped, not read: a tensor takes memory when somebody asks for its values, and no longer than he keeps them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

struct TensorLimits {
  std::uint64_t file_bytes = 1ull << 40;
  std::uint64_t header_bytes = 16u << 20;
  std::size_t tensors = 100'000;
  std::size_t dimensions = 8;
  std::size_t shards = 1'000;
};

/// Of any element type: what a type means is asked by who reads the values.
struct Tensor {
  std::string dtype;  // "F32", "BF16", "BOOL", ...
  std::vector<std::int64_t> shape;
  std::span<const std::byte>
      bytes;  // little endian, row by row; alive as long as its TensorFile or a copy of it

  std::int64_t elements() const;
};

class TensorFile {
 public:
  /// load throws engine::FileError "file: what is wrong", parse std::runtime_error "what is wrong". Nothing is trusted:
  /// lengths, offsets and shapes are checked against the file before anything is reserved. parse keeps a copy.
  static TensorFile load(const std::filesystem::path& file, const TensorLimits& limits = {});
  static TensorFile parse(std::span<const std::byte> bytes, const TensorLimits& limits = {});
  /// The data sets of an HDF5 file's root, as tensors of the same names; texts, groups and tables are left out. Reads them
  /// into memory. Throws engine::FileError.
  static TensorFile load_hdf5(const std::filesystem::path& file, const TensorLimits& limits = {});
  /// All tensors of a model's shards: `index` is a *.safetensors.index.json, whose "weight_map" gives each tensor's file
  /// beside it. Throws engine::FileError for a shard elsewhere, a tensor that its shard does not hold, or one that
  /// only a shard holds.
  static TensorFile load_shards(const std::filesystem::path& index, const TensorLimits& limits = {});

  bool has(const std::string& name) const { return tensors_.count(name) != 0; }
  const Tensor& tensor(const std::string& name) const;
  std::vector<std::string> names() const;

  /// As matrices: one dimension becomes one row, and of more than two those of extent 1 are left out. floats() takes F32, F16 and BF16 exactly and rounds F64; integers()
  /// takes I64, I32 and U8. More than two dimensions, another element type or another
  /// shape than asked for (rows, columns; -1: any) throw std::runtime_error.
  MatrixF floats(const std::string& name, Eigen::Index rows = -1, Eigen::Index columns = -1) const;
  /// All dimensions but the first as one: rows of a kernel.
  MatrixF flattened(const std::string& name) const;
  /// One row of that, read from where the file lies.
  VectorF flattened_row(const std::string& name, Eigen::Index row) const;
  Matrix<std::int64_t> integers(const std::string& name, Eigen::Index rows = -1,
                                Eigen::Index columns = -1) const;
  VectorF vector(const std::string& name, Eigen::Index length) const;

 private:
  void add_tensors(std::span<const std::byte> bytes, const TensorLimits& limits);

  std::map<std::string, Tensor> tensors_;
  std::vector<std::shared_ptr<const void>> memory_;  // what the tensors' bytes lie in
};

}  // namespace flare::arch
