// Whatever process the program finds itself in, it gives the same numbers or says in one line why not.
#include <sched.h>
#include <sys/resource.h>

#include "tests/studies/hostile/hostile_fixture.hpp"

namespace {

namespace fs = std::filesystem;
using flare::studies::testing::Ended;
using flare::studies::testing::HostileFixture;
using ::testing::HasSubstr;

class Environment : public HostileFixture {
 protected:
  void SetUp() override {
    HostileFixture::SetUp();
    ASSERT_EQ(run_line("run s.toml -j 1 -o whole.h5").status, 0);
  }
  /// The same numbers in a process that `prepare` has set up.
  void same_numbers(const char* what, const std::function<void()>& prepare) const {
    SCOPED_TRACE(what);
    fs::remove(folder_ / "o.h5");
    const Ended ended = run_with(
        prepare, {"run", (folder_ / "s.toml").string(), "-j", "2", "-o", (folder_ / "o.h5").string()});
    EXPECT_EQ(ended.status, 0) << ended.out;
    if (ended.status != 0) return;
    EXPECT_EQ(numbers("o.h5"), numbers("whole.h5"));
  }
  static void limit(int resource, rlim_t value) {
    const rlimit both{value, value};
    ::setrlimit(static_cast<__rlimit_resource_t>(resource), &both);
  }
};

TEST_F(Environment, ClosedStreamsDoNotBecomeOurFiles) {
  same_numbers("all closed", [] {
    for (int file = 0; file < 3; ++file) ::close(file);
  });
  same_numbers("no errors", [] { ::close(2); });
  same_numbers("no input", [] { ::close(0); });
  same_numbers("a reader that has gone", [] {
    int ends[2];
    if (::pipe(ends) != 0) std::_Exit(98);
    ::close(ends[0]);
    ::dup2(ends[1], 1);
    ::dup2(ends[1], 2);
  });
}

TEST_F(Environment, OutputThatIsLostIsAnError) {
  const Ended ended = run_with(
      [] {
        const int full = ::open("/dev/full", O_WRONLY);
        ::dup2(full, 1);
      },
      {"report", "whole.h5"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(content("out.txt"), HasSubstr("could not be written"));
}

TEST_F(Environment, FoldersMasksAndLimits) {
  same_numbers("TMPDIR", [] { ::setenv("TMPDIR", "/nowhere", 1); });
  same_numbers("umask", [] { ::umask(0777); });
  EXPECT_EQ(fs::status(folder_ / "o.h5").permissions() & fs::perms::owner_all,
            fs::perms::owner_read | fs::perms::owner_write);
  same_numbers("working folder gone", [] {
    if (::mkdir("gone", 0700) != 0 || ::chdir("gone") != 0 || ::rmdir("../gone") != 0) std::_Exit(98);
  });
  same_numbers("small stack", [] { limit(RLIMIT_STACK, 512 << 10); });
  same_numbers("few files", [] { limit(RLIMIT_NOFILE, 24); });
  same_numbers("one core", [] {
    cpu_set_t one;
    CPU_ZERO(&one);
    sched_getaffinity(0, sizeof one, &one);
    int first = 0;
    while (!CPU_ISSET(first, &one)) ++first;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    sched_setaffinity(0, sizeof one, &one);
  });
}

TEST_F(Environment, ALimitOfFileSizesIsAFullDisk) {
  const Ended ended =
      run_with([] { limit(RLIMIT_FSIZE, 4 << 10); }, {"run", "s.toml", "-j", "1", "-o", "o.h5"});
  EXPECT_EQ(ended.status, 3) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("File too large"));
  same_numbers("then without it", [] {});
}

TEST_F(Environment, VariablesThatNgspiceOrALocaleReadMoveNothing) {
  same_numbers("variables", [] {
    for (const char* name : {"SPICE_SCRIPTS", "SPICE_LIB_DIR", "SPICE_EXEC_DIR", "NGSPICE_INPUT_DIR", "HOME"})
      ::setenv(name, "/nowhere", 1);
    ::setenv("NGSPICE_MEAS_PRECISION", "3", 1);
    ::setenv("OMP_NUM_THREADS", "7", 1);
    ::setenv("LC_ALL", "de_DE.UTF-8", 1);
    ::setenv("LANG", "tr_TR.UTF-8", 1);
    ::setenv("HDF5_USE_FILE_LOCKING", "TRUE", 1);
    ::setenv("MALLOC_PERTURB_", "165", 1);
  });
}

TEST_F(Environment, EverySignalThatAsksToStopStops) {
  write("s.toml", study(400'000));
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU}) {
    SCOPED_TRACE(strsignal(signal));
    const pid_t child = start({"run", "s.toml", "-j", "1", "-o", "o.h5"});
    const fs::path journal = folder_ / "o.h5.journal";
    wait_until([&] { return fs::exists(journal) && fs::file_size(journal) > 2000; });
    // As a batch system does: several at once, to be one wish.
    ::kill(child, signal);
    ::kill(child, SIGTERM);
    const Ended ended = wait_for(child);
    EXPECT_EQ(ended.status, 3) << ended.out;
    EXPECT_THAT(ended.out, HasSubstr("goes on"));
    EXPECT_FALSE(fs::exists(journal));
  }
}

TEST_F(Environment, IgnoredHangupsStayIgnored) {
  write("s.toml", study(3000));
  const pid_t child =
      start_with([] { std::signal(SIGHUP, SIG_IGN); }, {"run", "s.toml", "-j", "1", "-o", "o.h5"});
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ::kill(child, SIGHUP);
  EXPECT_EQ(wait_for(child).status, 0);
}

TEST_F(Environment, NothingIsLeftInAnyFolderEvenByKills) {
  // A BSIM4 device whose parameters are complained of: ngspice writes bsim4.out where it stands.
  write("cell.cir",
        flare::studies::testing::cell("v1 d 0 0.9\nr1 d o 1k\nm1 o d 0 0 n w=1u l=0.1u\n"
                                      ".model n nmos level=54 version=4.8.2 toxe=1.4n vth0=0.3 cgso=-1e-10"));
  write("s.toml", "seed = 3\n" + flare::studies::testing::operating_point("v(o)") +
                      flare::studies::testing::varies("r", "r1", "1 %") +
                      flare::studies::testing::plain(400'000));
  fs::create_directory(folder_ / "tmp");
  fs::remove(folder_ / "whole.h5");
  const auto here = [&] { ::setenv("TMPDIR", (folder_ / "tmp").c_str(), 1); };
  for (const int signal : {SIGTERM, SIGKILL}) {
    const pid_t child = start_with(here, {"run", "s.toml", "-j", "2", "-o", "o.h5"});
    const fs::path journal = folder_ / "o.h5.journal";
    wait_until([&] { return fs::exists(journal) && fs::file_size(journal) > 2000; });
    ::kill(child, signal);
    wait_for(child);
  }
  EXPECT_EQ(files(), (std::vector<std::string>{"cell.cir", "o.h5", "o.h5.journal", "o.h5.journal.lock",
                                               "o.h5.status", "s.toml", "tmp"}));
  EXPECT_TRUE(fs::is_empty(folder_ / "tmp"));
}

}  // namespace
