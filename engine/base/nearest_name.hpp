// "Did you mean": the known name that a misspelt one is nearest to.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace flare::engine {

/// Edits (insertions, deletions, exchanges of one character) that turn `a` into `b`: Levenshtein's distance.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name of `known` nearest to `name`, the first of several; empty where none is within a third of its
/// length (at least 2 edits).
std::string nearest_name(std::string_view name, std::span<const std::string> known);

}  // namespace flare::engine
