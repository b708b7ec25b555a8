// Progress for a person: a bar with the time left on a terminal, a plain line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>

namespace flare::studies {

/// Its functions may be called from several threads.
class Progress {
 public:
  explicit Progress(std::FILE* out);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Says it to others too, every few seconds, in a file that is there as long as this (status_file.hpp).
  void also_to(std::filesystem::path file);

  /// Starts a stage; the time left is told from its own pace.
  void stage(const std::string& name);
  /// `fraction` of the stage is done, `count` says it in words ("1,200 of 4,000 runs").
  void update(double fraction, const std::string& count);
  /// Ends the stage with a line that stays.
  void finish(const std::string& summary);
  /// What a user should know, between stages.
  void note(const std::string& text);

 private:
  using Clock = std::chrono::steady_clock;
  void clear_line();
  void tell_others(double fraction, const std::string& count, double seconds_left);

  std::mutex mutex_;
  std::FILE* out_;
  bool terminal_ = false;
  std::filesystem::path file_;  // empty: none
  Clock::time_point told_;
  std::string name_;
  Clock::time_point started_;
  Clock::time_point shown_;
  double first_fraction_ = -1.0;  // done when the stage began: not part of the pace
  bool line_open_ = false;
};

/// "1:23", "2:03:04".
std::string format_duration(double seconds);

}  // namespace flare::studies
