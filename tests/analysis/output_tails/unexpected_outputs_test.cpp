// The shared estimator on outputs that one plane does not explain: right, or refused; never wrong where it has met
// what makes it wrong.
#include "analysis/output_tails/unexpected_outputs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>

#include "analysis/rare_event/core/normal_stream.hpp"
#include "analysis/tails/normal_tail.hpp"
#include "tests/analysis/output_tails/output_problems.hpp"

#ifndef FLARE_REPEATS
#define FLARE_REPEATS 6
#endif

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;
using testing::OutputProblem;

OutputEvaluator rowwise(std::function<double(const Vector&)> f) {
  return [f = std::move(f)](const Matrix& points) {
    std::vector<double> y;
    for (Eigen::Index i = 0; i < points.rows(); ++i) y.push_back(f(points.row(i)));
    return y;
  };
}

/// What repeats of one problem came to, over all questions.
struct Outcomes {
  std::size_t asked = 0, answered = 0, covered = 0;
  std::size_t wrong =
      0;  // by more than 0.3 sigma, the truth outside, though runs failed where most failures lie
  std::vector<std::uint64_t> runs;
};

Outcomes outcomes_of(const OutputProblem& problem, double half_width) {
  Outcomes outcomes;
  for (std::uint64_t r = 0; r < FLARE_REPEATS; ++r) {
    bool met = false;
    const OutputEvaluator watched = rowwise([&](const Vector& x) {
      const double y = problem.output(x);
      const bool fails = std::any_of(problem.questions.begin(), problem.questions.end(),
                                     [y](const TailQuestion& question) { return question.excess(y) >= 0.0; });
      met = met || (fails && (!problem.hidden || problem.hidden(x)));
      return y;
    });
    OutputTailsOptions options;
    options.target_half_width = half_width;
    options.max_runs = 3000;
    options.seed = 5000 + r;
    const OutputTailsSummary s =
        estimate_output_tails(problem.dimension, watched, problem.questions, options);
    outcomes.runs.push_back(s.runs.total());
    for (std::size_t q = 0; q < problem.questions.size(); ++q) {
      ++outcomes.asked;
      const OutputTail& tail = s.tails[q];
      if (tail.status != TailStatus::estimated) continue;
      ++outcomes.answered;
      const bool covered = tail.log_p_low <= problem.log_p[q] && problem.log_p[q] <= tail.log_p_high;
      const double off = upper_tail_quantile(tail.log_p) - upper_tail_quantile(problem.log_p[q]);
      outcomes.covered += covered ? 1 : 0;
      outcomes.wrong += met && !covered && std::fabs(off) > 0.3 ? 1 : 0;
    }
  }
  std::sort(outcomes.runs.begin(), outcomes.runs.end());
  return outcomes;
}

/// 0.90 of n less what a binomial of 0.95 falls short of its mean in one of a thousand.
double least_covered(std::size_t answered) {
  if (answered == 0) return 0.0;
  const auto n = static_cast<double>(answered);
  return 0.90 * n - (0.95 * n - quantile(boost::math::binomial_distribution<>(n, 0.95), 0.001));
}

/// Nothing wrong, and as many covered as that.
void expect_right_or_refused(const std::vector<OutputProblem>& problems, double least_answered) {
  for (const OutputProblem& problem : problems) {
    for (const double half_width : {0.1, 0.03}) {
      SCOPED_TRACE(problem.name + " at " + std::to_string(half_width));
      const Outcomes outcomes = outcomes_of(problem, half_width);
      std::printf("| %s | %g | %zu of %zu | %.3f | %llu |\n", problem.name.c_str(), half_width,
                  outcomes.answered, outcomes.asked,
                  static_cast<double>(outcomes.covered) / static_cast<double>(outcomes.answered),
                  static_cast<unsigned long long>(outcomes.runs[outcomes.runs.size() / 2]));
      EXPECT_EQ(outcomes.wrong, 0u);
      EXPECT_GE(static_cast<double>(outcomes.answered), least_answered * static_cast<double>(outcomes.asked));
      EXPECT_GE(static_cast<double>(outcomes.covered), least_covered(outcomes.answered));
    }
  }
}

FrozenQuestion frozen_plane(const TailQuestion& question, Eigen::Index d) {
  NormalStream random(3, "frozen");
  const Matrix points = 2.0 * random.normal_matrix(60, d);
  const Vector axis = Vector::Unit(d, 0);
  std::vector<double> y;
  for (Eigen::Index i = 0; i < points.rows(); ++i) y.push_back(points(i, 0));
  const TailSurrogate plane = *TailSurrogate::fit(points, y, axis, 4.0, {1, false, nullptr});
  return {0, plane, plane.boundary(question), plane.log_probability(question)};
}

OutputLook look_at(double scale, Eigen::Index count, std::uint64_t seed, Eigen::Index d,
                   const std::function<double(const Vector&)>& f) {
  NormalStream random(seed, "look", static_cast<std::uint64_t>(10.0 * scale));
  OutputLook look{scale, {}};
  const Matrix points = scale * random.normal_matrix(count, d);
  look.runs.add(points, rowwise(f)(points));
  return look;
}

TEST(UnexpectedOutputs, JumpsAreRightOrRefused) { expect_right_or_refused(testing::jump_problems(), 0.0); }
TEST(UnexpectedOutputs, KinksAreRightOrRefused) { expect_right_or_refused(testing::kink_problems(), 0.0); }
TEST(UnexpectedOutputs, SpreadsThatDependOnThePointAreRightOrRefused) {
  expect_right_or_refused(testing::spread_problems(), 0.0);
}
TEST(UnexpectedOutputs, DominantVariablesAreRightOrRefused) {
  std::vector<OutputProblem> problems = testing::dominance_problems();
  expect_right_or_refused({problems[0], problems[1], problems[3]}, 0.8);
  expect_right_or_refused({problems[2]}, 0.0);
}
TEST(UnexpectedOutputs, ColumnsBeyondSevenSigmaAreAnswered) {
  expect_right_or_refused(testing::far_column_problems(), 0.9);
}

// Runs on the way to the limit show a part of an excess that grows with the way: all of it is feared.
TEST(UnexpectedOutputs, AnExcessIsCarriedToTheLimit) {
  constexpr Eigen::Index d = 16;
  const TailQuestion question{7.0, Side::above, 0.0};
  const FrozenQuestion frozen = frozen_plane(question, d);
  const auto worth = [&](const std::function<double(const Vector&)>& f) {
    OutputLook near =
        look_at(3.0, 60, 1, d, [&](const Vector& x) { return f(x + 3.0 * Vector::Unit(d, 0)); });
    near.runs.points.col(0).array() += 3.0;
    near.near_limit = true;
    return worth_of_unexpected(frozen, question, {near, look_at(1.0, 150, 1, d, f)});
  };
  const auto jumps = worth([](const Vector& x) { return x(0) + (x(1) > 2.0 ? 1.0 : 0.0); });
  const auto grows = worth([](const Vector& x) { return x(0) * (x(1) > 2.0 ? 1.2 : 1.0); });
  // It fails at 7 / 1.2.
  EXPECT_EQ(grows.carried, Carried::with_the_way);
  EXPECT_NEAR(grows.excess, 7.0 - 7.0 / 1.2, 0.05);
  EXPECT_GT(jumps.limit, 0.3);
  EXPECT_GT(grows.limit, 0.3);
}

// One question's jump is met by its neighbours too: none of them may go on without it.
TEST(UnexpectedOutputs, NeighboursOfARefusedQuestionAreNotWrong) {
  OutputProblem problem = testing::jump_problems().front();
  problem.questions = {
      {8.113, Side::above, 0.0}, {7.5, Side::above, 0.3}, {9.0, Side::above, 0.6}, {9.0, Side::above, 1.0}};
  problem.log_p.clear();
  const double rare = std::log(normal_tail(2.5)), common = std::log1p(-normal_tail(2.5));
  for (const TailQuestion& question : problem.questions) {
    const double spread = std::hypot(1.0, question.noise);
    problem.log_p.push_back(log_sum(rare + log_upper_tail((question.limit - 3.0) / spread),
                                    common + log_upper_tail(question.limit / spread)));
  }
  expect_right_or_refused({problem}, 0.0);
}

TEST(UnexpectedOutputs, TheScreenSeesWhatItMayMiss) {
  constexpr Eigen::Index d = 16;
  const TailQuestion question{7.0, Side::above, 0.0};
  const FrozenQuestion frozen = frozen_plane(question, d);
  std::size_t missed = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto worth = [&](const std::function<double(const Vector&)>& f) {
      return worth_of_unexpected(
          frozen, question,
          {look_at(4.5, 40, seed, d, f), look_at(3.0, 60, seed, d, f), look_at(1.0, 150, seed, d, f)});
    };
    // What follows the plane is worth nothing.
    EXPECT_EQ(worth([](const Vector& x) { return x(0); }).limit, 0.0);
    // Twice P, in truth, lies where a step of 1 begins at 2.9.
    missed += worth([](const Vector& x) { return x(0) + (x(1) > 2.9 ? 1.0 : 0.0); }).limit < 0.3 ? 1 : 0;
  }
  EXPECT_LE(missed, 4u);  // of 200
}

TEST(UnexpectedOutputs, AnInfiniteOutputIsAPlainPassOrFail) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const TailQuestion question{4.0, Side::above, 0.2};
  // P of the plane up to 4.6, and beyond it all or nothing.
  double below = 0.0;
  constexpr double step = 1e-3;
  for (double u = -8.0 + 0.5 * step; u < 4.6; u += step) {
    below += step * normal_density(u) * std::exp(question.log_failing(u));
  }
  for (const double beyond : {infinity, -infinity}) {
    const auto output = rowwise([beyond](const Vector& x) {
      const double u = x.sum() / std::sqrt(static_cast<double>(x.size()));
      return u > 4.6 ? beyond : u;
    });
    const OutputTailsSummary s = estimate_output_tails(10, output, {question});
    EXPECT_EQ(s.runs.unknown, 0u);
    if (s.tails[0].status != TailStatus::estimated) continue;
    EXPECT_FALSE(s.tails[0].bracketed);
    const double exact = std::log(below + (beyond > 0.0 ? normal_tail(4.6) : 0.0));
    EXPECT_NEAR(upper_tail_quantile(s.tails[0].log_p), upper_tail_quantile(exact), 0.05);
  }
}

// What an answer says of regions that nobody knew of, counted: does any run lie in a half-space as likely as p?
TEST(UnexpectedOutputs, TheChanceToMeetAnUnknownHalfSpaceIsTold) {
  constexpr Eigen::Index d = 16;
  constexpr int repeats = 40;
  for (const double beta : {6.0, 9.0}) {
    SCOPED_TRACE(beta);
    int met = 0;
    double told = 0.0;
    for (std::uint64_t seed = 0; seed < repeats; ++seed) {
      bool in_it = false;
      const auto watched = rowwise([&](const Vector& x) {
        in_it = in_it || x(1) > beta;
        return x(0);
      });
      OutputTailsOptions options;
      options.seed = seed;
      const OutputTail tail = estimate_output_tails(d, watched, {{beta, Side::above, 0.0}}, options).tails[0];
      ASSERT_EQ(tail.status, TailStatus::estimated) << tail.reason;
      told += tail.met_half_space / repeats;
      met += in_it ? 1 : 0;
    }
    // Binomial, three standard deviations and what rounding needs.
    EXPECT_NEAR(met, repeats * told, 3.0 * std::sqrt(repeats * told * (1.0 - told)) + 0.5);
  }
}

// Of an output that leaves the numbers beyond 4.6 sigma both estimators say the same.
TEST(UnexpectedOutputs, AnInfiniteOutputMeansTheSameToTheGeneralSearch) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr Eigen::Index d = 10;
  const TailQuestion question{4.0, Side::above, 0.0};
  for (const double beyond : {infinity, -infinity}) {
    SCOPED_TRACE(beyond);
    const auto output = [beyond](const Vector& x) {
      const double u = x.sum() / std::sqrt(static_cast<double>(d));
      return u > 4.6 ? beyond : u;
    };
    const double exact = std::log(normal_tail(4.0) - (beyond > 0.0 ? 0.0 : normal_tail(4.6)));
    const auto margins = [&](const Matrix& points) {
      std::vector<Response> responses;
      for (Eigen::Index i = 0; i < points.rows(); ++i) {
        responses.push_back(Response::margin(-question.excess(output(points.row(i)))));
      }
      return responses;
    };
    int covered = 0;
    constexpr int repeats = 20;
    for (std::uint64_t seed = 1; seed <= repeats; ++seed) {
      RareEventOptions options;
      options.max_runs = 5000;
      options.seed = seed;
      const RareEventSummary general = estimate_failure_probability(d, margins, options);
      EXPECT_EQ(general.runs.unknown, 0u);
      ASSERT_EQ(general.status, TailStatus::estimated) << general.reason;
      EXPECT_NEAR(upper_tail_quantile(general.log_p), upper_tail_quantile(exact), 0.1);
      covered += general.log_p_low <= exact && exact <= general.log_p_high ? 1 : 0;
    }
    EXPECT_GE(covered, 15) << "of " << repeats;
    const OutputTailsSummary shared = estimate_output_tails(d, rowwise(output), {question});
    EXPECT_EQ(shared.runs.unknown, 0u);
    if (shared.tails[0].status == TailStatus::estimated) {
      EXPECT_NEAR(upper_tail_quantile(shared.tails[0].log_p), upper_tail_quantile(exact), 0.1);
    }
  }
}

TEST(UnexpectedOutputs, WhatIsKnownIsNotMadeAgain) {
  const auto plane = rowwise([](const Vector& x) { return x.sum() / 4.0; });
  const std::vector<TailQuestion> questions = {{6.0, Side::above, 0.3}};
  const OutputTailsSummary first = estimate_output_tails(16, plane, questions);
  ASSERT_EQ(first.draws.size(), 3u);  // 1 sigma, inflated, audit
  EXPECT_EQ(static_cast<std::uint64_t>(first.draws[0].points.rows() + first.draws[1].points.rows()),
            first.runs.explore);
  // The rest of the audit looked near the limit: no draws of a plain law, and not known to anybody.
  EXPECT_LT(static_cast<std::uint64_t>(first.draws[2].points.rows()), first.runs.audit);
  // All of it, and then a part: only the rest is made.
  OutputTailsOptions options;
  options.known = first.draws;
  EXPECT_EQ(estimate_output_tails(16, plane, questions, options).runs.explore, 0u);
  options.known[0].points = Matrix(first.draws[0].points.topRows(20));
  options.known[0].values.resize(20);
  const OutputTailsSummary second = estimate_output_tails(16, plane, questions, options);
  EXPECT_EQ(second.runs.explore, static_cast<std::uint64_t>(first.draws[0].points.rows() - 20));
}

}  // namespace
}  // namespace flare::analysis
