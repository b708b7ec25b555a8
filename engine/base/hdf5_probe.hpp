// Result files come from elsewhere, and the HDF5 library is known to crash on some that are damaged. So whoever opens one
// first lets child processes look at all of it.
#pragma once

#include <H5Cpp.h>

#include <filesystem>

namespace flare::engine {

/// Throws FileError where `file` is no plain file, where reading it ends or hangs the process that does or asks for more
/// memory than its size can account for, or where it reaches into other files (external, soft and user-defined links,
/// external storage, virtual datasets).
void probe_hdf5(const std::filesystem::path& file);

/// The part of it that comes first, before the library reads any text: whether these lie where the file says.
void probe_texts(const std::filesystem::path& file);

enum class Look { fine = 0, reaches_out = 3, claims_too_much = 4, damaged = 5 };

/// What the other child does: reads all of the file in every way that readers do, and crashes or hangs where the library does.
/// Takes no more memory than a file of its size can account for.
Look read_everything(const std::filesystem::path& file);

/// Opens for reading, without a probe and without locks. Throws FileError.
H5::H5File open_unprobed(const std::filesystem::path& file);

}  // namespace flare::engine
