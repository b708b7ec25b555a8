// `flare status`: how far a study is, and each of its parts.
#pragma once

#include <filesystem>
#include <vector>

namespace flare::studies {

/// A line for every result or part named, from what its file, or the program that is at it, says. Exit status 0 where
/// all are done, else 3.
int status_command(const std::vector<std::filesystem::path>& results);

}  // namespace flare::studies
