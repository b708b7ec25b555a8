// Example studies that together reach every reader of a key.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace flare::studies {

/// Name and text of each.
std::vector<std::pair<std::string, std::string>> key_examples();

}  // namespace flare::studies
