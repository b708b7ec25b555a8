// Plain Monte Carlo beyond the samples that are kept: counted as a closed form says, whatever interrupts it, in memory that
// does not grow.

#include <csignal>
#include <thread>

#include "engine/base/sampling.hpp"
#include "tests/studies/circuit_fixture.hpp"

namespace flare::studies::testing {
namespace {

using ::testing::HasSubstr;

/// v(a) = 1 V + 50 mV z must not fall below 0.9 V: one run in 44 fails.
constexpr double limit_z = -2.0;

class CountedRuns : public CircuitFixture {
 protected:
  void SetUp() override {
    CircuitFixture::SetUp();
    write("cell.cir", cell("v1 a 0 1\nr1 a 0 1k"));
  }
  static std::string study(int runs, const std::string& limit = "\"0.9 V\"") {
    return "seed = 2\n" + operating_point("v(a)", limit) + "[[die]]\nsource = \"v1\"\nsigma = \"50 mV\"\n" +
           plain(runs);
  }
  engine::Table table(const std::string& path, const std::string& file = "o.h5") const {
    return engine::read_table(engine::open_result(folder_ / file), path);
  }
  std::string group(const std::string& file = "o.h5") const {
    return "/points/cell/" + corners(file).front();
  }
  std::string said() const {
    std::ifstream in(folder_ / "out.txt");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  double megabytes(int runs) const {
    write("s.toml", study(runs));
    return most_megabytes({"run", "s.toml", "-o", "o.h5", "--fresh", "-j", "1"});
  }
};

TEST_F(CountedRuns, AreWhatTheSamplesSay) {
  constexpr int runs = 26'000;
  constexpr int kept = 20'000;
  study_runs(study(runs));
  const engine::Matrix z = engine::draw({2, group().substr(1), engine::Design::random, runs}, 0, runs, 1);
  std::vector<std::int64_t> failing;
  for (Eigen::Index r = 0; r < runs; ++r)
    if (z(r, 0) < limit_z) failing.push_back(r);
  const engine::Table failures = table("/failures");
  EXPECT_EQ(std::llround(failures.numbers("p")[0] * runs), static_cast<std::int64_t>(failing.size()));
  EXPECT_EQ(samples().measures.rows(), kept);
  EXPECT_TRUE(samples().z == z.topRows(kept));
  // The failing ones among those that were counted, with their points.
  failing.erase(failing.begin(), std::lower_bound(failing.begin(), failing.end(), kept));
  EXPECT_EQ(table(group() + "/failing_samples/runs").integers("index"), failing);
  const engine::Matrix points =
      engine::read_matrix(engine::open_result(folder_ / "o.h5"), group() + "/failing_samples/parameters");
  for (std::size_t i = 0; i < failing.size(); ++i)
    EXPECT_EQ(points(static_cast<Eigen::Index>(i), 0), z(failing[i], 0));
  const Ended replayed =
      run_line("replay o.h5 " + group().substr(1) + "/failing_samples " + std::to_string(failing.back()));
  EXPECT_THAT(replayed.out, HasSubstr("(the same)"));
}

TEST_F(CountedRuns, KillsStopsWorkersAndShardsDoNotShow) {
  const std::string text = study(36'000) + "[corners]\ntemperature = [\"27 degC\", \"85 degC\"]\n";
  write("s.toml", text);
  ASSERT_EQ(run_line("run s.toml -o whole.h5 -j 2").status, 0);
  // Killed where batches are under way, stopped in the next, then let through.
  for (const int signal : {SIGKILL, SIGTERM}) {
    const pid_t child = start({"run", "s.toml", "-o", "o.h5", "-j", "1"});
    // Samples are made when it says what becomes of the others; then each batch adds its failing runs and its counts.
    std::uintmax_t from = 0;
    for (int i = 0; i < 3000; ++i) {
      std::error_code none;
      const std::uintmax_t size = std::filesystem::file_size(folder_ / "o.h5.journal", none);
      if (from == 0 && said().find("are kept as samples") != std::string::npos) from = size;
      if (!none && from > 0 && size > from + 300) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ::kill(child, signal);
    const Ended ended = wait_for(child);
    ASSERT_EQ(ended.status, signal == SIGTERM ? 3 : 128 + SIGKILL) << ended.out;
  }
  const Ended last = run_line("run s.toml -o o.h5 -j 1");
  ASSERT_EQ(last.status, 0) << last.out;
  for (const char* shard : {"1", "2"})
    ASSERT_EQ(run_line(std::string("run s.toml -j 1 -o ") + shard + ".h5 --shard " + shard + "/2").status, 0);
  const Ended merged = run_line("merge m.h5 1.h5 2.h5");
  ASSERT_EQ(merged.status, 0) << merged.out;
  for (const char* file : {"o.h5", "m.h5"}) {
    SCOPED_TRACE(file);
    EXPECT_EQ(table("/failures", file).numbers("p"), table("/failures", "whole.h5").numbers("p"));
    for (const std::string& corner : corners(file)) {
      const std::string runs = "/points/cell/" + corner + "/failing_samples/runs";
      EXPECT_EQ(table(runs, file).integers("index"), table(runs, "whole.h5").integers("index"));
    }
  }
}

TEST_F(CountedRuns, MemoryDoesNotGrowWithThem) {
  const double least = megabytes(24'000);
  const double more = megabytes(24'000 + FLARE_FURTHER_RUNS);
  // Kept runs take 1.2 kB each; of counted ones there is a batch at a time, of any number.
  RecordProperty("bytes a run", std::to_string((more - least) * 1048576.0 / FLARE_FURTHER_RUNS));
  EXPECT_LT(more - least, 8.0);
  write("s.toml", study(10'000'000));
  EXPECT_THAT(run_line("check s.toml").out, HasSubstr("memory    likely 24 MB"));
}

}  // namespace
}  // namespace flare::studies::testing
