#include "engine/base/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "engine/base/file_error.hpp"

namespace flare::engine {

namespace {

constexpr std::size_t mark_bytes = 8;  // as long as the mark by which an HDF5 file is known

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

/// What `path` is besides a plain file; null where it is one, or nothing.
const char* odd_kind(const std::filesystem::path& path) {
  struct stat about {};
  if (::lstat(path.c_str(), &about) != 0 || S_ISREG(about.st_mode)) return nullptr;
  if (S_ISDIR(about.st_mode)) return "a folder; name a file";
  if (S_ISLNK(about.st_mode)) return "a link, which would be replaced; name the file it points to";
  return "a pipe or a device; name a file";
}

bool may_replace(int file, std::string_view bytes) {
  std::array<char, mark_bytes> there{};
  const ssize_t n = ::pread(file, there.data(), there.size(), 0);
  return n >= 0 && bytes.substr(0, static_cast<std::size_t>(n)) ==
                       std::string_view(there.data(), static_cast<std::size_t>(n));
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::fsync(file) == 0;
}

[[noreturn]] void fail(const std::filesystem::path& path, int reason) {
  throw std::system_error(reason, std::generic_category(), path.string() + ": cannot be written");
}

}  // namespace

void check_output(const std::filesystem::path& out) {
  if (const char* kind = odd_kind(out)) throw FileError(fmt::format("{}: is {}", out.string(), kind));
  const std::filesystem::path folder = folder_of(out);
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored))
    throw FileError(folder.string() + ": no such folder; make it, or choose another place with -o");
  if (::access(folder.c_str(), W_OK) != 0)
    throw FileError(folder.string() + ": the folder cannot be written; choose another place with -o");
  if (const char* kind = odd_kind(part_of_output(out)))
    throw FileError(fmt::format("{}: is {}", part_of_output(out).string(), kind));
}

std::filesystem::path part_of_output(const std::filesystem::path& out) {
  return std::filesystem::path(out.string() + ".part");
}

void write_whole(const std::filesystem::path& path, std::string_view bytes) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (file < 0) {
    const int reason = errno;
    if (const char* kind = odd_kind(path)) throw FileError(fmt::format("{}: is {}", path.string(), kind));
    fail(path, reason);
  }
  struct stat about {};
  if (::fstat(file, &about) != 0 || !S_ISREG(about.st_mode) || !may_replace(file, bytes)) {
    ::close(file);
    throw FileError(path.string() +
                    ": is not a file of this program; move it away, or choose another place with -o");
  }
  const bool whole = ::ftruncate(file, 0) == 0 && write_all(file, bytes);
  const int reason = errno;
  ::close(file);
  if (whole) return;
  ::unlink(path.c_str());
  fail(path, reason);
}

void rename_into_place(const std::filesystem::path& part, const std::filesystem::path& out) {
  if (::rename(part.c_str(), out.c_str()) != 0) fail(out, errno);
  const int folder = ::open(folder_of(out).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);  // where folders cannot be synchronised there is nothing more to do
  ::close(folder);
}

void write_output(const std::filesystem::path& out, std::string_view bytes) {
  const std::filesystem::path part = part_of_output(out);
  write_whole(part, bytes);
  rename_into_place(part, out);
}

}  // namespace flare::engine
