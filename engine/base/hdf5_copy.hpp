// What one HDF5 file holds, copied into another.
#pragma once

#include <H5Cpp.h>

#include <string>

namespace flare::engine {

/// Everything below the root of `from` to below `path` of `to` ("" or "/a/b"), with all attributes but those of the root.
/// Throws FileError.
void copy_members(const H5::H5File& from, H5::H5File& to, const std::string& path);

}  // namespace flare::engine
