// Files that appear whole or not at all, and only where nothing of somebody else's stands.
#pragma once

#include <filesystem>
#include <string_view>

namespace flare::engine {

/// To be asked before work that would be lost. Throws FileError where `out` cannot become a file: it is a folder, a link,
/// a pipe or a device, or its folder does not exist or cannot be written.
void check_output(const std::filesystem::path& out);

/// The name under which `out` is written before it is renamed: "OUT.part".
std::filesystem::path part_of_output(const std::filesystem::path& out);

/// Writes `bytes` to `path` and puts them on the disk. Follows no link, and replaces only what begins with the same
/// eight bytes (what an earlier attempt left). Throws FileError where something else is there, std::system_error
/// "path: cannot be written: reason" where the disk does not take it; nothing is left there then.
void write_whole(const std::filesystem::path& path, std::string_view bytes);

/// Puts `part` in the place of `out`, on the disk too. Throws std::system_error.
void rename_into_place(const std::filesystem::path& part, const std::filesystem::path& out);

/// write_whole of part_of_output(out), then rename_into_place.
void write_output(const std::filesystem::path& out, std::string_view bytes);

}  // namespace flare::engine
