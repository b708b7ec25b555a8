// What every program that another one starts does first.
#pragma once

#include <string_view>

namespace flare::engine {

/// Where the other end of its socket is.
inline constexpr int parent_socket = 3;

/// Such a program outlives neither the process that started it, whose number `parent` is, nor its own usefulness, and leaves
/// no core files. False where that process is not there any more.
bool tie_to_parent(std::string_view parent);

}  // namespace flare::engine
