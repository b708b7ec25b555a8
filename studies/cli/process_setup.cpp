#include "studies/cli/process_setup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "studies/cli/commands.hpp"

namespace flare::studies {

namespace {

using Clock = std::chrono::steady_clock;

// A batch system, a terminal or a shell may send several signals for one wish.
constexpr std::chrono::seconds one_wish{1};

constexpr int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU};

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void say_and_end() {
  constexpr char words[] =
      "flare: asked twice, ended at once; finished runs are in the journal, the same command goes on\n";
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, words, sizeof words - 1);
  std::_Exit(exit_unfinished);
}

}  // namespace

void prepare_process() {
  for (int file = STDIN_FILENO; file <= STDERR_FILENO; ++file) {
    // open() takes the lowest free descriptor: the one that is missing.
    if (::fcntl(file, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != file) std::_Exit(exit_failure);
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit of file sizes (ulimit -f) is a full disk
  constexpr mode_t owner_reads_and_writes = S_IRUSR | S_IWUSR | S_IXUSR;
  ::umask(::umask(0) & ~owner_reads_and_writes);
}

int finish_output(int status) {
  errno = 0;
  std::cout.flush();
  const bool good = std::fflush(stdout) == 0 && std::cout.good() && std::ferror(stdout) == 0;
  if (good || errno == EPIPE) return status;
  std::fputs("flare: the output could not be written where it was sent\n", stderr);
  return status == exit_done ? exit_failure : status;
}

SignalWatch::SignalWatch() {
  sigemptyset(&signals_);
  for (const int signal : stop_signals) {
    if (!is_ignored(signal)) sigaddset(&signals_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  watcher_ = std::jthread([this](const std::stop_token& done) { watch(done); });
}

void SignalWatch::watch(const std::stop_token& done) {
  const timespec wait{0, 100'000'000};
  Clock::time_point first{};
  while (!done.stop_requested()) {
    if (sigtimedwait(&signals_, nullptr, &wait) < 0) continue;
    if (!stop_.stop_requested()) {
      first = Clock::now();
      stop_.request_stop();
    } else if (Clock::now() - first > one_wish) {
      say_and_end();
    }
  }
}

}  // namespace flare::studies
