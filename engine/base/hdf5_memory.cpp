#include "engine/base/hdf5_memory.hpp"

#include <sys/types.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "engine/base/output_file.hpp"

namespace flare::engine {

namespace {

constexpr std::size_t first_block = 48;  // the superblock of version 2 with its checksum

}  // namespace

H5::H5File memory_file(const std::filesystem::path& name) {
  H5::Exception::dontPrint();
  H5::FileAccPropList in_memory;
  in_memory.setCore(std::size_t{1} << 20, false);
  // Attributes above 64 KiB (the names of thousands of variables) need the object headers of HDF5 1.8.
  in_memory.setLibverBounds(H5F_LIBVER_V18, H5F_LIBVER_V18);
  return {name.string(), H5F_ACC_TRUNC, H5::FileCreatPropList::DEFAULT, in_memory};
}

void save_whole(const H5::H5File& file, const std::filesystem::path& path) {
  file.flush(H5F_SCOPE_GLOBAL);
  const ssize_t size = H5Fget_file_image(file.getId(), nullptr, 0);
  std::vector<char> image(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (size <= 0 || H5Fget_file_image(file.getId(), image.data(), image.size()) != size) {
    throw std::runtime_error(path.string() + ": HDF5 gives no image of the file");
  }
  // HDF5 1.10 clears a flag in the image's first block without renewing the checksum that stands behind it.
  void* memory = nullptr;
  if (image.size() < first_block || H5Fget_vfd_handle(file.getId(), H5P_DEFAULT, &memory) < 0 ||
      memory == nullptr)
    throw std::runtime_error(path.string() + ": HDF5 gives no image of the file");
  std::memcpy(image.data(), *static_cast<void**>(memory), first_block);
  write_whole(path, {image.data(), image.size()});
}

}  // namespace flare::engine
