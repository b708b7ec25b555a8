// What the search may say of a region: a point that fails, and which regions are too far out to matter.
#include "analysis/rare_event/search/failure_regions.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "analysis/rare_event/search/failure_search.hpp"
#include "tests/analysis/rare_event/problem_builders.hpp"
#include "tests/analysis/rare_event/rare_event_validation.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;
using problems::margins;

// An output that jumps by 4 where x1 > 3.5 and fails above 8: nearest at (4, 3.5) behind the jump, at 8 before it.
double behind_a_jump(const Row& x) { return 8.0 - x(0) - (x(1) > 3.5 ? 4.0 : 0.0); }

TEST(FailureRegions, WhatIsCalledAFailingPointFails) {
  const BatchEvaluator f = margins(behind_a_jump)(0);
  std::size_t without_gradient = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    EvaluationLedger ledger(8, f, 100000, {});
    NormalStream random(i, "failing points");
    RegionFinder finder(ledger, random, true, 48);
    // As after subset simulation that ended beyond the plane.
    Matrix population = random.normal_matrix(60, 8);
    population.col(0).array() = 8.2;
    finder.set_population(population);
    finder.scan(1500, 3.0, 5);
    for (const LineRegion& region : finder.regions()) {
      const Vector& x = region.most_probable_point;
      if (region.direction_known) continue;  // by a gradient: on the boundary to 0.02 sigma
      ++without_gradient;
      EXPECT_LE(behind_a_jump(x.transpose()), 0.0) << i << ": at " << x.transpose();
    }
  }
  EXPECT_GT(without_gradient, 20u);
}

// A plane that was led to by a point far behind it says nothing of how near the nearest failure is.
TEST(FailureRegions, OnlyWhatFailsMakesOthersNegligible) {
  for (const bool fails_there : {false, true}) {
    const BatchEvaluator f = margins(behind_a_jump)(0);
    EvaluationLedger ledger(8, f, 1000, {});
    NormalStream random(1, "negligible");
    RegionFinder finder(ledger, random, true, 48);
    finder.regions().emplace_back(Vector::Unit(8, 0), 3.9);
    if (!fails_there) finder.regions()[0].most_probable_point = 6.6 * Vector::Unit(8, 0);
    finder.regions().emplace_back(Vector::Unit(8, 1), 6.3);
    finder.drop_negligible();
    EXPECT_EQ(finder.regions().size(), fails_there ? 1u : 2u);
  }
}

// The nearest of the failures that were met, where the region's own lies two sigma farther out or more; not in noise.
TEST(FailureRegions, AreBroughtToWhatWasMetMuchNearer) {
  for (const bool noisy : {false, true}) {
    const BatchEvaluator f = margins(behind_a_jump)(0);
    EvaluationLedger ledger(8, f, 1000, {});
    NormalStream random(1, "nearer");
    Vector near = Vector::Zero(8), nearer = Vector::Zero(8);
    near.head(2) << 4.3, 3.9;
    nearer.head(2) << 4.1, 3.6;
    for (const Vector& x : {near, nearer}) ledger.evaluate_one(x, Purpose::explore);
    RegionFinder finder(ledger, random, true, 48);
    if (noisy) finder.expect_noise(0.2, false);
    for (const double distance : {13.0, 6.0}) {
      finder.regions().assign(1, LineRegion(Vector(nearer / nearer.norm()), 4.0));
      finder.regions()[0].most_probable_point = distance * nearer / nearer.norm();
      finder.drop_negligible();
      const double expected = distance > 7.0 && !noisy ? nearer.norm() : distance;
      EXPECT_NEAR(finder.regions()[0].most_probable_point.norm(), expected, 1e-12);
    }
  }
}

// Two more than Good-Turing expects may be unseen, where more than one region is known.
TEST(FailureRegions, SeveralLeaveRoomForTwoThatNobodyMet) {
  SearchResult search;
  search.unseen_share = 0.05;
  search.starts = 20;
  EXPECT_DOUBLE_EQ(search.unseen_allowance(1), 0.05);
  EXPECT_DOUBLE_EQ(search.unseen_allowance(2), 0.15);
  search.starts = 0;  // one plane explained all
  EXPECT_DOUBLE_EQ(search.unseen_allowance(2), 0.05);
}

// An output that jumps far out, whose regions were dropped beside a plane that passes, or proposed beside the bulk: of 300
// repeats of the first 3 were off by 1 to 3 sigma though what lies behind the jump had been met some hundred times.
TEST(FailureRegions, WhatWasMetBehindAJumpIsInTheAnswer) {
  ValidationOptions options;
  options.repeats = 300;
  options.first_seed = 2'001'000'001;
  options.target = 0.1;
  options.budget = 10000;
  std::size_t answered = 0, covered = 0;
  const std::vector<RareEventProblem> problems = hard_problems();
  for (const char* name : {"output jump of 4, d=8", "output jump of 5, d=5"}) {
    const ValidationRow row = validate(find_problem(problems, name), options);
    EXPECT_EQ(row.wrong_met, 0u) << row.name;
    answered += row.answered;
    covered += row.covered;
  }
  EXPECT_GE(answered, 5u) << "else nothing is asked here";
  EXPECT_GE(covered + 1, answered);
}

TEST(EvenSelection, KeepsFewOfManyEvenly) {
  EvenSelection<int> selection(8);
  for (int i = 0; i < 1000; ++i) selection.add([i] { return i; });
  const std::vector<int>& kept = selection.items();
  ASSERT_GE(kept.size(), 4u);
  ASSERT_LE(kept.size(), 8u);
  EXPECT_EQ(kept[0], 0);
  for (std::size_t i = 2; i < kept.size(); ++i) EXPECT_EQ(kept[i] - kept[i - 1], kept[1] - kept[0]);
  EXPECT_GT(kept.back() + kept[1], 999 - kept[1]);
}

}  // namespace
}  // namespace flare::analysis
