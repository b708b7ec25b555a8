#include "engine/store/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/crc.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include "engine/base/file_error.hpp"

namespace flare::engine {

namespace {

// Records of [u32 length][u32 crc-32 of the payload][payload], all as in memory: the byte order is part of the machine.
// The first is the header: 'H', the format, u64 study, u64 mathematics, the study's file.
constexpr std::string_view header_mark = "Hflare-journal/";
constexpr std::string_view header_format = "Hflare-journal/2";
constexpr std::uint32_t max_record = 1u << 24;
constexpr std::size_t head_bytes = 2 * sizeof(std::uint32_t);

std::uint32_t crc(std::string_view payload) {
  boost::crc_32_type sum;
  sum.process_bytes(payload.data(), payload.size());
  return sum.checksum();
}

template <typename T>
void put_number(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string record_of(std::string_view payload) {
  std::string record;
  put_number(record, static_cast<std::uint32_t>(payload.size()));
  put_number(record, crc(payload));
  return record.append(payload);
}

std::string header_of(const JournalOwner& owner) {
  std::string header(header_format);
  put_number(header, owner.study);
  put_number(header, owner.mathematics);
  return header + owner.file;
}

JournalOwner owner_in(std::string_view header) {
  header.remove_prefix(header_format.size());
  JournalOwner owner;
  if (header.size() < 2 * sizeof(std::uint64_t)) return owner;
  std::memcpy(&owner.study, header.data(), sizeof owner.study);
  std::memcpy(&owner.mathematics, header.data() + sizeof owner.study, sizeof owner.mathematics);
  owner.file = header.substr(2 * sizeof(std::uint64_t));
  return owner;
}

/// Whole records of a file from its beginning, read piece by piece.
class RecordReader {
 public:
  explicit RecordReader(int file) : file_(file) {}

  /// Null at the first that is not whole.
  const std::string* next() {
    std::array<std::uint32_t, 2> head{};
    if (!read(reinterpret_cast<char*>(head.data()), head_bytes)) return nullptr;
    if (head[0] == 0 || head[0] > max_record) return nullptr;
    payload_.resize(head[0]);
    return read(payload_.data(), payload_.size()) && crc(payload_) == head[1] ? &payload_ : nullptr;
  }

 private:
  bool read(char* out, std::size_t n) {
    while (n > 0) {
      if (start_ == end_ && !fill()) return false;
      const std::size_t taken = std::min(n, end_ - start_);
      std::memcpy(out, buffer_.data() + start_, taken);
      start_ += taken;
      out += taken;
      n -= taken;
    }
    return true;
  }
  bool fill() {
    ssize_t got = 0;
    do {
      got = ::pread(file_, buffer_.data(), buffer_.size(), static_cast<off_t>(offset_));
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return false;
    offset_ += static_cast<std::size_t>(got);
    start_ = 0;
    end_ = static_cast<std::size_t>(got);
    return true;
  }

  int file_;
  std::vector<char> buffer_ = std::vector<char>(std::size_t{1} << 16);
  std::size_t offset_ = 0;
  std::size_t start_ = 0;
  std::size_t end_ = 0;
  std::string payload_;
};

/// What stands where a header should, as far as it matters.
enum class Start { nothing, header, damaged, foreign };

Start start_of(int file, const JournalOwner& owner) {
  std::array<char, 4096> bytes{};
  const ssize_t n = ::pread(file, bytes.data(), bytes.size(), 0);
  const std::string_view there(bytes.data(), static_cast<std::size_t>(n < 0 ? 0 : n));
  if (there.empty()) return Start::nothing;
  const std::string ours = record_of(header_of(owner));
  if (there.size() < ours.size() && ours.starts_with(there)) return Start::nothing;  // torn while it was made
  const std::string_view payload = there.substr(std::min(there.size(), head_bytes));
  if (!payload.starts_with(header_mark)) return Start::foreign;
  return payload.starts_with(header_format) ? Start::header : Start::damaged;
}

bool same_file(int file, const std::filesystem::path& path) {
  struct stat ours {};
  struct stat there {};
  return ::fstat(file, &ours) == 0 && ::lstat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
         ours.st_dev == there.st_dev;
}

}  // namespace

Journal::Journal(const std::filesystem::path& path, const JournalOwner& owner, Existing existing,
                 const OnRecord& on_record)
    : path_(path) {
  try {
    open();
    load(owner, existing, on_record);
  } catch (...) {
    close();
    throw;
  }
}

Journal::~Journal() {
  if (file_ >= 0 && records_ == 0 && !lock_->lost() && same_file(file_, path_)) ::unlink(path_.c_str());
  close();
}

void Journal::close() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
  lock_.reset();
}

void Journal::open() {
  constexpr int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  for (bool ours = false; !ours; ours = same_file(file_, path_)) {
    if (file_ >= 0) ::close(file_);  // it was finished and deleted meanwhile
    file_ = ::open(path_.c_str(), flags, 0666);
    if (file_ < 0 && errno == ELOOP) throw FileError(path_.string() + ": is a link; remove it");
    if (file_ < 0) {
      throw StoreError(fmt::format("{}: cannot be written ({}); choose another place with -o", path_.string(),
                                   std::strerror(errno)));
    }
    struct stat about {};
    if (::fstat(file_, &about) != 0 || !S_ISREG(about.st_mode))
      throw FileError(path_.string() + ": is not a journal of this program; move it away");
    if (!try_flock(file_))
      throw InUse(path_.string() +
                  ": another flare is running this study; wait for it, or choose another -o");
  }
  try {
    lock_.emplace(path_.string() + ".lock");
  } catch (const std::system_error& e) {
    struct stat about {};
    if (::fstat(file_, &about) == 0 && about.st_size == 0) ::unlink(path_.c_str());
    throw StoreError(fmt::format("{}: cannot be written ({}); choose another place with -o", path_.string(),
                                 e.code().message()));
  }
}

void Journal::load(const JournalOwner& owner, Existing existing, const OnRecord& on_record) {
  const Start start = start_of(file_, owner);
  if (start == Start::foreign)
    throw FileError(path_.string() + ": is not a journal of this program; move it away");
  if (start == Start::nothing) return begin(owner);
  RecordReader reader(file_);
  const std::string* header = start == Start::header ? reader.next() : nullptr;
  if (header == nullptr) {
    if (existing == Existing::drop) return begin(owner);
    throw FileError(path_.string() +
                    ": is damaged at its beginning, or of another version; use --fresh to drop it");
  }
  const JournalOwner there = owner_in(*header);
  const bool ours = there.study == owner.study || (!owner.file.empty() && there.file == owner.file);
  if (existing == Existing::drop && ours) return begin(owner);
  if (existing == Existing::drop || there.study != owner.study) {
    throw FileError(
        fmt::format("{}: holds the unfinished run of another study{}; finish that one, {}choose "
                    "another -o",
                    path_.string(), there.file.empty() ? "" : " (" + there.file + ")",
                    ours ? "use --fresh to drop it, or " : "move it away, or "));
  }
  if (there.mathematics != owner.mathematics) {
    throw FileError(path_.string() +
                    ": was begun on a machine whose mathematics library gives other bits; go on there, or "
                    "use --fresh to begin anew here");
  }
  bytes_ = head_bytes + header->size();
  while (const std::string* payload = reader.next()) {
    if (!on_record(*payload)) break;
    bytes_ += head_bytes + payload->size();
    ++records_;
  }
  cut(bytes_);  // what follows was being written when the process died
}

void Journal::begin(const JournalOwner& owner) {
  cut(0);
  put(header_of(owner));
}

void Journal::cut(std::uint64_t bytes) {
  if (::ftruncate(file_, static_cast<off_t>(bytes)) == 0 && ::lseek(file_, 0, SEEK_END) >= 0) return;
  throw StoreError(fmt::format("{}: cannot be written ({})", path_.string(), std::strerror(errno)));
}

void Journal::put(std::string_view payload) {
  const std::string record = record_of(payload);
  std::size_t written = 0;
  while (written < record.size()) {
    const ssize_t n = ::write(file_, record.data() + written, record.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int reason = errno;
      // Leave whole records only.
      if (::ftruncate(file_, static_cast<off_t>(bytes_)) == 0) ::lseek(file_, 0, SEEK_END);
      throw StoreError(
          fmt::format("{}: cannot be written ({}); all runs made so far are kept there: make room and "
                      "run the same command again",
                      path_.string(), std::strerror(reason)));
    }
    written += static_cast<std::size_t>(n);
  }
  bytes_ += record.size();
}

void Journal::append(std::string_view payload) {
  if (file_ < 0) return;
  if (lock_->lost())
    throw InUse(path_.string() + ": another flare has taken over while this one did not answer");
  put(payload);
  ++records_;
}

void Journal::sync() {
  if (file_ >= 0) ::fdatasync(file_);
}

void Journal::discard() {
  if (file_ < 0) return;
  if (!lock_->lost() && same_file(file_, path_)) ::unlink(path_.c_str());
  close();
}

}  // namespace flare::engine
