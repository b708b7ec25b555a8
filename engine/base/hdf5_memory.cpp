#include "engine/base/hdf5_memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace flare::engine {

H5::H5File memory_file(const std::filesystem::path& name) {
  H5::Exception::dontPrint();
  H5::FileAccPropList in_memory;
  in_memory.setCore(std::size_t{1} << 20, false);
  return {name.string(), H5F_ACC_TRUNC, H5::FileCreatPropList::DEFAULT, in_memory};
}

void save_whole(const H5::H5File& file, const std::filesystem::path& path) {
  file.flush(H5F_SCOPE_GLOBAL);
  const ssize_t size = H5Fget_file_image(file.getId(), nullptr, 0);
  std::vector<char> image(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (size <= 0 || H5Fget_file_image(file.getId(), image.data(), image.size()) != size) {
    throw std::runtime_error(path.string() + ": HDF5 gives no image of the file");
  }
  const int out = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  std::size_t written = 0;
  while (out >= 0 && written < image.size()) {
    const ssize_t n = ::write(out, image.data() + written, image.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    written += static_cast<std::size_t>(n);
  }
  const bool whole = out >= 0 && written == image.size() && ::fsync(out) == 0;
  const int reason = errno;
  if (out >= 0) ::close(out);
  if (whole) return;
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  throw std::system_error(reason, std::generic_category(), path.string() + ": cannot be written");
}

}  // namespace flare::engine
