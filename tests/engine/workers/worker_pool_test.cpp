#include "engine/workers/worker_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "tests/engine/simulate/testbenches.hpp"

namespace flare::engine {
namespace {

using testing::column_testbench;
using ::testing::HasSubstr;
using testing::rc_testbench;
using testing::sleepy_testbench;

WorkerPoolOptions options_with(int workers) {
  WorkerPoolOptions options;
  options.worker = FLARE_BINARY_DIR "/bin/flare_worker";
  options.workers = workers;
  return options;
}

Matrix normal_points(Eigen::Index runs, Eigen::Index dimension, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  Matrix points(runs, dimension);
  for (Eigen::Index i = 0; i < points.size(); ++i) points.data()[i] = normal(generator);
  return points;
}

std::vector<RunResult> evaluate_all(Evaluator& pool, const Job& job) {
  std::vector<RunResult> results(static_cast<std::size_t>(job.points.rows()));
  std::vector<int> seen(results.size(), 0);
  pool.evaluate(std::span(&job, 1), [&](std::size_t, std::size_t row, const RunResult& result) {
    results[row] = result;
    ++seen[row];
  });
  for (const int times : seen) EXPECT_EQ(times, 1);
  return results;
}

TEST(WorkerPool, RcFollowsItsClosedForm) {
  WorkerPool pool(options_with(2));
  const Job job{std::make_shared<Testbench>(rc_testbench()), normal_points(40, 2, 1)};
  const std::vector<RunResult> results = evaluate_all(pool, job);
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_EQ(results[i].outcome, Outcome::ok) << results[i].message;
    const auto row = static_cast<Eigen::Index>(i);
    const double r = 1e3 * std::exp(0.1 * job.points(row, 0));
    const double c = 1e-12 + 0.05e-12 * job.points(row, 1);
    EXPECT_NEAR(results[i].measures.at(0), 1.0 - std::exp(-1e-9 / (r * c)), 2e-5);
  }
}

TEST(WorkerPool, SameBitsForAnyNumberOfWorkersAndAnyOrder) {
  const Job job{std::make_shared<Testbench>(column_testbench()), normal_points(30, 32, 2)};
  Job reversed = job;
  reversed.points = job.points.colwise().reverse();
  WorkerPool one(options_with(1));
  WorkerPool two(options_with(2));
  const std::vector<RunResult> a = evaluate_all(one, job);
  const std::vector<RunResult> b = evaluate_all(two, job);
  const std::vector<RunResult> c = evaluate_all(two, reversed);
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].outcome, Outcome::ok) << a[i].message;
    EXPECT_EQ(a[i].measures, b[i].measures);
    EXPECT_EQ(a[i].measures, c[c.size() - 1 - i].measures);
  }
}

TEST(WorkerPool, SeveralTestbenchesAtOnce) {
  std::vector<Job> jobs;
  for (int i = 0; i < 5; ++i) {
    Testbench t = rc_testbench();
    t.measures[0].scale = 1.0 + i;
    jobs.push_back({std::make_shared<Testbench>(t), normal_points(3 + 4 * i, 2, 3)});
  }
  jobs.push_back({std::make_shared<Testbench>(rc_testbench()), Matrix(0, 0)});
  WorkerPool pool(options_with(2));
  std::map<std::size_t, std::map<std::size_t, double>> seen;
  pool.evaluate(jobs, [&](std::size_t job, std::size_t row, const RunResult& result) {
    ASSERT_EQ(result.outcome, Outcome::ok) << result.message;
    EXPECT_TRUE(seen[job].emplace(row, result.measures.at(0)).second);
  });
  ASSERT_EQ(seen.size(), 5u);
  for (std::size_t job = 0; job < 5; ++job) {
    ASSERT_EQ(seen[job].size(), 3 + 4 * job);
    // Points are filled row by row, so the jobs share their first rows.
    EXPECT_NEAR(seen[job][0], seen[0][0] * (1.0 + static_cast<double>(job)), 1e-12);
  }
}

TEST(WorkerPool, RecyclingDoesNotShow) {
  const Job job{std::make_shared<Testbench>(column_testbench()), normal_points(24, 32, 4)};
  WorkerPoolOptions options = options_with(2);
  WorkerPool steady(options);
  options.runs_per_worker = 5;
  WorkerPool recycling(options);
  const std::vector<RunResult> a = evaluate_all(steady, job);
  const std::vector<RunResult> b = evaluate_all(recycling, job);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].measures, b[i].measures);
}

TEST(WorkerPool, NetlistsThatDoNotLoadSayWhyAndThePoolGoesOn) {
  WorkerPool pool(options_with(2));
  Testbench broken = rc_testbench();
  broken.deck.lines.emplace_back("m1 a b 0 0 nosuch w=1u l=1u");
  const Job bad{std::make_shared<Testbench>(broken), normal_points(3, 2, 1)};
  try {
    evaluate_all(pool, bad);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("rc: "));
    EXPECT_THAT(error.what(), HasSubstr("nosuch"));
  }
  // This one makes ngspice give up altogether.
  Testbench fatal = rc_testbench();
  fatal.deck.lines.emplace_back("r9 a 0 {undefined_parameter}");
  EXPECT_THROW(pool.evaluate(std::vector<Job>{{std::make_shared<Testbench>(fatal), normal_points(3, 2, 1)}},
                             [](std::size_t, std::size_t, const RunResult&) {}),
               std::runtime_error);
  Testbench misses = rc_testbench();
  misses.measures[0].vector = "v(nowhere)";
  EXPECT_THROW(pool.evaluate(std::vector<Job>{{std::make_shared<Testbench>(misses), normal_points(3, 2, 1)}},
                             [](std::size_t, std::size_t, const RunResult&) {}),
               std::runtime_error);
  const Job good{std::make_shared<Testbench>(rc_testbench()), normal_points(3, 2, 1)};
  for (const RunResult& result : evaluate_all(pool, good)) EXPECT_EQ(result.outcome, Outcome::ok);
}

TEST(WorkerPool, PointsOfTheWrongLengthAreRefused) {
  WorkerPool pool(options_with(1));
  EXPECT_THROW(evaluate_all(pool, {std::make_shared<Testbench>(rc_testbench()), normal_points(3, 5, 1)}),
               std::invalid_argument);
  WorkerPoolOptions options = options_with(-1);
  EXPECT_THROW(WorkerPool{options}, std::invalid_argument);
}

TEST(WorkerPool, AWorkerThatCannotStartIsAnError) {
  for (const char* program : {"/no/such/worker", "/bin/false"}) {
    WorkerPoolOptions options = options_with(2);
    options.worker = program;
    WorkerPool pool(options);
    try {
      evaluate_all(pool, {std::make_shared<Testbench>(rc_testbench()), normal_points(3, 2, 1)});
      FAIL();
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr(program));
    }
    EXPECT_THROW(pool.ngspice_version(), std::runtime_error);
  }
}

TEST(WorkerPool, AHangIsTimedOutTwiceThenRecorded) {
  WorkerPoolOptions options = options_with(2);
  options.run_time_limit = std::chrono::milliseconds(400);
  WorkerPool pool(options);
  Matrix points = Matrix::Zero(12, 2);
  points(5, 1) = 1.0;
  points.col(0).setLinSpaced(-1.0, 1.0);
  const auto start = std::chrono::steady_clock::now();
  const std::vector<RunResult> results =
      evaluate_all(pool, {std::make_shared<Testbench>(sleepy_testbench()), points});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].outcome, i == 5 ? Outcome::timed_out : Outcome::ok) << i << results[i].message;
    EXPECT_EQ(std::isnan(results[i].measures.at(0)), i == 5);
  }
}

/// Process ids of this process's workers.
std::vector<pid_t> worker_ids() {
  std::vector<pid_t> ids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream stat(entry.path() / "stat");
    std::string id;
    std::string program;
    std::string state;
    pid_t parent = 0;
    if (stat >> id >> program >> state >> parent; parent == getpid() && program == "(flare_worker)") {
      ids.push_back(std::stoi(id));
    }
  }
  return ids;
}

TEST(WorkerPool, AWorkerThatDiesIsReplacedAndItsRunDoneAgain) {
  const Job job{std::make_shared<Testbench>(column_testbench()), normal_points(60, 32, 5)};
  WorkerPool pool(options_with(2));
  const std::vector<RunResult> undisturbed = evaluate_all(pool, job);
  std::vector<RunResult> results(60);
  int finished = 0;
  pool.evaluate(std::span(&job, 1), [&](std::size_t, std::size_t row, const RunResult& result) {
    results[row] = result;
    // Every tenth run takes one worker with it.
    if (++finished % 10 == 0 && !worker_ids().empty()) kill(worker_ids().front(), SIGKILL);
  });
  EXPECT_EQ(finished, 60);
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].outcome, Outcome::ok);
    EXPECT_EQ(results[i].measures, undisturbed[i].measures);
  }
}

/// One run that takes minutes, while every worker gets `signal` soon after its start.
RunResult run_under_fire(int signal) {
  WorkerPool pool(options_with(1));
  pool.ngspice_version();
  std::atomic<bool> done{false};
  std::thread killer([&] {
    while (!done) {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      for (const pid_t id : worker_ids()) kill(id, signal);
    }
  });
  const auto stop_killing = [&] {
    done = true;
    killer.join();
  };
  Matrix points = Matrix::Zero(1, 2);
  points(0, 1) = 1.0;
  try {
    const std::vector<RunResult> results =
        evaluate_all(pool, {std::make_shared<Testbench>(sleepy_testbench()), points});
    stop_killing();
    return results.at(0);
  } catch (...) {
    stop_killing();
    throw;
  }
}

TEST(WorkerPool, ACrashIsTriedTwiceThenRecorded) {
  EXPECT_EQ(run_under_fire(SIGSEGV).outcome, Outcome::crashed);
}

TEST(WorkerPool, AWorkerKilledFromOutsideIsNoOutcome) { EXPECT_THROW(run_under_fire(SIGKILL), MachineFault); }

TEST(WorkerPool, WorkersFollowTheCoresOfThisProcess) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(WorkerPool(options_with(0)).workers(), 1);
  sched_setaffinity(0, sizeof before, &before);
  EXPECT_EQ(WorkerPool(options_with(0)).workers(), CPU_COUNT(&before));
}

TEST(WorkerPool, AQuestionCanBeStopped) {
  std::stop_source source;
  WorkerPoolOptions options = options_with(1);
  options.stop = source.get_token();
  WorkerPool pool(options);
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    source.request_stop();
  });
  const Testbench sleepy = sleepy_testbench();
  EXPECT_THROW(pool.waveforms(sleepy, Eigen::RowVector2d(0.0, 1.0)), Stopped);
  stopper.join();
}

TEST(WorkerPool, AWorkerThatGrowsIsReplaced) {
  WorkerPoolOptions options = options_with(1);
  options.memory_growth = 1;  // a byte
  WorkerPool pool(options);
  const Job job{std::make_shared<Testbench>(rc_testbench()), normal_points(700, 2, 1)};
  std::set<pid_t> seen;
  pool.evaluate(std::span(&job, 1), [&](std::size_t, std::size_t row, const RunResult& result) {
    EXPECT_EQ(result.outcome, Outcome::ok);
    if (row % 100 != 0) return;
    for (const pid_t id : worker_ids()) seen.insert(id);
  });
  EXPECT_GT(seen.size(), 1U);
}

TEST(WorkerPool, AStoppedWorkerIsReplaced) {
  WorkerPoolOptions options = options_with(1);
  options.stall_limit = std::chrono::milliseconds(500);
  WorkerPool pool(options);
  const Job job{std::make_shared<Testbench>(column_testbench()), normal_points(6, 32, 5)};
  int finished = 0;
  pool.evaluate(std::span(&job, 1), [&](std::size_t, std::size_t, const RunResult& result) {
    EXPECT_EQ(result.outcome, Outcome::ok);
    if (++finished == 2) kill(worker_ids().at(0), SIGSTOP);
  });
  EXPECT_EQ(finished, 6);
}

TEST(WorkerPool, StopsSoonWithWhatIsFinished) {
  WorkerPool pool(options_with(2));
  Matrix points = Matrix::Zero(50, 2);
  points.col(1).tail(45).setOnes();
  std::stop_source source;
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    source.request_stop();
  });
  int finished = 0;
  const Job job{std::make_shared<Testbench>(sleepy_testbench()), points};
  const auto start = std::chrono::steady_clock::now();
  pool.evaluate(
      std::span(&job, 1), [&](std::size_t, std::size_t, const RunResult&) { ++finished; },
      source.get_token());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1500));
  stopper.join();
  EXPECT_EQ(finished, 5);
  const Job next{std::make_shared<Testbench>(rc_testbench()), normal_points(4, 2, 1)};
  for (const RunResult& result : evaluate_all(pool, next)) EXPECT_EQ(result.outcome, Outcome::ok);
}

TEST(WorkerPool, AnExceptionOfTheCallerPassesThrough) {
  WorkerPool pool(options_with(2));
  const Job job{std::make_shared<Testbench>(rc_testbench()), normal_points(20, 2, 1)};
  EXPECT_THROW(pool.evaluate(std::span(&job, 1), [](std::size_t, std::size_t,
                                                    const RunResult&) { throw std::out_of_range("enough"); }),
               std::out_of_range);
  for (const RunResult& result : evaluate_all(pool, job)) EXPECT_EQ(result.outcome, Outcome::ok);
}

TEST(WorkerPool, SizesAndWaveforms) {
  WorkerPool pool(options_with(2));
  EXPECT_EQ(pool.ngspice_version(), "39");
  const Testbench t = column_testbench();
  const std::vector<Knob> asked{{KnobKind::instance, "m.x0.ma", "w"},
                                {KnobKind::instance, "m.x7.md", "l"},
                                {KnobKind::instance, "mp", "m"},
                                {KnobKind::instance, "m.nope", "w"},
                                {KnobKind::model, "nch", "vth0"}};
  const std::vector<double> values = pool.values(t.deck, t.options, {}, asked);
  ASSERT_EQ(values.size(), asked.size());
  EXPECT_DOUBLE_EQ(values[0], 300e-9);
  EXPECT_DOUBLE_EQ(values[1], 60e-9);
  EXPECT_EQ(values[2], 1.0);
  EXPECT_TRUE(std::isnan(values[3]));
  EXPECT_DOUBLE_EQ(values[4], 0.38);
  const Matrix x = normal_points(1, 32, 9);
  const Waveforms kept = pool.waveforms(t, x.row(0));
  const std::vector<RunResult> results = evaluate_all(pool, {std::make_shared<Testbench>(t), x});
  EXPECT_EQ(kept.find("v(bl)")->back(), results.at(0).measures.at(0));
}

TEST(WorkerPool, WorkersDieWithTheirParent) {
  // A busy worker of a process that is killed: its id comes through a pipe.
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    WorkerPool pool(options_with(1));
    std::thread teller([&] {
      while (worker_ids().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      const pid_t id = worker_ids().at(0);
      if (write(ends[1], &id, sizeof id) != sizeof id) _exit(1);
    });
    Matrix points = Matrix::Ones(1, 2);
    const Job job{std::make_shared<Testbench>(sleepy_testbench()), points};
    pool.evaluate(std::span(&job, 1), [](std::size_t, std::size_t, const RunResult&) {});
    _exit(1);
  }
  pid_t worker = 0;
  ASSERT_EQ(read(ends[0], &worker, sizeof worker), static_cast<ssize_t>(sizeof worker));
  EXPECT_EQ(kill(worker, 0), 0);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  const auto gone = [&] {
    std::ifstream stat("/proc/" + std::to_string(worker) + "/stat");
    std::string id;
    std::string name;
    std::string state;
    return !(stat >> id >> name >> state) || state == "Z";
  };
  for (int i = 0; i < 200 && !gone(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(gone());
}

TEST(WorkerPool, WorkersEndWithThePool) {
  {
    WorkerPool pool(options_with(2));
    evaluate_all(pool, {std::make_shared<Testbench>(rc_testbench()), normal_points(9, 2, 1)});
    EXPECT_FALSE(worker_ids().empty());
  }
  EXPECT_TRUE(worker_ids().empty());
}

}  // namespace
}  // namespace flare::engine
