#include "engine/store/study_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace flare::engine {

namespace {

constexpr int most_tries = 5;

std::string first_word_of(const char* file) {
  std::ifstream in(file);
  std::string word;
  return in >> word ? word : std::string("-");
}

/// Process id and the time of its start, in ticks since the machine's; empty where there is none.
std::string process_words(const std::string& id) {
  std::ifstream in("/proc/" + id + "/stat");
  std::string line;
  std::getline(in, line);
  const std::size_t name_end = line.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  std::string state;
  std::string word;
  fields >> state;
  for (int field = 4; field <= 22; ++field) fields >> word;
  return state == "Z" || state == "X" || !fields ? std::string() : fmt::format("{}:{}", id, word);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  const std::string text = value == nullptr ? "" : value;
  return text.empty() || text.find_first_of(" \t\n") != std::string::npos ? std::string("-") : text;
}

int whole_number(const std::string& text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// The first line of a lock file and when its owner renewed it last; nothing where it is gone.
struct Seen {
  bool there = false;
  std::string line;
  std::pair<long, long> renewed;
};

Seen look(const std::filesystem::path& path) {
  Seen seen;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return seen;
  struct stat about {};
  std::array<char, 1024> text{};
  const ssize_t n = ::fstat(file, &about) == 0 ? ::read(file, text.data(), text.size()) : -1;
  ::close(file);
  seen.there = true;
  seen.line = std::string(text.data(), static_cast<std::size_t>(n < 0 ? 0 : n));
  seen.renewed = {about.st_mtim.tv_sec, about.st_mtim.tv_nsec};
  return seen;
}

}  // namespace

LockOwner LockOwner::self() {
  LockOwner self;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0') self.host = host.data();
  std::error_code error;
  const std::string space = std::filesystem::read_symlink("/proc/self/ns/pid", error).string();
  self.boot = first_word_of("/proc/sys/kernel/random/boot_id") + (error ? "-" : space);
  self.process = process_words(std::to_string(::getpid()));
  if (self.process.empty()) self.process = fmt::format("{}:-", ::getpid());
  self.job = environment("SLURM_JOB_ID");
  self.restart = whole_number(environment("SLURM_RESTART_COUNT"));
  return self;
}

LockOwner LockOwner::parse(const std::string& line) {
  LockOwner owner;
  std::istringstream words(line);
  std::string format;
  words >> format >> owner.host >> owner.boot >> owner.process >> owner.job >> owner.restart;
  return format == "flare-lock/1" && words ? owner : LockOwner{};
}

std::string LockOwner::line() const {
  return fmt::format("flare-lock/1 {} {} {} {} {}\n", host, boot, process, job, restart);
}

bool LockOwner::alive() const { return process_words(process.substr(0, process.find(':'))) == process; }

std::string LockOwner::words() const {
  if (host == "-") return "another flare";
  return fmt::format("process {} on {}{}", process.substr(0, process.find(':')), host,
                     job == "-" ? "" : ", job " + job);
}

bool try_flock(int file) {
  while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    return errno != EWOULDBLOCK;
  }
  return true;
}

StudyLock::StudyLock(std::filesystem::path path, LockTimes times) : path_(std::move(path)), times_(times) {
  for (int tries = 0; !create(); ++tries) {
    if (tries == most_tries) throw InUse(path_.string() + ": others take this lock all the time");
    replace_dead(path_);
  }
  keeper_ = std::jthread([this](const std::stop_token& stop) { keep(stop); });
}

StudyLock::~StudyLock() {
  keeper_.request_stop();
  wake_.notify_all();
  if (keeper_.joinable()) keeper_.join();
  if (still_ours()) ::unlink(path_.c_str());
  ::close(file_);
}

bool StudyLock::create() {
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (file_ < 0 && errno == EEXIST) return false;
  if (file_ < 0) throw std::system_error(errno, std::generic_category(), path_.string());
  const std::string line = LockOwner::self().line();
  if (::write(file_, line.data(), line.size()) == static_cast<ssize_t>(line.size())) return true;
  const int reason = errno;
  ::unlink(path_.c_str());
  ::close(file_);
  throw std::system_error(reason, std::generic_category(), path_.string());
}

/// Returns once the lock file there is the work of nobody who lives; throws InUse otherwise.
void StudyLock::replace_dead(const std::filesystem::path& path) {
  const Seen first = look(path);
  if (!first.there) {
    std::error_code ignored;
    if (std::filesystem::symlink_status(path, ignored).type() == std::filesystem::file_type::symlink)
      throw InUse(path.string() + ": is a link; remove it");
    return;
  }
  const LockOwner owner = LockOwner::parse(first.line);
  const LockOwner self = LockOwner::self();
  const auto in_use = [&] {
    throw InUse(fmt::format("{}: {} is running this study; wait for it, or choose another -o", path.string(),
                            owner.words()));
  };
  const bool here = owner.boot == self.boot;
  if (here && owner.alive()) in_use();
  const bool requeued = owner.job != "-" && owner.job == self.job && owner.restart < self.restart;
  if (!here && !requeued) {
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < times_.patience) {
      std::this_thread::sleep_for(std::min(times_.beat, std::chrono::milliseconds(500)));
      const Seen now = look(path);
      if (!now.there) return;
      if (now.renewed != first.renewed || now.line != first.line) in_use();
    }
  }
  ::unlink(path.c_str());
}

bool StudyLock::still_ours() const {
  struct stat ours {};
  struct stat there {};
  return ::fstat(file_, &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
         ours.st_dev == there.st_dev;
}

void StudyLock::keep(const std::stop_token& stop) {
  std::unique_lock hold(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(hold, stop, times_.beat, [] { return false; });
    if (stop.stop_requested()) return;
    // An owner that was held up for long looks before it says that it lives.
    if (!still_ours()) lost_ = true;
    ::futimens(file_, nullptr);
  }
}

}  // namespace flare::engine
