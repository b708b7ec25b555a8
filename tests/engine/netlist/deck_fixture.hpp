// What the tests of decks share: files that go away, and what is wrong with a netlist.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/netlist/deck.hpp"

namespace flare::engine {

/// A folder of files that goes away.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "flare-deck-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path add(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// What parse_deck says is wrong with a netlist called a.cir; empty where it is fine.
inline std::string error_of(const std::string& text, const DeckOptions& options = {}) {
  try {
    parse_deck(text, "a.cir", options);
  } catch (const DeckError& error) {
    return error.what();
  }
  return {};
}

}  // namespace flare::engine
