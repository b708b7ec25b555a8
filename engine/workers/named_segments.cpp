#include "engine/workers/named_segments.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace flare::engine {

namespace {

bool is_segment(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  return name.starts_with("vader_segment.") || name.starts_with("sm_segment.");
}

/// Of this process, each once.
std::vector<std::filesystem::path> mapped_segments() {
  std::vector<std::filesystem::path> found;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t begin = line.find('/');
    if (begin == std::string::npos) continue;
    const std::filesystem::path file = line.substr(begin);
    if (is_segment(file) && std::find(found.begin(), found.end(), file) == found.end()) found.push_back(file);
  }
  return found;
}

}  // namespace

NamedSegments::NamedSegments(int rank) {
  for (const std::filesystem::path& file : mapped_segments()) {
    if (!file.filename().string().ends_with(fmt::format(".{}", rank))) continue;
    // Some MPI may have done so itself.
    if (::unlink(file.c_str()) == 0) own_.push_back(file);
  }
}

void NamedSegments::restore_own() const {
  for (const std::filesystem::path& file : own_) {
    const int empty = ::open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (empty >= 0) ::close(empty);
  }
}

}  // namespace flare::engine
