// The bracketed secant on functions shaped like a latch that decides.
#include "studies/converter/offset_search.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace flare::studies {
namespace {

struct Latch {
  double offset, gain, supply;
  double operator()(double input) const { return supply * std::tanh(gain * (input - offset) / supply); }
};

TEST(OffsetSearch, FindsTheZeroOfALatchInAFewRuns) {
  int most = 0;
  for (const double offset : {-60.0, -12.0, -1.0, 0.0, 0.4, 7.0, 33.0}) {
    for (const double off_guess : {0.0, 0.3, -0.8, 2.0, -5.0}) {
      for (const double off_slope : {0.5, 1.0, 2.0}) {
        const Latch latch{offset, 0.1, 0.9};
        OffsetSearch search(offset + off_guess, 0.1 * off_slope, 0.03);
        while (!search.done()) search.tell(latch(search.next()));
        ASSERT_TRUE(search.found()) << offset << " " << off_guess;
        EXPECT_NEAR(search.offset(), offset, 0.03) << off_guess << " " << off_slope;
        if (std::fabs(off_guess) < 1.0 && off_slope == 1.0) most = std::max(most, search.runs());
      }
    }
  }
  EXPECT_LE(most, 6);
}

// Without any guess: the latch has decided, its value says nothing of the distance.
TEST(OffsetSearch, FindsADistantZeroBehindAFlatEnd) {
  const Latch latch{47.0, 0.1, 0.9};
  OffsetSearch search(0.0, 0.1, 0.03);
  while (!search.done()) search.tell(latch(search.next()));
  EXPECT_NEAR(search.offset(), 47.0, 0.03);
}

TEST(OffsetSearch, EndsWithoutAnOffsetWhereThereIsNone) {
  OffsetSearch never(0.0, 0.1, 0.03);
  while (!never.done()) never.tell(0.9);
  EXPECT_TRUE(std::isnan(never.offset()));
  EXPECT_EQ(never.runs(), 20);
  OffsetSearch broken(0.0, 0.1, 0.03);
  broken.tell(NAN);
  EXPECT_TRUE(broken.done());
  EXPECT_FALSE(broken.found());
}

}  // namespace
}  // namespace flare::studies
