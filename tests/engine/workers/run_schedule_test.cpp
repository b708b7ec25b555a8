// Which run a worker is given next.
#include "engine/workers/run_schedule.hpp"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace flare::engine {
namespace {

std::vector<Job> jobs_of(std::initializer_list<int> rows) {
  std::vector<Job> jobs;
  for (const int n : rows) jobs.push_back({nullptr, Matrix::Zero(n, 1)});
  return jobs;
}

constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

TEST(RunSchedule, EveryRowIsTakenOnceByAnyNumberOfWorkers) {
  for (const std::size_t workers : {1u, 2u, 3u, 7u}) {
    const std::vector<Job> jobs = jobs_of({3, 0, 5, 1});
    RunSchedule schedule(jobs);
    EXPECT_EQ(schedule.left(), 9u);
    std::vector<std::size_t> at(workers, nowhere);
    std::set<std::pair<std::size_t, std::size_t>> taken;
    for (std::size_t turn = 0; schedule.left() > 0; ++turn) {
      const std::optional<RunRef> run = schedule.take(&at[turn % workers]);
      ASSERT_TRUE(run);
      EXPECT_TRUE(taken.insert({run->job, run->row}).second);
      schedule.done();
    }
    EXPECT_EQ(taken.size(), 9u);
    EXPECT_FALSE(schedule.take(&at[0]));
    EXPECT_EQ(at[0], nowhere);
  }
}

TEST(RunSchedule, AWorkerStaysAtItsJobAndANewOneGoesWhereFewestAre) {
  const std::vector<Job> jobs = jobs_of({4, 4});
  RunSchedule schedule(jobs);
  std::size_t first = nowhere, second = nowhere, third = nowhere;
  EXPECT_EQ(schedule.take(&first)->job, 0u);
  EXPECT_EQ(schedule.take(&second)->job, 1u);
  EXPECT_EQ(schedule.take(&first)->job, 0u);
  EXPECT_EQ(schedule.take(&third)->job, 0u);
  schedule.leave(&first);
  schedule.leave(&third);
  EXPECT_EQ(schedule.take(&first)->job, 0u);  // nobody is there any more
  EXPECT_EQ(schedule.take(&first)->job, 1u);  // its last row is gone
}

TEST(RunSchedule, JobsMayComeLaterAndThoseOfHigherPriorityGoFirst) {
  RunSchedule schedule;
  Job low{nullptr, Matrix::Zero(3, 1), -5};
  Job high{nullptr, Matrix::Zero(2, 1), -1};
  schedule.add(low);
  std::size_t first = nowhere, second = nowhere;
  EXPECT_EQ(schedule.take(&first)->job, 0u);
  schedule.add(high);
  EXPECT_EQ(schedule.left(), 5u);
  EXPECT_EQ(schedule.take(&first)->job, 1u);
  EXPECT_EQ(schedule.take(&second)->job, 1u);
  EXPECT_EQ(schedule.take(&second)->job, 0u);  // back where it is not over
  EXPECT_EQ(schedule.take(&first)->row, 2u);
  EXPECT_FALSE(schedule.take(&first));
}

TEST(RunSchedule, ReturnedRunsComeBackInOrder) {
  const std::vector<Job> jobs = jobs_of({2});
  RunSchedule schedule(jobs);
  EXPECT_FALSE(schedule.take_returned());
  schedule.give_back({0, 1, 1});
  schedule.give_back({0, 0, 0});
  EXPECT_EQ(schedule.take_returned()->row, 1u);
  EXPECT_EQ(schedule.take_returned()->row, 0u);
  EXPECT_FALSE(schedule.take_returned());
}

TEST(RunSchedule, ShortRunsQueueDeepLongOnesNotAtAll) {
  EXPECT_EQ(queue_depth(0.0), 2u);  // not known yet
  EXPECT_EQ(queue_depth(1e-9), 32u);
  EXPECT_EQ(queue_depth(1e-3), 5u);
  EXPECT_EQ(queue_depth(0.04), 2u);
  EXPECT_EQ(queue_depth(1.0), 1u);
}

}  // namespace
}  // namespace flare::engine
