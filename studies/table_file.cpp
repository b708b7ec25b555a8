#include "studies/table_file.hpp"

#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <vector>

#include "studies/toml_section.hpp"

namespace flare::studies {

void check_place(const std::filesystem::path& out) {
  const std::filesystem::path folder = out.has_parent_path() ? out.parent_path() : ".";
  if (std::filesystem::is_directory(out)) throw StudyError(out.string() + ": is a folder; name a file");
  if (!std::filesystem::is_directory(folder)) {
    throw StudyError(folder.string() + ": no such folder; make it, or choose another place");
  }
  if (::access(folder.c_str(), W_OK) != 0) {
    throw StudyError(folder.string() + ": the folder cannot be written; choose another place");
  }
}

void write_table_file(const std::filesystem::path& out, const std::string& format,
                      const std::function<void(H5::H5File&)>& write) {
  const std::filesystem::path part = out.string() + ".part";
  std::vector<char> image;
  {
    H5::Exception::dontPrint();
    H5::FileAccPropList in_memory;
    in_memory.setCore(std::size_t{1} << 20, false);
    H5::H5File file(part.string(), H5F_ACC_TRUNC, H5::FileCreatPropList::DEFAULT, in_memory);
    engine::write_attribute(file, "/", "format", format);
    engine::write_attribute(file, "/", "flare_version", std::string(FLARE_VERSION));
    write(file);
    file.flush(H5F_SCOPE_GLOBAL);
    const ssize_t size = H5Fget_file_image(file.getId(), nullptr, 0);
    image.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    if (size <= 0 || H5Fget_file_image(file.getId(), image.data(), image.size()) != size) {
      throw std::runtime_error(out.string() + ": HDF5 gives no image of the file");
    }
  }
  std::ofstream stream(part, std::ios::binary);
  stream.write(image.data(), static_cast<std::streamsize>(image.size()));
  stream.close();
  if (!stream) {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    throw std::runtime_error(out.string() + ": cannot be written; is the disk full?");
  }
  std::filesystem::rename(part, out);
}

}  // namespace flare::studies
