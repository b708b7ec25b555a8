#include "studies/run/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "studies/run/status_file.hpp"

namespace flare::studies {

namespace {

/// A reader that has gone away (a closed pipe, a full disk) is no reason to end a study.
template <typename... Values>
void say(std::FILE* out, fmt::format_string<Values...> text, Values&&... values) {
  std::fputs(fmt::format(text, std::forward<Values>(values)...).c_str(), out);
}

}  // namespace

std::string format_duration(double seconds) {
  const auto s = static_cast<long>(std::ceil(std::max(0.0, seconds)));
  return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                  : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

Progress::Progress(std::FILE* out) : out_(out), terminal_(::isatty(::fileno(out)) == 1) {}

Progress::~Progress() {
  clear_line();
  if (!file_.empty()) remove_status(file_);
}

void Progress::also_to(std::filesystem::path file) {
  const std::lock_guard lock(mutex_);
  file_ = std::move(file);
}

void Progress::tell_others(double fraction, const std::string& count, double seconds_left) {
  constexpr double every = 5.0;  // s
  const Clock::time_point now = Clock::now();
  if (file_.empty() || std::chrono::duration<double>(now - told_).count() < every) return;
  told_ = now;
  write_status(file_, {{}, 0, name_, count, fraction, seconds_left});
}

void Progress::clear_line() {
  if (line_open_) say(out_, "\r\033[K");
  line_open_ = false;
  std::fflush(out_);
}

void Progress::stage(const std::string& name) {
  const std::lock_guard lock(mutex_);
  clear_line();
  name_ = name;
  started_ = Clock::now();
  shown_ = started_;
  first_fraction_ = -1.0;
  told_ = {};
  tell_others(0.0, "begun", -1.0);
}

void Progress::update(double fraction, const std::string& count) {
  const std::lock_guard lock(mutex_);
  const Clock::time_point now = Clock::now();
  if (first_fraction_ < 0.0) first_fraction_ = fraction;
  const double elapsed = std::chrono::duration<double>(now - started_).count();
  const double pace = (fraction - first_fraction_) / elapsed;
  tell_others(fraction, count, pace > 0.0 ? (1.0 - fraction) / pace : -1.0);
  const double since = std::chrono::duration<double>(now - shown_).count();
  if (since < (terminal_ ? 0.2 : 15.0)) return;
  shown_ = now;
  const std::string eta = pace > 0.0 ? "ETA " + format_duration((1.0 - fraction) / pace) : "";
  if (terminal_) {
    constexpr int width = 24;
    const int filled = std::clamp(static_cast<int>(fraction * width), 0, width);
    say(out_, "\r\033[K{} [{}{}] {:3.0f} %  {}  {}", name_,
        std::string(static_cast<std::size_t>(filled), '='),
        std::string(static_cast<std::size_t>(width - filled), ' '), 100.0 * fraction, count, eta);
    line_open_ = true;
  } else {
    say(out_, "{}: {:.0f} %  {}  {}\n", name_, 100.0 * fraction, count, eta);
  }
  std::fflush(out_);
}

void Progress::note(const std::string& text) {
  const std::lock_guard lock(mutex_);
  clear_line();
  say(out_, "note: {}\n", text);
  std::fflush(out_);
}

void Progress::finish(const std::string& summary) {
  const std::lock_guard lock(mutex_);
  clear_line();
  const double elapsed = std::chrono::duration<double>(Clock::now() - started_).count();
  say(out_, "{}: {}  ({})\n", name_, summary, format_duration(elapsed));
  std::fflush(out_);
}

}  // namespace flare::studies
