#include "engine/workers/worker_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace flare::engine {

namespace {

// How long a worker whose socket is closed may take to end.
constexpr int burial_milliseconds = 2000;

Death death_of(int status) {
  if (WIFEXITED(status)) return WEXITSTATUS(status) == no_memory_status ? Death::from_outside : Death::crash;
  switch (WTERMSIG(status)) {
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGABRT:
    case SIGTRAP:
    case SIGSYS:
      return Death::crash;
    default:
      return Death::from_outside;
  }
}

/// What a worker is given of the environment: what it needs to start, and nothing that ngspice or a locale could read.
std::vector<std::string> worker_environment() {
  std::vector<std::string> kept{"LC_ALL=C"};
  for (const char* name : {"PATH", "HOME", "LD_LIBRARY_PATH", "LD_PRELOAD", "GLIBC_TUNABLES", "ASAN_OPTIONS",
                           "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) kept.push_back(std::string(name) + "=" + value);
  }
  return kept;
}

}  // namespace

std::filesystem::path find_program(const std::string& name) {
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  std::filesystem::path beside = here / name;
  if (std::filesystem::exists(beside)) return beside;
  return here.parent_path() / "libexec" / "flare" / name;
}

std::filesystem::path find_worker(const std::filesystem::path& given) {
  return given.empty() ? find_program("flare_worker") : given;
}

void WorkerProcess::start(const std::filesystem::path& program) {
  kill();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a socket for a worker");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // What ngspice prints belongs on nobody's terminal; its messages come through the socket.
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
  // Whoever interrupts the program interrupts its parent, which decides what becomes of the workers.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t blocked;
  sigemptyset(&blocked);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGXCPU, SIGPIPE, SIGALRM})
    sigaddset(&blocked, signal);
  posix_spawnattr_setsigmask(&attributes, &blocked);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

  std::string name = program.string();
  std::string parent = std::to_string(getpid());
  char* const arguments[] = {name.data(), parent.data(), nullptr};
  std::vector<std::string> environment = worker_environment();
  std::vector<char*> variables;
  for (std::string& variable : environment) variables.push_back(variable.data());
  variables.push_back(nullptr);
  const int error = posix_spawn(&pid_, name.c_str(), &actions, &attributes, arguments, variables.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    pid_ = -1;
    throw std::system_error(error, std::generic_category(), "cannot start the worker " + name);
  }
  socket_ = ends[0];
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
}

void WorkerProcess::forget() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
  pid_ = -1;
  clear();
}

void WorkerProcess::end() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  forget();
}

Death WorkerProcess::bury() {
  if (!running()) return Death::crash;
  int status = 0;
  for (int i = 0; i < burial_milliseconds; ++i) {
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      forget();
      return death_of(status);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  kill();
  return Death::crash;
}

double WorkerProcess::processor_time() const {
  clockid_t clock = 0;
  timespec used{};
  if (!running() || clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0.0;
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

std::size_t WorkerProcess::resident_bytes() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  in >> total >> resident;
  return in ? resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) : 0;
}

void WorkerProcess::dismiss() {
  if (!running()) return;
  shutdown(socket_, SHUT_RDWR);
  for (int i = 0; i < 200; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) return forget();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  kill();
}

bool WorkerProcess::flush() {
  while (wants_to_send()) {
    const ssize_t put = send(socket_, unsent().data(), unsent().size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (put <= 0) return false;
    sent(static_cast<std::size_t>(put));
  }
  return true;
}

bool WorkerProcess::receive() {
  // Filled by what is received, never read beyond it. NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  std::array<std::uint8_t, 65536> buffer;
  for (;;) {
    const ssize_t got = recv(socket_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (got <= 0) return false;
    arrived({buffer.data(), static_cast<std::size_t>(got)});
  }
}

}  // namespace flare::engine
