#include "engine/store/run_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <random>

#include "engine/base/hdf5_io.hpp"
#include "engine/base/sampling.hpp"

namespace flare::engine {
namespace {

/// Measures the sum of the coordinates; fails to converge where the first one is above 2.
class SumEvaluator : public Evaluator {
 public:
  void evaluate(std::span<const Job> jobs, const OnRun& on_run, std::stop_token stop) override {
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      for (Eigen::Index r = 0; r < jobs[j].points.rows(); ++r) {
        if (stop.stop_requested() || runs == limit) return;
        ++runs;
        RunResult result;
        const bool ok = jobs[j].points(r, 0) <= 2.0;
        result.outcome = ok ? Outcome::ok : Outcome::unconverged;
        // One by one: a vectorised sum depends on where the row lies in memory.
        double sum = 0.0;
        for (Eigen::Index c = 0; c < jobs[j].points.cols(); ++c) sum += jobs[j].points(r, c);
        result.measures = {ok ? sum : NAN};
        if (!ok) result.message = "no convergence";
        on_run(j, static_cast<std::size_t>(r), result);
      }
    }
  }
  Listing listing(const Deck&, const SimulatorOptions&) override { return {}; }
  std::vector<double> values(const Deck&, const SimulatorOptions&, std::span<const Setting>,
                             std::span<const Knob>) override {
    return {};
  }
  Rehearsal rehearse(const Testbench&) override { return {}; }
  Waveforms waveforms(const Testbench&, const Eigen::RowVectorXd&) override { return {}; }

  int runs = 0;
  int limit = -1;
};

class RunStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("flare_run_store_" + std::to_string(::getpid()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    journal_ = folder_ / "out.h5.journal";
    auto bench = std::make_shared<Testbench>();
    bench->variables.resize(3);
    bench_ = bench;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::vector<RunRequest> requests(std::size_t n = 200) const {
    return {{"points/a/k0", 0, bench_, draw({1, "points/a/k0", Design::random, 0}, 0, n, 3)},
            {"points/a/k1", 50, bench_, draw({1, "points/a/k1", Design::random, 0}, 50, n, 3)}};
  }
  static std::vector<double> values(const std::vector<std::vector<RunResult>>& results) {
    std::vector<double> all;
    for (const auto& request : results) {
      for (const RunResult& r : request) all.push_back(r.outcome == Outcome::ok ? r.measures.at(0) : -1e9);
    }
    return all;
  }

  std::filesystem::path folder_;
  std::filesystem::path journal_;
  std::shared_ptr<const Testbench> bench_;
};

TEST_F(RunStoreTest, ARunInterruptedAnywhereEndsInTheSameNumbers) {
  SumEvaluator whole;
  RunStore memory;
  const std::vector<double> expected = values(run_all(whole, memory, requests()));

  std::mt19937 random(5);
  int made = 0;
  for (int attempt = 0;; ++attempt) {
    ASSERT_LT(attempt, 100);
    SumEvaluator evaluator;
    evaluator.limit = static_cast<int>(random() % 97);
    bool finished = true;
    {
      RunStore store(journal_, {42, 7, "s.toml"});
      try {
        EXPECT_THAT(values(run_all(evaluator, store, requests())),
                    ::testing::Pointwise(::testing::Eq(), expected));
      } catch (const Stopped&) {
        finished = false;
      }
    }
    made += evaluator.runs;
    if (finished) break;
    // What a kill in the middle of a write leaves: a torn record.
    if (attempt % 2 == 0)
      std::ofstream(journal_, std::ios::app | std::ios::binary) << std::string("\x40\0\0\0zzzz", 8);
  }
  EXPECT_EQ(made, whole.runs);  // nothing was simulated twice
}

TEST_F(RunStoreTest, ACorruptRecordIsCutOffAndMadeAgain) {
  SumEvaluator evaluator;
  {
    RunStore store(journal_, {42, 7, "s.toml"});
    run_all(evaluator, store, requests(20));
  }
  const auto size = std::filesystem::file_size(journal_);
  std::fstream file(journal_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(size / 2));
  file.put('\x7f').put('\x7f').put('\x7f');
  file.close();
  RunStore store(journal_, {42, 7, "s.toml"});
  EXPECT_LT(store.size(), 40U);
  EXPECT_GT(store.size(), 5U);
  SumEvaluator again;
  RunStore memory;
  SumEvaluator whole;
  EXPECT_EQ(values(run_all(again, store, requests(20))), values(run_all(whole, memory, requests(20))));
}

TEST_F(RunStoreTest, AStaleRunIsNotBelieved) {
  SumEvaluator evaluator;
  RunStore store(journal_, {42, 7, "s.toml"});
  run_all(evaluator, store, requests(20));
  auto other = std::make_shared<Testbench>(*bench_);
  other->options.reltol *= 0.5;
  std::vector<RunRequest> changed = requests(20);
  changed[1].testbench = other;
  SumEvaluator second;
  run_all(second, store, changed);
  EXPECT_EQ(second.runs, 20);
}

TEST_F(RunStoreTest, AnotherStudysJournalIsRefusedAndSoIsASecondRunner) {
  {
    RunStore store(journal_, {42, 7, "s.toml"});
    store.add("a", 0, 1, {});
    EXPECT_THROW(RunStore(journal_, {42, 7, "s.toml"}), InUse);
  }
  EXPECT_THROW(RunStore(journal_, {43, 7, "other.toml"}), FileError);
  EXPECT_THROW(RunStore(journal_, {43, 7, "other.toml"}, Existing::drop), FileError);
  EXPECT_THROW(RunStore(journal_, {43, 7, "s.toml"}), FileError);  // edited since
  EXPECT_THROW(RunStore(journal_, {42, 8, "s.toml"}), FileError);  // functions with other bits
  EXPECT_EQ(RunStore(journal_, {42, 7, "s.toml"}).size(), 1U);
  EXPECT_EQ(RunStore(journal_, {43, 7, "s.toml"}, Existing::drop).size(), 0U);
  EXPECT_FALSE(std::filesystem::exists(journal_));  // one without runs is not left
  EXPECT_THROW(RunStore("/nowhere/out.h5.journal", {}), StoreError);
}

TEST_F(RunStoreTest, WhatIsNoJournalIsNeitherReadNorChanged) {
  for (const std::string& text :
       {std::string(64, 'x'), std::string(64, '\0'), std::string("a"), std::string("\x20\0\0\0", 4)}) {
    std::ofstream(journal_, std::ios::binary) << text;
    for (const Existing existing : {Existing::go_on, Existing::drop})
      EXPECT_THROW(RunStore(journal_, {42, 7, "s.toml"}, existing), FileError);
    std::ifstream in(journal_, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text);
  }
  std::filesystem::remove(journal_);
  std::filesystem::create_symlink("target", journal_);
  EXPECT_THROW(RunStore(journal_, {42, 7, "s.toml"}), FileError);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "target"));
}

TEST_F(RunStoreTest, RunsOfAFileDoNotGoIntoTheJournalAndAreChecked) {
  SumEvaluator evaluator;
  const std::filesystem::path part = folder_ / "part.h5";
  {
    RunStore store;
    run_all(evaluator, store, requests(30));
    H5::H5File file(part.string(), H5F_ACC_TRUNC);
    store.write_runs(file);
  }
  {
    RunStore store(journal_, {42, 7, "s.toml"});
    store.read_runs(open_result(part));
    EXPECT_EQ(store.size(), 60U);
    EXPECT_LT(std::filesystem::file_size(journal_), 100U);
  }
  {
    H5::H5File file(part.string(), H5F_ACC_RDWR);
    Matrix measures = read_matrix(file, "/runs/measures");
    measures(7, 0) = std::nextafter(measures(7, 0), 1e9);
    write_matrix(file, "/runs/measures", measures);
  }
  RunStore store;
  EXPECT_THROW(store.read_runs(open_result(part)), FileError);
  {
    H5::H5File file(part.string(), H5F_ACC_RDWR);
    write_matrix(file, "/runs/measures", Matrix(60, 0));
  }
  EXPECT_THROW(store.read_runs(open_result(part)), FileError);
}

TEST_F(RunStoreTest, AFullDiskIsOneErrorAndLosesNothing) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  std::size_t kept = 0;
  {
    RunStore store(journal_, {42, 7, "s.toml"});
    rlimit small = before;
    small.rlim_cur = 4000;
    ::setrlimit(RLIMIT_FSIZE, &small);
    SumEvaluator evaluator;
    EXPECT_THROW(run_all(evaluator, store, requests()), StoreError);
    ::setrlimit(RLIMIT_FSIZE, &before);
    kept = store.size();
  }
  EXPECT_GT(kept, 10U);
  RunStore store(journal_, {42, 7, "s.toml"});
  EXPECT_EQ(store.size(), kept);
  SumEvaluator evaluator;
  run_all(evaluator, store, requests());
  EXPECT_EQ(static_cast<std::size_t>(evaluator.runs) + kept, 400U);
}

TEST_F(RunStoreTest, PartsComeBackFromHdf5) {
  SumEvaluator evaluator;
  RunStore store;
  const auto expected = values(run_all(evaluator, store, requests(30)));
  const std::filesystem::path part = folder_ / "part.h5";
  {
    H5::H5File file(part.string(), H5F_ACC_TRUNC);
    store.write_runs(file);
  }
  RunStore merged;
  merged.read_runs(open_result(part));
  SumEvaluator nothing;
  EXPECT_EQ(values(run_all(nothing, merged, requests(30))), expected);
  EXPECT_EQ(nothing.runs, 0);
}

TEST_F(RunStoreTest, WhatAnotherFileKeepsIsFoundAndNotWrittenAgain) {
  const std::filesystem::path part = folder_ / "part.h5";
  const std::filesystem::path rest = folder_ / "rest.h5";
  RunResult result;
  result.measures = {0.5};
  {
    RunStore store;
    store.add("a", 0, 7, result);
    store.notes().add("a", 9, {12, true});
    H5::H5File h5(part.string(), H5F_ACC_TRUNC);
    store.write_runs(h5);
  }
  RunStore store;
  store.read_runs(H5::H5File(part.string(), H5F_ACC_RDONLY), KeptBy::that_file);
  ASSERT_NE(store.find("a", 0, 7), nullptr);
  const std::optional<EstimateNote> note = store.notes().find("a", 9);
  ASSERT_TRUE(note.has_value());
  EXPECT_EQ(note->runs, 12U);
  EXPECT_TRUE(note->refused);
  EXPECT_FALSE(store.notes().find("a", 8).has_value());  // another question
  store.add("a", 1, 7, result);
  {
    H5::H5File h5(rest.string(), H5F_ACC_TRUNC);
    store.write_runs(h5);
  }
  RunStore own;
  own.read_runs(H5::H5File(rest.string(), H5F_ACC_RDONLY));
  EXPECT_EQ(own.size(), 1U);
  EXPECT_NE(own.find("a", 1, 7), nullptr);
}

TEST(Fingerprint, ChangesWithEverythingThatDecidesAResult) {
  Testbench bench;
  bench.deck.lines = {"title", "r1 a 0 1k"};
  bench.measures.resize(1);
  const std::uint64_t base = fingerprint(bench);
  Testbench other = bench;
  other.deck.lines[1] = "r1 a 0 2k";
  EXPECT_NE(fingerprint(other), base);
  other = bench;
  other.measures[0].at = 1e-9;
  EXPECT_NE(fingerprint(other), base);
  other = bench;
  other.options.temperature = 85;
  EXPECT_NE(fingerprint(other), base);
  other = bench;
  other.name = "another name";
  EXPECT_EQ(fingerprint(other), base);
  EXPECT_NE(fingerprint(base, Eigen::RowVectorXd::Zero(2)), fingerprint(base, Eigen::RowVectorXd::Ones(2)));
}

}  // namespace
}  // namespace flare::engine
