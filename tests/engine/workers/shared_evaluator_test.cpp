// Tasks that share an evaluator: every run is told once, failures and stops end all of them.
#include "engine/workers/shared_evaluator.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <set>
#include <string>
#include <utility>

namespace flare::engine {
namespace {

/// The sum of a point's coordinates; refuses a point that begins with 666.
class Sums : public Evaluator {
 public:
  void evaluate(std::span<const Job> jobs, const OnRun& on_run, std::stop_token stop) override {
    threads.insert(std::this_thread::get_id());
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      for (Eigen::Index i = 0; i < jobs[j].points.rows() && !stop.stop_requested(); ++i) {
        if (jobs[j].points(i, 0) == 666.0) throw CircuitRefused("refused");
        RunResult result;
        result.measures = {jobs[j].points.row(i).sum()};
        on_run(j, static_cast<std::size_t>(i), result);
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

  std::set<std::thread::id> threads;
};

double ask(Evaluator& evaluator, double value) {
  const Job job{std::make_shared<Testbench>(), Matrix::Constant(3, 2, value)};
  std::vector<double> sums;
  evaluator.evaluate(
      {&job, 1}, [&](std::size_t, std::size_t, const RunResult& r) { sums.push_back(r.measures.at(0)); }, {});
  if (sums.size() < 3) throw std::runtime_error("cut short");
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

TEST(SharedEvaluator, EveryTaskHasItsAnswersAndOneThreadEvaluates) {
  for (const std::size_t at_once : {1u, 3u, 64u}) {
    Sums inner;
    SharedEvaluator shared(inner, at_once);
    std::vector<double> found(40, 0.0);
    std::vector<std::function<void()>> tasks;
    for (std::size_t i = 0; i < found.size(); ++i) {
      tasks.emplace_back([&, i] {
        for (int step = 0; step < 5; ++step) found[i] += ask(shared, static_cast<double>(i));
      });
    }
    shared.run(tasks, {});
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], 30.0 * static_cast<double>(i));
    EXPECT_EQ(inner.threads, std::set{std::this_thread::get_id()});
    EXPECT_EQ(ask(shared, 1.0), 6.0);  // alone again
  }
}

/// One job of three rows, which is another's as soon as the last of them is told.
class ShortLivedJob : public JobSource {
 public:
  std::vector<const Job*> more() override {
    if (!std::exchange(fresh_, false)) return {};
    return {&job_};
  }
  bool ended() override { return !fresh_; }
  void on_run(std::size_t, std::size_t row, const RunResult&) override {
    told.push_back(row);
    if (row == 2) job_.points = Matrix::Constant(7, 2, 666.0);
  }

  std::vector<std::size_t> told;

 private:
  bool fresh_ = true;
  Job job_{std::make_shared<Testbench>(), Matrix::Constant(3, 2, 1.0)};
};

TEST(Evaluator, AJobIsNotLookedAtOnceItsLastRunIsTold) {
  Sums evaluator;
  ShortLivedJob source;
  evaluator.serve(source, {});
  EXPECT_EQ(source.told, (std::vector<std::size_t>{0, 1, 2}));
}

TEST(SharedEvaluator, TheFirstFailureEndsAllAndIsTold) {
  Sums inner;
  SharedEvaluator shared(inner, 4);
  std::atomic<int> begun = 0;
  std::vector<std::function<void()>> tasks;
  tasks.reserve(1000);
  for (int i = 0; i < 1000; ++i) {
    tasks.emplace_back([&, i] {
      ++begun;
      if (i == 2) throw std::domain_error("task 2");
      ask(shared, 1.0);
    });
  }
  EXPECT_THROW(shared.run(tasks, {}), std::domain_error);
  EXPECT_LT(begun, 1000);
  shared.run({[&] { ask(shared, 1.0); }}, {});  // and it can be used again
}

TEST(SharedEvaluator, WhatTheEvaluatorRefusesReachesTheCaller) {
  Sums inner;
  SharedEvaluator shared(inner, 4);
  const auto good = [&] { ask(shared, 1.0); };
  EXPECT_THROW(shared.run({good, [&] { ask(shared, 666.0); }, good}, {}), CircuitRefused);
}

TEST(SharedEvaluator, AStopEndsTasksThatWait) {
  Sums inner;
  SharedEvaluator shared(inner, 4);
  std::stop_source stop;
  std::vector<std::function<void()>> tasks;
  tasks.reserve(8);
  for (int i = 0; i < 8; ++i) {
    tasks.emplace_back([&] {
      for (;;) {
        ask(shared, 1.0);
        stop.request_stop();
      }
    });
  }
  EXPECT_THROW(shared.run(tasks, stop.get_token()), std::runtime_error);
}

TEST(SharedEvaluator, TasksThatAStopKeepsFromBeginningAreNotTakenForDone) {
  Sums inner;
  SharedEvaluator shared(inner, 2);
  std::stop_source stop;
  stop.request_stop();
  for (int trial = 0; trial < 200; ++trial) {
    std::atomic<int> done = 0;
    const std::vector<std::function<void()>> tasks(50, [&] { ++done; });
    bool stopped = false;
    try {
      shared.run(tasks, stop.get_token());
    } catch (const Stopped&) {
      stopped = true;
    }
    ASSERT_EQ(stopped, done < 50);
  }
}

TEST(SharedEvaluator, QuestionsAreNotAskedWhileTasksGoOn) {
  Sums inner;
  SharedEvaluator shared(inner, 2);
  EXPECT_THROW(shared.run({[&] { shared.rehearse({}); }}, {}), std::logic_error);
  EXPECT_NO_THROW(shared.rehearse({}));
}

}  // namespace
}  // namespace flare::engine
