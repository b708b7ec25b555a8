// The counting of the validation table, on answers made by hand.
#include "tests/analysis/rare_event/rare_event_validation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "analysis/tails/normal_tail.hpp"
#include "tests/analysis/rare_event/openturns_peers.hpp"
#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis {
namespace {

// Fails beyond 4 sigma of x1; beyond 4 sigma of x2 too, which is hidden.
RareEventProblem problem() {
  RareEventProblem p =
      problems::hard("made by hand", "two planes", 2, 2.0 * problems::tail(4.0), "closed form",
                     problems::margins([](const Row& x) { return 4.0 - x.maxCoeff(); }));
  p.hidden = [](const Row& x) { return x(1) >= 4.0; };
  return p;
}

ValidationAnswer estimated(double sigma, double half_width, std::size_t met) {
  ValidationAnswer answer;
  answer.status = TailStatus::estimated;
  answer.log_p = answer.log_p_fail = log_upper_tail(sigma);
  answer.log_p_low = log_upper_tail(sigma + half_width);
  answer.log_p_high = log_upper_tail(sigma - half_width);
  answer.half_width = half_width;
  answer.met = met;
  return answer;
}

TEST(Validation, WrongIsFarFromATruthOutsideTheInterval) {
  const double truth = upper_tail_quantile(problem().log_p);
  EXPECT_TRUE(is_wrong(problem(), estimated(truth + 0.31, 0.1, 0)));
  EXPECT_FALSE(is_wrong(problem(), estimated(truth + 0.29, 0.1, 0))) << "missed, by less";
  EXPECT_FALSE(is_wrong(problem(), estimated(truth + 0.31, 0.4, 0))) << "far, but the interval says so";
  EXPECT_TRUE(is_wrong(problem(), estimated(truth - 0.31, 0.1, 0)));
}

TEST(Validation, EitherEndOfABracketCanBeWrong) {
  RareEventProblem bracket = problem();
  bracket.log_p_high = log_upper_tail(2.0);
  ValidationAnswer answer = estimated(upper_tail_quantile(bracket.log_p), 0.05, 0);
  EXPECT_TRUE(is_wrong(bracket, answer)) << "the upper end was not seen";
  EXPECT_FALSE(covers(bracket, answer));
  answer.log_p_fail = log_upper_tail(2.1);
  EXPECT_FALSE(is_wrong(bracket, answer));
  answer.log_p_high = log_upper_tail(1.9);
  EXPECT_TRUE(covers(bracket, answer));
}

TEST(Validation, CountsRunsInsideTheHiddenFailures) {
  engine::Matrix points(4, 2);
  points << 5.0, 0.0, 0.0, 5.0, 0.0, 0.0, 5.0, 5.0;
  std::size_t met = 0;
  counting_met(problem(), 1, met)(points);
  EXPECT_EQ(met, 2u);
  RareEventProblem open = problem();
  open.hidden = {};
  met = 0;
  counting_met(open, 1, met)(points);
  EXPECT_EQ(met, 3u) << "any failure, where none is hidden";
}

TEST(Validation, RowCountsEveryRepeatOnce) {
  const double truth = upper_tail_quantile(problem().log_p);
  ValidationAnswer refused;
  refused.reason = "after 123.5 runs";
  refused.runs = 900;
  ValidationAnswer bound = estimated(truth + 0.5, 0.1, 3);
  bound.status = TailStatus::bound;
  const ValidationRow row = tabulate(problem(), "m",
                                     {estimated(truth, 0.1, 0), estimated(truth + 0.5, 0.1, 0),
                                      estimated(truth + 0.5, 0.1, 7), refused, bound});
  EXPECT_EQ(row.repeats, 5u);
  EXPECT_EQ(row.answered, 3u);
  EXPECT_EQ(row.bounded, 1u);
  EXPECT_EQ(row.wrong_bounds, 1u);
  EXPECT_EQ(row.covered, 1u);
  EXPECT_EQ(row.wrong, 2u);
  EXPECT_EQ(row.wrong_met, 1u);
  EXPECT_EQ(row.median_runs, 0.0);
  EXPECT_EQ(row.max_runs, 900.0);
  EXPECT_EQ(row.reasons.at("after  runs"), 1u);
}

TEST(Validation, OptionsReachTheEstimator) {
  ValidationOptions options;
  options.repeats = 2;
  options.budget = 1500;
  options.target = 0.3;
  std::vector<std::uint64_t> runs;
  const ValidationRow row =
      validate(problem(), options, [&](const RareEventSummary& s, const ValidationAnswer& a) {
        runs.push_back(s.runs.total());
        EXPECT_EQ(a.runs, static_cast<double>(s.runs.total()));
      });
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_LE(row.max_runs, 1500.0);
  options.first_seed = 2;
  options.repeats = 1;
  validate(problem(), options, [&](const RareEventSummary& s, const ValidationAnswer&) {
    EXPECT_EQ(s.runs.total(), runs[1]) << "repeat 2 is that of seed 2";
  });
}

TEST(Survey, AsksTheEnginesWhereTheDefaultMethodIsWithoutAnEstimate) {
  ValidationOptions options;
  options.repeats = 3;
  options.budget = 3000;
  options.target = 0.1;
  const EngineSurvey answered = survey_engines(problem(), options);
  EXPECT_EQ(answered.unanswered(), 0u);
  EXPECT_TRUE(answered.engines.empty());
  // Fails nowhere near: the default method has only a limit.
  RareEventProblem far = problems::hard("made by hand", "far", 2, problems::tail(30.0), "closed form",
                                        problems::pass_fail([](const Row& x) { return 30.0 - x(0); }));
  const EngineSurvey limited = survey_engines(far, options);
  EXPECT_EQ(limited.unanswered(), 3u);
  ASSERT_FALSE(limited.engines.empty());
  for (const EngineSurvey::Engine& engine : limited.engines) {
    EXPECT_EQ(engine.row.repeats, 3u);
    EXPECT_EQ(engine.row.answered, 0u) << engine.row.method;
    EXPECT_FALSE(engine.is_right) << engine.row.method;
  }
}

// The default method makes plain runs to the end where nothing failed: no engine has any left.
TEST(Survey, WithWhatIsLeftAnEngineHasNoMoreThanThat) {
  ValidationOptions options;
  options.repeats = 2;
  options.budget = 3000;
  options.target = 0.1;
  options.with_what_is_left = true;
  RareEventProblem far = problems::hard("made by hand", "far", 2, problems::tail(30.0), "closed form",
                                        problems::pass_fail([](const Row& x) { return 30.0 - x(0); }));
  const EngineSurvey spent = survey_engines(far, options);
  ASSERT_FALSE(spent.engines.empty());
  for (const EngineSurvey::Engine& engine : spent.engines) {
    EXPECT_EQ(engine.row.repeats, 0u) << engine.row.method;
    EXPECT_FALSE(engine.is_right) << engine.row.method;
  }
}

TEST(Survey, NamesAnEngineThatIsRightWhereTheDefaultMethodIsNot) {
  EngineSurvey survey;
  survey.automatic.name = "p";
  survey.automatic.repeats = 10;
  survey.automatic.answered = survey.automatic.covered = 4;
  EngineSurvey::Engine engine;
  engine.row.method = "e";
  engine.row.answered = engine.row.covered = 9;
  engine.unanswered = 6;
  engine.answered_instead = engine.covered_instead = 5;
  engine.is_right = true;
  survey.engines = {engine};
  EXPECT_EQ(survey_line(survey, true), "| p | 0 | 10 | 4 (1.00) | 9 (1.00) | e: 5 of 6, 5 covered |\n");
}

TEST(Peers, AnswerThroughThePipesWithinTheirRuns) {
  if (!peers_installed()) GTEST_SKIP() << "OpenTURNS is not installed (Debian: python3-openturns)";
  ValidationOptions options;
  options.repeats = 1;
  options.target = 0.1;
  const std::vector<RareEventProblem> all = rare_event_problems();
  const std::vector<ValidationRow> rows = validate_peers(find_problem(all, "linear d=10"), options, 20000);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].method, "OpenTURNS form");
  EXPECT_EQ(rows[0].answered, 1u);
  EXPECT_NEAR(rows[0].mean_ratio, 1.0, 0.9);
  EXPECT_GT(rows[0].max_runs, 100.0);
  const std::vector<ValidationRow> few = validate_peers(find_problem(all, "linear d=10"), options, 200);
  EXPECT_EQ(few[1].answered, 0u) << "subset simulation needs more than 200 runs";
  EXPECT_LE(few[1].max_runs, 200.0);
  EXPECT_TRUE(validate_peers(find_problem(all, "unconverged linear"), options, 200).empty());
}

}  // namespace
}  // namespace flare::analysis
