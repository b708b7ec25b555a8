// One process at a time works on a result, whatever the file system knows of locks.
//
// flock keeps processes of one machine apart, and of several where the file system shares locks. Where it does not (or
// has none at all), a file beside the journal says who works here: host, process and batch job. Its owner renews its
// time every few seconds, so that one whose owner was killed on another machine can be told from one that is at work.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "engine/store/store_error.hpp"

namespace flare::engine {

/// A process as it stands in a lock file: one line of words. Words that are not known are "-".
struct LockOwner {
  std::string host = "-";
  std::string boot = "-";  // the running kernel and its name space of processes: the same on one machine only
  std::string process = "-";  // id and time of its start
  std::string job = "-";      // of a batch system
  int restart = 0;            // of that job

  static LockOwner self();
  static LockOwner parse(const std::string& line);
  std::string line() const;
  /// Whether a process of this machine is still there.
  bool alive() const;
  /// "process 123 on HOST, job 7".
  std::string words() const;
};

struct LockTimes {
  std::chrono::milliseconds beat{5'000};
  /// How long a lock file of another machine is watched before its owner counts as dead.
  std::chrono::milliseconds patience{20'000};
};

class StudyLock {
 public:
  /// Takes the lock file `path`. Throws InUse where somebody is at work, std::system_error where the file cannot be made.
  explicit StudyLock(std::filesystem::path path, LockTimes times = {});
  ~StudyLock();
  StudyLock(const StudyLock&) = delete;
  StudyLock& operator=(const StudyLock&) = delete;

  /// Another process has taken the lock over (this one was suspended for long, on a machine that it cannot see).
  bool lost() const { return lost_; }

 private:
  bool create();
  void replace_dead(const std::filesystem::path& path);
  bool still_ours() const;
  void keep(const std::stop_token& stop);

  std::filesystem::path path_;
  LockTimes times_;
  int file_ = -1;
  std::atomic<bool> lost_{false};
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread keeper_;
};

/// flock for this process alone. False where another holds it; true where it is taken, or the file system has none.
bool try_flock(int file);

}  // namespace flare::engine
