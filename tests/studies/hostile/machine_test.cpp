// What the machine does to a study is not what the circuit does: killed simulators, suspension, locks that do not lock.
#include <sys/resource.h>

#include "tests/studies/hostile/hostile_fixture.hpp"

namespace {

namespace fs = std::filesystem;
using flare::studies::testing::Ended;
using flare::studies::testing::HostileFixture;
using ::testing::HasSubstr;
using ::testing::Not;

class Machine : public HostileFixture {
 protected:
  /// A copy of the program whose workers are wrapped in a script.
  std::string program_with_worker(const std::string& script) const {
    const fs::path bin = folder_ / "bin";
    fs::create_directory(bin);
    fs::copy_file(std::string(FLARE_BINARY_DIR) + "/bin/flare", bin / "flare");
    std::ofstream(bin / "flare_worker") << "#!/bin/sh\n"
                                        << script << "\nexec " FLARE_BINARY_DIR "/bin/flare_worker \"$@\"\n";
    fs::permissions(bin / "flare_worker", fs::perms::owner_all);
    return (bin / "flare").string();
  }
  int shell(const std::string& command) const {
    return WEXITSTATUS(
        std::system(("cd " + folder_.string() + " && " + command + " > out.txt 2>&1").c_str()));
  }
  /// Twenty transients; of 120 us each takes a sixth of a second of processor time.
  std::string slow_study(const std::string& stop) const {
    write("cell.cir", flare::studies::testing::cell("v1 in 0 sin(0 1 1meg)\nr1 in o 1k\nc1 o 0 1n"));
    return "seed = 3\n[simulator]\nrun_time_limit = \"2 s\"\nreltol = 1e-6\n" +
           flare::studies::testing::transient(stop, "vector = \"v(o)\"\n") +
           flare::studies::testing::varies("r", "r1", "1 %") + flare::studies::testing::plain(20);
  }
};

TEST_F(Machine, AWorkerThatIsKilledNowAndThenDoesNotShow) {
  ASSERT_EQ(run_line("run s.toml -o whole.h5 -j 1").status, 0);
  // Every third worker lives for a moment only.
  const std::string flare = program_with_worker(
      "n=$(cat count 2>/dev/null || echo 0); echo $((n + 1)) > count\n[ $((n % 3)) = 0 ] && (sleep 0.05; "
      "kill -9 $$) &");
  ASSERT_EQ(shell(flare + " run s.toml -o o.h5 -j 1"), 0) << content("out.txt");
  EXPECT_EQ(numbers("o.h5"), numbers("whole.h5"));
  EXPECT_THAT(content("out.txt"), Not(HasSubstr("crashed")));
}

TEST_F(Machine, WorkersThatAreAlwaysKilledStopTheStudyAndNothingIsRecorded) {
  write("s.toml", slow_study("120 us"));
  const std::string flare = program_with_worker("[ -f kind ] || (sleep 0.1; kill -9 $$) &");
  EXPECT_EQ(shell(flare + " run s.toml -o o.h5 -j 1"), 3) << content("out.txt");
  EXPECT_THAT(content("out.txt"), HasSubstr("killed from outside"));
  if (fs::exists(folder_ / "o.h5")) {
    const flare::engine::Table runs =
        flare::engine::read_table(flare::engine::open_result(folder_ / "o.h5"), "/runs/runs");
    for (const std::int64_t outcome : runs.integers("outcome")) EXPECT_EQ(outcome, 0);
  }
  write("kind", "");
  EXPECT_EQ(shell(flare + " run s.toml -o o.h5 -j 1"), 0) << content("out.txt");
  EXPECT_EQ(numbers("o.h5").size(), 40U);
}

TEST_F(Machine, WorkersWithoutMemoryStopTheStudy) {
  ASSERT_EQ(run_line("run s.toml -o whole.h5 -j 1").status, 0);
  const std::string flare = program_with_worker("[ -f enough ] || ulimit -v 20000");
  EXPECT_EQ(shell(flare + " run s.toml -o o.h5 -j 1"), 3) << content("out.txt");
  EXPECT_THAT(content("out.txt"), HasSubstr("got no memory"));
  write("enough", "");
  EXPECT_EQ(shell(flare + " run s.toml -o o.h5 -j 1"), 0) << content("out.txt");
  EXPECT_EQ(numbers("o.h5"), numbers("whole.h5"));
}

TEST_F(Machine, SuspensionIsNobodysTime) {
  write("s.toml", slow_study("60 us"));
  ASSERT_EQ(run_line("run s.toml -o whole.h5 -j 1").status, 0) << content("out.txt");
  const pid_t child = start_with([] { ::setpgid(0, 0); }, {"run", "s.toml", "-o", "o.h5", "-j", "1"});
  for (int i = 0; i < 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    ::kill(-child, SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(2300));
    ::kill(-child, SIGCONT);
  }
  const Ended ended = wait_for(child);
  EXPECT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, Not(HasSubstr("timed out")));
  EXPECT_EQ(numbers("o.h5"), numbers("whole.h5"));
}

TEST_F(Machine, LocksThatAreMissingOrNotSharedKeepTwoApart) {
  ASSERT_EQ(run_line("run s.toml -o whole.h5 -j 1").status, 0);
  for (const char* how : {"none", "own"}) {
    SCOPED_TRACE(how);
    ::setenv("LD_PRELOAD", FLARE_NO_LOCKS, 1);
    ::setenv("FLARE_FLOCK", how, 1);
    fs::remove(folder_ / "o.h5");
    write("s.toml", study(400'000));
    const pid_t child = start({"run", "s.toml", "-j", "1", "-o", "o.h5", "--fresh"});
    wait_until([&] {
      return fs::exists(folder_ / "o.h5.journal") && fs::file_size(folder_ / "o.h5.journal") > 4000;
    });
    EXPECT_EQ(shell(FLARE_BINARY_DIR "/bin/flare run s.toml -o o.h5"), 1);
    EXPECT_THAT(content("out.txt"), HasSubstr("is running this study"));
    ::kill(child, SIGKILL);
    wait_for(child);
    // One that was killed leaves its lock file, which holds nobody up.
    write("s.toml", study());
    const Ended fresh = run_line("run s.toml -j 1 -o o.h5 --fresh");
    EXPECT_EQ(fresh.status, 0) << fresh.out;
    EXPECT_EQ(numbers("o.h5"), numbers("whole.h5"));
    EXPECT_EQ(run_line("report o.h5").status, 0);
    ::unsetenv("LD_PRELOAD");
    ::unsetenv("FLARE_FLOCK");
    EXPECT_FALSE(fs::exists(folder_ / "o.h5.journal.lock"));
  }
}

TEST_F(Machine, OtherMathematicsGoOnNowhereElse) {
  write("s.toml", study(400'000));
  const pid_t child = start({"run", "s.toml", "-j", "1", "-o", "o.h5"});
  wait_until(
      [&] { return fs::exists(folder_ / "o.h5.journal") && fs::file_size(folder_ / "o.h5.journal") > 4000; });
  ::kill(child, SIGKILL);
  wait_for(child);
  const auto without_fma = [] { ::setenv("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4", 1); };
  const Ended probe = run_with(without_fma, {"run", "s.toml", "-j", "1", "-o", "o.h5"});
  // A processor that has no fused multiply-add gives the same bits either way.
  if (content("/proc/cpuinfo").find(" fma ") == std::string::npos && std::ifstream("/proc/cpuinfo") &&
      probe.status != 2) {
    GTEST_SKIP() << "this processor has one variant only";
  }
  EXPECT_EQ(probe.status, 2);
  EXPECT_THAT(probe.out, HasSubstr("mathematics library"));
}

TEST_F(Machine, OneRunThatFailsEndsNoStudy) {
  // sqrt of a negative number at draws below zero, and a resistance that ngspice does not take.
  write("cell.cir", flare::studies::testing::cell(".param p=1\ni1 0 o 1m\nr1 o 0 {1k*sqrt(p)}\nr2 o 0 1k"));
  write("s.toml", "seed = 3\n" + flare::studies::testing::operating_point("v(o)") +
                      "[[variation]]\nparam = \"p\"\nsigma = \"0.7\"\n" + flare::studies::testing::plain(40));
  const Ended ended = run_line("run s.toml -j 2 -o o.h5");
  ASSERT_EQ(ended.status, 0) << ended.out;
  const flare::engine::Table runs = flare::engine::read_table(flare::engine::open_result(folder_ / "o.h5"),
                                                              "/points/cell/netlist/samples/runs");
  const std::vector<std::int64_t>& outcomes = runs.integers("outcome");
  EXPECT_GT(std::count(outcomes.begin(), outcomes.end(), 1), 0);  // unconverged
  EXPECT_GT(std::count(outcomes.begin(), outcomes.end(), 0), 25);
}

}  // namespace
