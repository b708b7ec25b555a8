// Runs the built program in a folder of the test's own.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace flare::studies::testing {

struct Ended {
  int status = 0;
  std::string out;  // stdout and stderr
};

class ProgramFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    const ::testing::TestInfo& test = *::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() / ("flare_" + std::string(test.test_suite_name()) + "_" +
                                                        std::to_string(::getpid()) + "_" + test.name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
    std::filesystem::remove_all(folder_);
  }

  pid_t start(const std::vector<std::string>& arguments) const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    end_with_the_test();
    std::freopen((folder_ / "out.txt").c_str(), "w", stdout);
    ::dup2(::fileno(stdout), 2);
    if (::chdir(folder_.c_str()) != 0) std::_Exit(99);
    const std::string program = std::string(FLARE_BINARY_DIR) + "/bin/flare";
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    ::execv(program.c_str(), argv.data());
    std::_Exit(99);
  }
  /// What does not end by itself is a failure, and is ended with its group.
  Ended wait_for(pid_t child, std::chrono::seconds limit = std::chrono::minutes(10)) const {
    int status = 0;
    if (!ends_within(child, limit)) {
      ADD_FAILURE() << "does not end within " << limit.count() << " s";
      [[maybe_unused]] const int told =
          std::system("ps -eo pid,ppid,pgid,stat,wchan:24,etime,args | grep -e flare -e mpirun >&2");
      ::kill(-child, SIGKILL);
      ::kill(child, SIGKILL);
    }
    ::waitpid(child, &status, 0);
    std::ifstream in(folder_ / "out.txt");
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            std::string((std::istreambuf_iterator<char>(in)), {})};
  }
  Ended run(const std::vector<std::string>& arguments) const { return wait_for(start(arguments)); }
  /// The same with the arguments in one text, split at blanks; none of them may hold one.
  Ended run_line(const std::string& arguments) const {
    std::vector<std::string> parts;
    std::size_t from = 0;
    while ((from = arguments.find_first_not_of(' ', from)) != std::string::npos) {
      const std::size_t to = std::min(arguments.find(' ', from), arguments.size());
      parts.push_back(arguments.substr(from, to - from));
      from = to;
    }
    return run(parts);
  }

  /// Most memory that any of the program's processes had, in MB.
  double most_megabytes(const std::vector<std::string>& arguments) const {
    int status = 0;
    rusage used{};
    ::wait4(start(arguments), &status, 0, &used);
    EXPECT_EQ(status, 0);
    return static_cast<double>(used.ru_maxrss) / 1024.0;
  }
  /// In a process that is about to become a program: a group of its own, which ends with the test.
  static void end_with_the_test() {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  }
  static bool ends_within(pid_t child, std::chrono::milliseconds limit) {
    const int ended = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
    if (ended < 0) return true;  // it is gone, or who waits must tell
    pollfd polled{ended, POLLIN, 0};
    const auto until = std::chrono::steady_clock::now() + limit;
    int ready = 0;
    do {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      ready = ::poll(&polled, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    } while (ready < 0 && errno == EINTR);
    ::close(ended);
    return ready != 0;
  }

  static std::string source(const std::string& path) { return std::string(FLARE_SOURCE_DIR) + "/" + path; }

  std::filesystem::path folder_;
};

}  // namespace flare::studies::testing
