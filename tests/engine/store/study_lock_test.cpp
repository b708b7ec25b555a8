#include "engine/store/study_lock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace flare::engine {
namespace {

constexpr LockTimes quick{std::chrono::milliseconds(50), std::chrono::milliseconds(300)};

class StudyLockTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() /
            ("flare_lock_" + std::to_string(::getpid()) + "_" +
             ::testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  void TearDown() override { std::filesystem::remove(path_); }
  void leave(const LockOwner& owner) const { std::ofstream(path_) << owner.line(); }

  std::filesystem::path path_;
};

TEST_F(StudyLockTest, SaysWhoHasItAndGoesWithItsOwner) {
  {
    const StudyLock lock(path_, quick);
    try {
      const StudyLock second(path_, quick);
      FAIL();
    } catch (const InUse& e) {
      EXPECT_THAT(e.what(), ::testing::HasSubstr(LockOwner::self().words()));
    }
    EXPECT_TRUE(std::filesystem::exists(path_));
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(StudyLockTest, OwnersSurviveTheirText) {
  LockOwner owner = LockOwner::self();
  owner.job = "12_3";
  owner.restart = 4;
  const LockOwner back = LockOwner::parse(owner.line());
  EXPECT_EQ(back.line(), owner.line());
  EXPECT_TRUE(LockOwner::self().alive());
  for (const char* text : {"", "x", "flare-lock/1 a b", "flare-lock/2 a b c d 1"})
    EXPECT_EQ(LockOwner::parse(text).host, "-");
}

TEST_F(StudyLockTest, ADeadProcessOfThisMachineHoldsNothing) {
  const pid_t child = ::fork();
  if (child == 0) {
    leave(LockOwner::self());
    std::_Exit(0);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(StudyLock(path_, quick));
}

TEST_F(StudyLockTest, AnotherMachineHoldsItWhileItSaysSo) {
  LockOwner other = LockOwner::self();
  other.host = "elsewhere";
  other.boot = "another";
  leave(other);
  std::jthread beats([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      std::error_code ignored;
      std::filesystem::last_write_time(path_, std::filesystem::file_time_type::clock::now(), ignored);
    }
  });
  EXPECT_THROW(StudyLock(path_, quick), InUse);
  beats.request_stop();
  beats.join();
  EXPECT_NO_THROW(StudyLock(path_, quick));
}

TEST_F(StudyLockTest, AJobThatWasQueuedAgainTakesOverAtOnce) {
  LockOwner other = LockOwner::self();
  other.boot = "another";
  other.job = "77";
  other.restart = 0;
  leave(other);
  ::setenv("SLURM_JOB_ID", "77", 1);
  ::setenv("SLURM_RESTART_COUNT", "1", 1);
  const LockTimes patient{std::chrono::milliseconds(50), std::chrono::hours(1)};
  EXPECT_NO_THROW(StudyLock(path_, patient));
  ::unsetenv("SLURM_JOB_ID");
  ::unsetenv("SLURM_RESTART_COUNT");
}

TEST_F(StudyLockTest, ALockThatWasTakenOverIsLostAndNotRemoved) {
  {
    const StudyLock lock(path_, quick);
    std::filesystem::remove(path_);
    std::ofstream(path_) << "somebody else\n";
    for (int i = 0; i < 100 && !lock.lost(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_TRUE(lock.lost());
  }
  EXPECT_TRUE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace flare::engine
