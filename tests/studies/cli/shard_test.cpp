#include <gtest/gtest.h>

#include "studies/cli/commands.hpp"

namespace flare::studies {
namespace {

TEST(Shard, IsReadStrictly) {
  const Shard shard = parse_shard("2/4");
  EXPECT_EQ(shard.index, 1);
  EXPECT_EQ(shard.count, 4);
  for (const char* bad : {"", "2", "0/4", "5/4", "2/4x", "a/b", "2/", "/4"})
    EXPECT_THROW(parse_shard(bad), StudyError) << bad;
}

}  // namespace
}  // namespace flare::studies
