// Files put together in memory and written whole: a disk that fills up meanwhile leaves nothing half-written.
#pragma once

#include <H5Cpp.h>

#include <filesystem>

namespace flare::engine {

/// A new, empty file in memory; `name` stands in messages only.
H5::H5File memory_file(const std::filesystem::path& name);

/// Writes the whole of an open file in memory to `path` and puts it on the disk. Throws std::system_error
/// "path: cannot be written: reason"; nothing is left there then.
void save_whole(const H5::H5File& file, const std::filesystem::path& path);

}  // namespace flare::engine
