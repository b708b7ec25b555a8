// TOML files from elsewhere: read whole, with a limit, and every error with its place.
#pragma once

#include <toml++/toml.h>
#include <filesystem>
#include <string>
#include <string_view>

namespace flare::studies {

/// The text of a file that should be TOML; `what` names it in errors ("a study"). Throws StudyError where it is not
/// there, cannot be read or is larger than 1 MiB.
std::string read_toml_text(const std::filesystem::path& file, std::string_view what);

/// Throws StudyError "file:line: not TOML: ...".
toml::table parse_toml(const std::string& text, const std::filesystem::path& file);

toml::table read_toml(const std::filesystem::path& file, std::string_view what);

}  // namespace flare::studies
