// Files of a test, and what a refusal says.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>

namespace flare::engine::testing {

/// A name in the build tree that no other process uses.
inline std::filesystem::path scratch(const std::string& name) {
  const auto folder = std::filesystem::path(FLARE_BINARY_DIR) / "scratch";
  std::filesystem::create_directories(folder);
  return folder / (std::to_string(::getpid()) + "_" + name);
}

inline std::string message_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "(nothing thrown)";
}

}  // namespace flare::engine::testing
