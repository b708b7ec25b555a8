// What an estimated tail says of a question further out: against levels and deviations that are normal, whose tails are known.
#include "studies/column/column_bounds.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "analysis/tails/normal_tail.hpp"

namespace flare::studies {
namespace {

using analysis::Direction;
using analysis::Probability;
using analysis::Side;
using analysis::TailStatus;
using ::testing::HasSubstr;

/// Of a level N(0, 1): P(y + noise xi > limit).
double truth(double limit, double noise) { return analysis::normal_tail(limit / std::hypot(1.0, noise)); }

/// A level that two converters read, the first with an answer.
struct Level {
  Level(const analysis::TailQuestion& near, const analysis::TailQuestion& far) {
    for (const char* name : {"near", "far"}) {
      converters.push_back({{}, analysis::ReferenceLevels({0.0, 1.0})});
      converters.back().converter.name = name;
    }
    questions = {{0, Direction::up, near}, {1, Direction::up, far}};
    tails.by_converter.resize(2);
    for (auto& of_converter : tails.by_converter) of_converter.resize(1);
    analysis::TailProbability& known = tails.by_converter[0][0].tail.probability;
    known.p = known.low = known.high = Probability(truth(near.limit, near.noise));
    known.status = TailStatus::estimated;
    known.met_half_space = known.met_corner = 0.9;
  }
  const analysis::TailProbability& bounded(double wanted = 1.0) {
    bound_by_others(tails, questions, converters, wanted);
    return tails.by_converter[1][0].tail.probability;
  }
  std::vector<SetConverter> converters;
  std::vector<LevelQuestion> questions;
  LevelTails tails;
};

TEST(ColumnBounds, HoldWhateverLiesFurtherAndIsNoNoisier) {
  for (const double limit : {0.5, 2.0, 6.0})
    for (const double noise : {0.0, 0.3, 2.0})
      for (const double further : {0.0, 0.4, 3.0})
        for (const double share : {0.0, 0.5, 1.0}) {
          Level level({limit, Side::above, noise}, {limit + further, Side::above, share * noise});
          const analysis::TailProbability bound = level.bounded();
          const double factor = share * noise < noise ? 2.0 : 1.0;
          if (factor * truth(limit, noise) >= 1.0) continue;
          ASSERT_EQ(bound.status, TailStatus::bound);
          EXPECT_TRUE(bound.is_upper_bound());
          EXPECT_GE(bound.high.value() * (1.0 + 1e-12), truth(limit + further, share * noise));
          EXPECT_NEAR(bound.high.value(), factor * truth(limit, noise), 1e-9 * bound.high.value());
          EXPECT_THAT(bound.method, HasSubstr("near"));
          EXPECT_TRUE(std::isnan(bound.met_half_space) && std::isnan(bound.met_corner));
        }
}

TEST(ColumnBounds, OfNothingNearerNoisierOrOnTheOtherSide) {
  EXPECT_EQ(Level({4.0, Side::above, 0.1}, {3.9, Side::above, 0.1}).bounded().status, TailStatus::refused);
  EXPECT_EQ(Level({4.0, Side::above, 0.1}, {5.0, Side::above, 0.2}).bounded().status, TailStatus::refused);
  EXPECT_EQ(Level({4.0, Side::above, 0.1}, {5.0, Side::below, 0.1}).bounded().status, TailStatus::refused);
  EXPECT_EQ(Level({-4.0, Side::below, 0.1}, {-5.0, Side::below, 0.1}).bounded().status, TailStatus::bound);
}

TEST(ColumnBounds, OneThatDoesNotHoldTheTargetIsNone) {
  EXPECT_EQ(Level({4.0, Side::above, 0.0}, {5.0, Side::above, 0.0}).bounded(1e-6).status,
            TailStatus::refused);
  EXPECT_EQ(Level({4.0, Side::above, 0.0}, {5.0, Side::above, 0.0}).bounded(1e-4).status, TailStatus::bound);
}

TEST(ColumnBounds, AnAnswerStaysAndTheLeastBoundCounts) {
  Level level({4.0, Side::above, 0.0}, {5.0, Side::above, 0.0});
  analysis::TailProbability& own = level.tails.by_converter[1][0].tail.probability;
  own.p = own.low = own.high = Probability(1e-3);
  own.status = TailStatus::estimated;
  EXPECT_EQ(level.bounded().high.value(), 1e-3);
  own.status = TailStatus::bound;
  EXPECT_NEAR(level.bounded().high.value(), truth(4.0, 0.0), 1e-12);
  own.high = own.p = Probability(1e-9);
  EXPECT_EQ(level.bounded().high.value(), 1e-9);
}

}  // namespace
}  // namespace flare::studies
