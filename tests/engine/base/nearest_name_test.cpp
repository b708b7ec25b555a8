#include "engine/base/nearest_name.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flare::engine {
namespace {

TEST(NearestName, DistanceCountsEdits) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("reltol", "retol"), 1u);
  EXPECT_EQ(edit_distance("abc", "abc"), 0u);
}

TEST(NearestName, IsTheFirstOfTheNearest) {
  const std::vector<std::string> known{"nfet", "pfet", "nfet_long_channel"};
  EXPECT_EQ(nearest_name("nfte", known), "nfet");
  EXPECT_EQ(nearest_name("nfet_lon_chanel", known), "nfet_long_channel");
  EXPECT_EQ(nearest_name("resistor", known), "");
  EXPECT_EQ(nearest_name("x", {}), "");
}

}  // namespace
}  // namespace flare::engine
