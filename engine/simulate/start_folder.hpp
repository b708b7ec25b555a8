// The folder in which ngspice starts and works: one that holds its two initialisation files, with nothing in them, and
// links to /dev/null under the names of the logs that device models write where they stand. Made by the build, beside
// the program; nothing is ever written to it, so that a simulator that is killed leaves nothing anywhere.
#pragma once

#include <filesystem>

namespace flare::engine {

/// "flare_ngspice" beside this program. Throws std::runtime_error where it is missing.
std::filesystem::path start_folder();

/// Makes a folder the working one, and goes back to where it was, even if that has no name any more.
class WorkingFolder {
 public:
  explicit WorkingFolder(const std::filesystem::path& folder);
  ~WorkingFolder();
  WorkingFolder(const WorkingFolder&) = delete;
  WorkingFolder& operator=(const WorkingFolder&) = delete;

 private:
  int before_ = -1;
};

}  // namespace flare::engine
