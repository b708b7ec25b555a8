#include "studies/run/table_file.hpp"

#include <unistd.h>

#include "engine/base/hdf5_memory.hpp"
#include "studies/toml/toml_section.hpp"

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
  H5::H5File file = engine::memory_file(part);
  engine::write_attribute(file, "/", "format", format);
  engine::write_attribute(file, "/", "flare_version", std::string(FLARE_VERSION));
  write(file);
  engine::save_whole(file, part);
  std::filesystem::rename(part, out);
}

}  // namespace flare::studies
