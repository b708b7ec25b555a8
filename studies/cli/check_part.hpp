// `flare check` on a manifest: what a part is, or why it does not fit.
#pragma once

#include <filesystem>

namespace flare::studies {

/// Whether `path` is a part: a folder with a manifest in it, or a manifest.
bool is_part(const std::filesystem::path& path);

/// Prints what the manifest says. Throws StudyError with file, line and remedy.
void check_part(const std::filesystem::path& path);

}  // namespace flare::studies
