#include "engine/workers/named_segments.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
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

constexpr int open_folder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::string folder_prefix() { return fmt::format("flare_ranks.{}.", ::geteuid()); }

/// The segments in it, then the folder itself: anything else in there is not ours to delete, and keeps it.
void remove_folder(const std::filesystem::path& folder) {
  std::error_code failed;
  std::vector<std::filesystem::path> segments;
  for (std::filesystem::directory_iterator i(folder, failed), end; !failed && i != end; i.increment(failed)) {
    if (is_segment(i->path())) segments.push_back(i->path());
  }
  for (const std::filesystem::path& segment : segments) ::unlink(segment.c_str());
  ::rmdir(folder.c_str());
}

/// Of `root`: folders of processes that are gone.
void clear_leftovers(const std::filesystem::path& root) {
  std::error_code failed;
  std::vector<std::filesystem::path> found;
  for (std::filesystem::directory_iterator i(root, failed), end; !failed && i != end; i.increment(failed)) {
    if (i->path().filename().string().starts_with(folder_prefix())) found.push_back(i->path());
  }
  for (const std::filesystem::path& folder : found) {
    const int lock = ::open(folder.c_str(), open_folder);
    if (lock < 0) continue;
    struct stat status {};
    const bool own = ::fstat(lock, &status) == 0 && status.st_uid == ::geteuid();
    if (own && ::flock(lock, LOCK_EX | LOCK_NB) == 0) remove_folder(folder);
    ::close(lock);
  }
}

}  // namespace

SegmentFolder::SegmentFolder(const std::filesystem::path& root) {
  clear_leftovers(root);
  // Open MPI up to 4, and from 5 on.
  const std::vector<std::string> variables{"OMPI_MCA_btl_vader_backing_directory",
                                           "OMPI_MCA_btl_sm_backing_directory"};
  for (const std::string& variable : variables) {
    if (std::getenv(variable.c_str()) != nullptr) return;
  }
  constexpr int tries = 10;  // another that begins may take a new folder for one that was left
  for (int i = 0; i < tries && path_.empty(); ++i) {
    std::string name = (root / (folder_prefix() + "XXXXXX")).string();
    if (::mkdtemp(name.data()) == nullptr) return;
    path_ = name;
    if (hold()) break;
    ::rmdir(path_.c_str());
    path_.clear();
  }
  if (path_.empty()) return;
  for (const std::string& variable : variables) ::setenv(variable.c_str(), path_.c_str(), 1);
  told_ = variables;
}

SegmentFolder::~SegmentFolder() { remove(); }

/// Locks the folder; false where it was cleared before.
bool SegmentFolder::hold() {
  lock_ = ::open(path_.c_str(), open_folder);
  if (lock_ < 0) return false;
  struct stat held {};
  struct stat named {};
  if (::flock(lock_, LOCK_EX) == 0 && ::fstat(lock_, &held) == 0 && ::lstat(path_.c_str(), &named) == 0 &&
      held.st_dev == named.st_dev && held.st_ino == named.st_ino)
    return true;
  ::close(lock_);
  lock_ = -1;
  return false;
}

void SegmentFolder::remove() {
  // Programs that this one starts need not know.
  for (const std::string& variable : told_) ::unsetenv(variable.c_str());
  told_.clear();
  if (lock_ < 0) return;
  remove_folder(path_);
  ::close(lock_);
  lock_ = -1;
}

void SegmentFolder::restore() {
  if (path_.empty() || lock_ >= 0) return;
  // Where one that begins clears it again, MPI complains at its end, and that is all.
  if (::mkdir(path_.c_str(), S_IRWXU) == 0) hold();
}

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
