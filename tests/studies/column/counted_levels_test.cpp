// Plain Monte Carlo of a column's levels: counted as its runs say, by whoever makes them and whatever interrupts them.
#include <cmath>
#include <csignal>
#include <thread>

#include "engine/base/sampling.hpp"
#include "tests/studies/column/counted_levels.hpp"

namespace flare::studies::testing {
namespace {

class CountedLevels : public CountedLevelsFixture {
 protected:
  engine::Table tails(const std::string& file) const {
    return engine::read_table(engine::open_result(folder_ / file), std::string(point) + "/tails");
  }
};

TEST_F(CountedLevels, AreWhatTheirRunsSay) {
  constexpr int runs = 500;
  study_runs(column(2 * runs));
  const H5::H5File file = engine::open_result(folder_ / "o.h5");
  const engine::Table answers = tails("o.h5");
  ASSERT_EQ(answers.rows(), 2U);  // a threshold between two levels
  const std::vector<double> nominal =
      engine::read_table(file, std::string(point) + "/levels").numbers("nominal");
  const double threshold = 0.5 * (nominal[0] + nominal[1]);
  for (const int k : {0, 1}) {
    SCOPED_TRACE(k);
    const auto row = static_cast<std::size_t>(k);
    EXPECT_EQ(answers.integers("k")[row], k);
    EXPECT_EQ(answers.integers("runs")[row], runs);
    const std::string failing = fmt::format("{}/failing_samples/k{}", point, k);
    if (!engine::exists(file, failing)) {
      EXPECT_EQ(answers.texts("status")[row], "bound");
      EXPECT_NEAR(answers.numbers("p")[row], 1.0 - std::pow(0.05, 1.0 / runs), 1e-9);
      continue;
    }
    const std::vector<std::int64_t> indices = engine::read_table(file, failing + "/runs").integers("index");
    EXPECT_EQ(std::llround(answers.numbers("p")[row] * runs), static_cast<std::int64_t>(indices.size()));
    // The draws that the stream has at their indices, and levels on the other side.
    const engine::Matrix z = engine::read_matrix(file, failing + "/parameters");
    const engine::Matrix level = engine::read_matrix(file, failing + "/measures");
    const engine::SampleSource source{4, fmt::format("tails{}/k{}", std::string(point).substr(7), k),
                                      engine::Design::random, runs};
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const auto r = static_cast<Eigen::Index>(i);
      const engine::Matrix drawn =
          engine::draw(source, static_cast<std::uint64_t>(indices[i]), 1, static_cast<std::size_t>(z.cols()));
      EXPECT_TRUE(z.row(r) == drawn.row(0)) << indices[i];
      EXPECT_LT((level(r, 0) - threshold) * (nominal[row] - threshold), 0.0) << indices[i];
    }
    const Ended replayed = run_line(fmt::format("replay o.h5 {} {}", failing.substr(1), indices.back()));
    EXPECT_THAT(replayed.out, ::testing::HasSubstr("(the same)"));
  }
  EXPECT_EQ(answers.texts("status")[1], "estimated");  // the on-level is the wide one
}

TEST_F(CountedLevels, ConvertersDeviateAndShareTheRuns) {
  constexpr int runs = 400;
  // A comparator whose offset alone fails one read in 44: half a step is two sigma of it.
  const std::string two = "offset_sigma = \"0.25 step\"\n[[converter]]\nname = \"exact\"\n";
  study_runs(column(2 * runs, two));
  const engine::Table answers = tails("o.h5");
  ASSERT_EQ(answers.rows(), 4U);
  for (std::size_t row = 0; row < 4; ++row) {
    EXPECT_EQ(answers.integers("runs")[row], runs);
    if (answers.texts("adc")[row] == "flash" && answers.integers("k")[row] == 0) {
      // The off-level hardly moves: 400 runs, of which nine are expected.
      EXPECT_NEAR(answers.numbers("p")[row] * runs, 9.1, 4.0 * std::sqrt(9.1));
      EXPECT_EQ(answers.texts("status")[row], "estimated");
    }
  }
}

TEST_F(CountedLevels, KillsAndShardsDoNotShow) {
  const std::string text = column(600);
  study_runs(text);
  const std::vector<double> expected = tails("o.h5").numbers("p");
  for (const char* shard : {"1", "2"}) {
    const std::string out = std::string(shard) + ".h5";
    const pid_t child = start({"run", "s.toml", "-j", "1", "-o", out, "--shard", std::string(shard) + "/2"});
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    ::kill(child, shard[0] == '1' ? SIGKILL : SIGTERM);
    wait_for(child);
    ASSERT_EQ(run_line("run s.toml -j 1 -o " + out + " --shard " + shard + "/2").status, 0);
  }
  const Ended merged = run_line("merge m.h5 1.h5 2.h5 -j 1");
  ASSERT_EQ(merged.status, 0) << merged.out;
  EXPECT_EQ(tails("m.h5").numbers("p"), expected);
}

TEST_F(CountedLevels, CheckTellsTheirMemory) {
  write("s.toml", column(20'000'000));
  const Ended ended = run_line("check s.toml");
  EXPECT_THAT(ended.out, ::testing::HasSubstr("memory    likely 11 MB")) << ended.out;
  EXPECT_THAT(ended.out, ::testing::HasSubstr("likely 20000"));
}

}  // namespace
}  // namespace flare::studies::testing
