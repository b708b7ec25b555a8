// The reference of every key that may stand in a study, as Markdown. Type, unit, choices, range and default are what the
// readers ask for, recorded while they read example studies that reach every branch; only the one line of meaning is written
// beside it, and a test holds the two sets of keys, and the keys named in the sources, to each other.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "studies/toml/key_log.hpp"

namespace flare::studies {

struct KeyDescription {
  std::string_view table;  // as in KeyLog
  std::string_view key;
  std::string_view meaning;
  /// Instead of the recorded default, where that follows from other keys; "{}" stands for the engine's own.
  std::string_view otherwise = {};
};

/// In the order of the reference.
std::span<const KeyDescription> key_descriptions();

/// What the readers ask of the example studies.
KeyLog keys_read();

/// The page studies/KEYS.md. Throws std::out_of_range for a description that no reader asks for.
std::string key_reference();

}  // namespace flare::studies
