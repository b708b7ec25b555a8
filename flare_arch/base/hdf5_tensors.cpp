// Tensors of an HDF5 file.
#include <H5Cpp.h>
#include <fmt/format.h>

#include <stdexcept>

#include "engine/base/file_error.hpp"
#include "engine/base/hdf5_io.hpp"
#include "flare_arch/base/safetensors.hpp"

namespace flare::arch {
namespace {

/// Element types as safetensors names them, and what HDF5 converts to on reading. Empty: no numbers.
struct ElementType {
  std::string name;
  const H5::PredType* memory = nullptr;
};

ElementType element_type(const H5::DataSet& set) {
  const std::size_t size = set.getDataType().getSize();
  switch (set.getTypeClass()) {
    case H5T_FLOAT:
      return size == 8 ? ElementType{"F64", &H5::PredType::NATIVE_DOUBLE}
                       : ElementType{"F32", &H5::PredType::NATIVE_FLOAT};
    case H5T_INTEGER:
      return {"I64", &H5::PredType::NATIVE_INT64};
    default:
      return {};
  }
}

std::vector<std::int64_t> shape_of(const H5::DataSet& set, const TensorLimits& limits) {
  const H5::DataSpace space = set.getSpace();
  const int rank = space.getSimpleExtentNdims();
  if (rank < 0 || static_cast<std::size_t>(rank) > limits.dimensions)
    throw std::runtime_error("too many dimensions");
  std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
  if (rank > 0) space.getSimpleExtentDims(extents.data());
  return {extents.begin(), extents.end()};
}

}  // namespace

TensorFile TensorFile::load_hdf5(const std::filesystem::path& path, const TensorLimits& limits) {
  TensorFile file;
  try {
    const H5::H5File source = engine::open_result(path);
    for (const std::string& name : engine::members(source, "/")) {
      if (source.childObjType(name) != H5O_TYPE_DATASET) continue;
      const H5::DataSet set = source.openDataSet(name);
      const ElementType type = element_type(set);
      if (type.memory == nullptr) continue;
      Tensor tensor{type.name, shape_of(set, limits), {}};
      const auto elements = static_cast<std::uint64_t>(tensor.elements());
      // What is not stored cannot be meant: an extent without bytes would be reserved for nothing.
      if (elements * type.memory->getSize() > limits.file_bytes || set.getStorageSize() * 1024 < elements)
        throw std::runtime_error(fmt::format("tensor '{}' is larger than the file", name.substr(0, 100)));
      const auto bytes = std::make_shared<std::vector<std::byte>>(elements * type.memory->getSize());
      set.read(bytes->data(), *type.memory);
      tensor.bytes = *bytes;
      file.tensors_.emplace(name, tensor);
      file.memory_.push_back(bytes);
    }
    return file;
  } catch (const engine::FileError&) {
    throw;
  } catch (const H5::Exception& e) {
    throw engine::FileError(path.string() + ": " + e.getDetailMsg());
  } catch (const std::runtime_error& e) {
    throw engine::FileError(path.string() + ": " + e.what());
  }
}

}  // namespace flare::arch
