// JSON from elsewhere: objects of bounded size and depth.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace flare::arch {

/// The object in `text`, named `what` in errors: std::runtime_error for anything else. Nesting is bounded before the
/// parser sees it, which recurses when it frees a deep document.
nlohmann::json parse_json_object(std::string_view text, const char* what);

/// The object in a file of at most `most_bytes`. Throws engine::FileError "file: what is wrong".
nlohmann::json read_json_object(const std::filesystem::path& file, std::uint64_t most_bytes = 16u << 20);

}  // namespace flare::arch
