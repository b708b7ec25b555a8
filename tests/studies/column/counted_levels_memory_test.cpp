// Plain Monte Carlo of levels in memory that does not grow with its runs.
#include "tests/studies/column/counted_levels.hpp"

namespace flare::studies::testing {
namespace {

class CountedLevels : public CountedLevelsFixture {
 protected:
  double megabytes(int budget) const {
    write("s.toml", column(budget));
    return most_megabytes({"run", "s.toml", "-o", "o.h5", "--fresh", "-j", "1"});
  }
};

TEST_F(CountedLevels, MemoryDoesNotGrowWithThem) {
  const double least = megabytes(20'000);
  constexpr int further = 40'000;
  const double more = megabytes(20'000 + further);
  RecordProperty("bytes a run", std::to_string((more - least) * 1048576.0 / further));
  std::printf("%.1f and %.1f MB\n", least, more);
  // A kept run takes some 400 bytes, twice; of counted ones there is a batch a level at a time.
  EXPECT_LT(more - least, 6.0);
}

}  // namespace
}  // namespace flare::studies::testing
