// The folder in which MPI makes its segments: cleared once its process is gone, and only then.
#include "engine/workers/named_segments.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

namespace flare::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* variable = "OMPI_MCA_btl_vader_backing_directory";

class SegmentFolders : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "flare_segments_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    ::unsetenv(variable);
  }
  void TearDown() override { fs::remove_all(root_); }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(root_)) all.push_back(entry.path().filename().string());
    std::sort(all.begin(), all.end());
    return all;
  }
  static void touch(const fs::path& file) { std::ofstream(file) << "x"; }
  /// A folder with these files, whose process was killed.
  fs::path left_behind(const std::vector<std::string>& files) const {
    const pid_t child = ::fork();
    if (child == 0) {
      const SegmentFolder folder(root_);
      for (const std::string& file : files) touch(folder.path() / file);
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const std::vector<std::string> all = names();
    return all.empty() ? fs::path() : root_ / all.front();
  }

  fs::path root_;
};

TEST_F(SegmentFolders, MpiIsToldAndNothingIsLeft) {
  {
    SegmentFolder folder(root_);
    ASSERT_TRUE(fs::is_directory(folder.path()));
    ASSERT_NE(std::getenv(variable), nullptr);
    EXPECT_EQ(std::getenv(variable), folder.path().string());
    touch(folder.path() / "vader_segment.here.0.1.0");
    folder.remove();
    EXPECT_TRUE(names().empty());
    EXPECT_EQ(std::getenv(variable), nullptr);
    folder.restore();
    touch(folder.path() / "vader_segment.here.0.1.0");
  }
  EXPECT_TRUE(names().empty());
}

TEST_F(SegmentFolders, WhatAKilledOneLeftGoesWhenTheNextBegins) {
  const fs::path left = left_behind({"vader_segment.here.0.1.0", "sm_segment.here.0.1.0"});
  ASSERT_TRUE(fs::exists(left / "vader_segment.here.0.1.0"));
  const SegmentFolder next(root_);
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(SegmentFolders, OfOneThatLivesNothingIsTaken) {
  const SegmentFolder first(root_);
  touch(first.path() / "vader_segment.here.0.1.0");
  const SegmentFolder second(root_);
  EXPECT_TRUE(fs::exists(first.path() / "vader_segment.here.0.1.0"));
}

TEST_F(SegmentFolders, WhatIsNoSegmentAndWhatALinkPointsToStay) {
  const fs::path left = left_behind({"mine.txt"});
  const fs::path elsewhere = root_ / "elsewhere";
  fs::create_directory(elsewhere);
  touch(elsewhere / "vader_segment.here.0.1.0");
  std::string name = left.filename().string();
  name.back() = name.back() == 'a' ? 'b' : 'a';
  fs::create_directory_symlink(elsewhere, root_ / name);
  const SegmentFolder next(root_);
  EXPECT_TRUE(fs::exists(left / "mine.txt"));
  EXPECT_TRUE(fs::exists(elsewhere / "vader_segment.here.0.1.0"));
}

TEST_F(SegmentFolders, AFolderThatTheUserNamesStands) {
  ::setenv(variable, "/somewhere", 1);
  {
    const SegmentFolder folder(root_);
    EXPECT_TRUE(folder.path().empty());
    EXPECT_TRUE(names().empty());
  }
  EXPECT_STREQ(std::getenv(variable), "/somewhere");
  ::unsetenv(variable);
}

TEST_F(SegmentFolders, WhereThereIsNoSuchRootMpiIsNotTold) {
  const SegmentFolder folder(root_ / "nowhere");
  EXPECT_TRUE(folder.path().empty());
  EXPECT_EQ(std::getenv(variable), nullptr);
}

}  // namespace
}  // namespace flare::engine
