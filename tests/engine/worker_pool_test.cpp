#include "engine/worker_pool.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "tests/engine/testbenches.hpp"

namespace flare::engine {
namespace {

using testing::column_testbench;
using testing::rc_testbench;

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

}  // namespace
}  // namespace flare::engine
