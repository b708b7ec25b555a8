// What a caller of estimate_failure_probability may rely on: answers, refusals, errors, reproducibility.
#include "analysis/rare_event/rare_event.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "analysis/rare_event/core/normal_stream.hpp"
#include "analysis/rare_event/estimators/estimator_list.hpp"
#include "analysis/tails/normal_tail.hpp"
#include "tests/analysis/rare_event/rare_event_validation.hpp"

namespace flare::analysis {
namespace {

using Row = Eigen::RowVectorXd;

BatchEvaluator from(const std::function<Response(const Row&)>& one) {
  return [one](const engine::Matrix& points) {
    std::vector<Response> responses;
    for (Eigen::Index i = 0; i < points.rows(); ++i) responses.push_back(one(points.row(i)));
    return responses;
  };
}

Response linear(const Row& x) {
  return Response::margin(4.5 - x.sum() / std::sqrt(static_cast<double>(x.size())));
}

TEST(RareEvent, AnswersALinearMarginWithAnIntervalThatHoldsTheTruth) {
  const RareEventSummary s = estimate_failure_probability(5, from(linear));
  ASSERT_EQ(s.status, TailStatus::estimated) << s.reason;
  EXPECT_TRUE(s.target_met);
  EXPECT_LE(s.sigma_low(), 4.5);
  EXPECT_GE(s.sigma_high(), 4.5);
  EXPECT_LE(s.half_width(), 0.1);
  EXPECT_LT(s.runs.total(), 500u);
  ASSERT_FALSE(s.regions.empty());
  EXPECT_NEAR(s.regions[0].distance, 4.5, 0.1);
  EXPECT_NEAR(s.regions[0].share, 1.0, 1e-12);
  EXPECT_NE(s.brief_report().find("estimated"), std::string::npos);
  EXPECT_NE(s.full_report().find("plain runs"), std::string::npos);
}

TEST(RareEvent, SameSeedSameBitsOtherSeedOtherBits) {
  RareEventOptions options;
  options.seed = 7;
  const RareEventSummary a = estimate_failure_probability(6, from(linear), options);
  const RareEventSummary b = estimate_failure_probability(6, from(linear), options);
  options.seed = 8;
  const RareEventSummary c = estimate_failure_probability(6, from(linear), options);
  EXPECT_EQ(a.log_p, b.log_p);
  EXPECT_EQ(a.log_p_low, b.log_p_low);
  EXPECT_EQ(a.runs.total(), b.runs.total());
  EXPECT_NE(a.log_p, c.log_p);
}

TEST(RareEvent, CountsEveryRunOnceAndKeepsTheBudget) {
  for (const RareEventProblem& problem : rare_event_problems()) {
    std::uint64_t made = 0;
    const BatchEvaluator inner = problem.evaluator(1);
    RareEventOptions options;
    options.max_runs = std::max<std::uint64_t>(900, RareEventOptions::min_runs(problem.dimension));
    const RareEventSummary s = estimate_failure_probability(
        problem.dimension,
        [&](const engine::Matrix& points) {
          made += static_cast<std::uint64_t>(points.rows());
          return inner(points);
        },
        options);
    EXPECT_EQ(s.runs.total(), made) << problem.name;
    EXPECT_LE(made, options.max_runs) << problem.name;
    EXPECT_EQ(std::isnan(s.log_p), s.status == TailStatus::refused) << problem.name;
    EXPECT_FALSE(s.status == TailStatus::refused && s.reason.empty()) << problem.name;
  }
}

TEST(RareEvent, RejectsBadInputWithAReason) {
  const auto message = [](std::size_t d, const BatchEvaluator& f, const RareEventOptions& options) {
    try {
      estimate_failure_probability(d, f, options);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message(0, from(linear), {}).find("dimension is 0"), std::string::npos);
  EXPECT_NE(message(3, {}, {}).find("evaluator is empty"), std::string::npos);
  RareEventOptions options;
  options.max_runs = 10;
  EXPECT_NE(message(3, from(linear), options).find("at least 206"), std::string::npos);
  options = {};
  options.target_half_width = 0.0;
  EXPECT_NE(message(3, from(linear), options).find("target_half_width"), std::string::npos);
  options = {};
  options.warm_starts = {engine::Vector::Ones(2)};
  EXPECT_NE(message(3, from(linear), options).find("warm start"), std::string::npos);
  const BatchEvaluator short_answer = [](const engine::Matrix&) { return std::vector<Response>(); };
  EXPECT_NE(message(3, short_answer, {}).find("answered 0 runs"), std::string::npos);
}

TEST(RareEvent, WhatTheEvaluatorThrowsPassesThrough) {
  const BatchEvaluator broken = [](const engine::Matrix&) -> std::vector<Response> {
    throw std::runtime_error("the simulator is gone");
  };
  EXPECT_THROW(estimate_failure_probability(3, broken), std::runtime_error);
}

TEST(RareEvent, StopsEarlyWhereNoRunAnswers) {
  for (const RareEventMethod method : {RareEventMethod::automatic, RareEventMethod::subset_simulation}) {
    RareEventOptions options;
    options.method = method;
    const RareEventSummary s = estimate_failure_probability(
        4, from([](const Row&) { return Response::margin(std::nan("")); }), options);
    EXPECT_EQ(s.status, TailStatus::refused);
    EXPECT_LE(s.runs.total(), options.max_runs / 20);
    EXPECT_NE(s.reason.find("gave an answer"), std::string::npos) << s.reason;
  }
}

TEST(RareEvent, NothingButNotANumberIsAnUpperLimitAtMost) {
  const RareEventSummary s =
      estimate_failure_probability(4, from([](const Row&) { return Response::margin(std::nan("")); }));
  EXPECT_NE(s.status, TailStatus::estimated);
  EXPECT_EQ(s.runs.unknown, s.runs.total());
}

TEST(RareEvent, NeverWritesProbabilityZero) {
  for (const RareEventMethod method : {RareEventMethod::automatic, RareEventMethod::monte_carlo}) {
    RareEventOptions options;
    options.method = method;
    const RareEventSummary s =
        estimate_failure_probability(4, from([](const Row&) { return Response::margin(1.0); }), options);
    EXPECT_EQ(s.status, TailStatus::bound);
    EXPECT_GT(s.p(), 0.0);
    EXPECT_LT(s.p(), 0.1);
    EXPECT_FALSE(s.reason.empty());
  }
}

// Uniform within +-10 against 10.5: plain runs are all there is to say, so the budget goes into them.
TEST(RareEvent, WhatCannotFailIsABoundFromTheWholeBudget) {
  for (const std::size_t d : {1u, 3u}) {
    RareEventOptions options;
    options.max_runs = 2000;
    const RareEventSummary s = estimate_failure_probability(
        d, from([](const Row& x) {
          return Response::margin(10.5 -
                                  10.0 * std::erf(x.sum() / std::sqrt(2.0 * static_cast<double>(x.size()))));
        }),
        options);
    EXPECT_EQ(s.status, TailStatus::bound) << s.full_report();
    EXPECT_LT(s.p(), 3.0 / 500.0);
    EXPECT_GE(s.p(), 2.99 / 2000.0) << "3/n is all that n runs can say";
    EXPECT_GT(s.runs.total(), 1900u);
    EXPECT_NE(s.reason.find("plain runs"), std::string::npos) << s.reason;
    EXPECT_EQ(s.p_low(), 0.0);
  }
}

// Sum of 200 lognormals: no plane, no region that a proposal could be built on. Gradients cost too much of 5,000 runs; what
// is left suffices for subset simulation. An engine that was asked for by name refuses.
TEST(RareEvent, SubsetSimulationAnswersWhereNoRegionStandsOut) {
  const std::vector<RareEventProblem> problems = rare_event_problems();
  const RareEventProblem& problem = find_problem(problems, "lognormal sum d=200, 5000 runs");
  RareEventOptions options;
  options.max_runs = problem.budget;
  const RareEventSummary s = estimate_failure_probability(problem.dimension, problem.evaluator(1), options);
  ASSERT_EQ(s.status, TailStatus::estimated) << s.full_report();
  EXPECT_EQ(s.method, RareEventMethod::subset_simulation);
  EXPECT_LE(s.log_p_low, problem.log_p);
  EXPECT_GE(s.log_p_high, problem.log_p);
  EXPECT_LE(s.runs.total(), options.max_runs);
  options.method = RareEventMethod::line_sampling;
  const RareEventSummary line =
      estimate_failure_probability(problem.dimension, problem.evaluator(1), options);
  EXPECT_EQ(line.status, TailStatus::refused);
  EXPECT_TRUE(std::isnan(line.log_p));
}

// Where every scale above 2 fails always, a fit through all of them says 0.15 instead of 2.7e-5.
TEST(RareEvent, ScaledSigmaHoldsTheTruthOrRefuses) {
  const std::vector<RareEventProblem> problems = rare_event_problems();
  for (const char* name :
       {"lognormal sum d=200, 10000 runs", "bowl", "sphere d=6", "linear d=100", "two sigma"}) {
    const RareEventProblem& problem = find_problem(problems, name);
    const ValidationRow row =
        validate(problem, {.repeats = 20, .first_seed = 60'001, .method = RareEventMethod::scaled_sigma});
    EXPECT_GE(row.covered + 1, row.answered) << name;
  }
}

TEST(RareEvent, CertainFailureIsABoundToo) {
  const RareEventSummary s =
      estimate_failure_probability(4, from([](const Row&) { return Response::fail(); }));
  EXPECT_EQ(s.status, TailStatus::bound);
  EXPECT_GT(s.p(), 0.9);
  EXPECT_EQ(s.p_high(), 1.0);
}

TEST(RareEvent, StopsOnRequest) {
  std::stop_source source;
  std::uint64_t made = 0;
  const RareEventSummary s = estimate_failure_probability(
      10,
      [&](const engine::Matrix& points) {
        made += static_cast<std::uint64_t>(points.rows());
        if (made > 100) source.request_stop();
        return from(linear)(points);
      },
      {}, source.get_token());
  EXPECT_EQ(s.status, TailStatus::refused);
  EXPECT_NE(s.reason.find("stopped"), std::string::npos);
  EXPECT_EQ(s.runs.total(), made);
}

TEST(RareEvent, WarmStartsSaveTheSearch) {
  const std::size_t d = 60;
  RareEventOptions cold;
  RareEventOptions warm;
  warm.trust_neighbour = true;
  warm.warm_starts = {engine::Vector::Constant(d, 4.3 / std::sqrt(60.0))};
  const RareEventSummary a = estimate_failure_probability(d, from(linear), cold);
  const RareEventSummary b = estimate_failure_probability(d, from(linear), warm);
  ASSERT_EQ(b.status, TailStatus::estimated) << b.full_report();
  EXPECT_LE(b.sigma_low(), 4.5);
  EXPECT_GE(b.sigma_high(), 4.5);
  EXPECT_LT(b.runs.total(), a.runs.total());
  EXPECT_LT(b.runs.total(), 250u);
}

TEST(RareEvent, AWarmStartFromElsewhereIsNotBelieved) {
  RareEventOptions options;
  options.trust_neighbour = true;
  options.warm_starts = {-engine::Vector::Constant(8, 4.3 / std::sqrt(8.0))};
  const RareEventSummary s = estimate_failure_probability(8, from(linear), options);
  if (s.status == TailStatus::estimated) {
    EXPECT_LE(s.sigma_low(), 4.5);
    EXPECT_GE(s.sigma_high(), 4.5);
  }
}

TEST(RareEvent, UnknownRunsGiveABracketThatHoldsBothReadings) {
  const std::vector<RareEventProblem> problems = rare_event_problems();
  const RareEventProblem& problem = find_problem(problems, "unconverged linear");
  RareEventOptions options;
  options.max_runs = 10000;
  const RareEventSummary s = estimate_failure_probability(problem.dimension, problem.evaluator(1), options);
  ASSERT_EQ(s.status, TailStatus::estimated) << s.full_report();
  EXPECT_TRUE(s.bracketed);
  EXPECT_GT(s.runs.unknown, 0u);
  EXPECT_LE(s.log_p_low, problem.log_p);
  EXPECT_GE(s.log_p_high, problem.log_p_high);
  EXPECT_EQ(s.log_p, s.log_p_unknown_fail);
  EXPECT_LT(s.log_p_unknown_pass, s.log_p_unknown_fail);
}

// Where the ends are sigmas apart a truth just outside of them is off by sigmas.
TEST(RareEvent, UnknownRunsLeaveEndsThatAreSure) {
  const std::vector<RareEventProblem> problems = hard_problems();
  const ValidationRow row = validate(find_problem(problems, "unknown at random 1 %, d=10"),
                                     {.repeats = 100, .first_seed = 700'000'001});
  EXPECT_GE(row.answered, 90u);
  EXPECT_GE(row.covered + 1, row.answered) << "7 miss where each end is of 95 %";
}

TEST(RareEvent, NoisyMarginsEnd) {
  const std::vector<RareEventProblem> problems = rare_event_problems();
  const RareEventProblem& problem = find_problem(problems, "noisy linear");
  for (const RareEventMethod method :
       {RareEventMethod::automatic, RareEventMethod::mean_shift, RareEventMethod::mixture_importance,
        RareEventMethod::line_sampling, RareEventMethod::radial_sampling}) {
    RareEventOptions options;
    options.method = method;
    const RareEventSummary s = estimate_failure_probability(problem.dimension, problem.evaluator(3), options);
    EXPECT_LE(s.runs.total(), 5000u);
    if (s.status != TailStatus::estimated) continue;
    EXPECT_LE(s.log_p_low, problem.log_p) << to_string(method);
    EXPECT_GE(s.log_p_high, problem.log_p) << to_string(method);
  }
}

// Margins 5 - u + noise(u): what the noise must be for an answer, and what is refused.
RareEventSummary with_noise(std::uint64_t seed, const std::function<double(NormalStream&, double)>& noise) {
  NormalStream random(seed, "noise");
  RareEventOptions options;
  options.seed = seed;
  options.target_half_width = 0.06;
  return estimate_failure_probability(8, from([&](const Row& x) {
                                        const double u = x.sum() / std::sqrt(8.0);
                                        return Response::margin(5.0 - u + noise(random, u));
                                      }),
                                      options);
}

TEST(RareEvent, NoiseThatJustAddsIsPartOfTheAnswer) {
  for (const double spread : {0.1, 0.4}) {
    const double truth = log_upper_tail(5.0 / std::sqrt(1.0 + spread * spread));
    int answered = 0, covered = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      const RareEventSummary s =
          with_noise(seed, [&](NormalStream& random, double) { return spread * random.normal(); });
      if (s.status != TailStatus::estimated) continue;
      ++answered;
      covered += s.log_p_low <= truth && truth <= s.log_p_high ? 1 : 0;
    }
    EXPECT_GE(answered, 36) << spread;
    EXPECT_GE(covered, answered - 7) << spread;  // of 40 at 0.95, more than 7 misses: one time in a thousand
  }
}

// What the lines refuse, repeats of subset simulation may answer: their interval must hold the truth then.
void expect_only_chains_answer(double truth, const std::function<double(NormalStream&, double)>& noise) {
  int missed = 0, by_lines = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const RareEventSummary s = with_noise(seed, noise);
    if (s.status != TailStatus::estimated) continue;
    by_lines += s.method == RareEventMethod::subset_simulation ? 0 : 1;
    missed += s.log_p_low <= truth && truth <= s.log_p_high ? 0 : 1;
  }
  EXPECT_LE(by_lines, 2);  // 600 lines meet none of one in a hundred that is far off in three of a hundred
  EXPECT_LE(missed, 5);    // of 20 at 0.95, more than 5 miss three times in ten thousand
}

TEST(RareEvent, NoiseThatIsFarFromNormalIsForChains) {
  // One run in a hundred is off by ten times as much.
  const double truth = std::log(0.99 * std::exp(log_upper_tail(5.0 / std::sqrt(1.01))) +
                                0.01 * std::exp(log_upper_tail(5.0 / std::sqrt(2.0))));
  expect_only_chains_answer(truth, [](NormalStream& random, double) {
    return (random.uniform() < 0.01 ? 1.0 : 0.1) * random.normal();
  });
}

TEST(RareEvent, NoiseThatGrowsTowardsFailureIsForChains) {
  const auto spread = [](double u) { return 0.3 * std::max(0.0, 1.0 + 0.3 * u); };
  double p = 0.0;  // the mean over u of P(noise > 5 - u), by the midpoint rule: smooth, and 1e-3 is enough
  for (double u = -3.0; u < 9.0; u += 1e-3) {
    const double middle = u + 5e-4;
    p += 1e-3 * 0.39894228 *
         std::exp(-0.5 * middle * middle + log_upper_tail((5.0 - middle) / spread(middle)));
  }
  expect_only_chains_answer(std::log(p),
                            [&](NormalStream& random, double u) { return spread(u) * random.normal(); });
}

TEST(RareEvent, EveryMethodIsListedOnce) {
  for (int m = 0; m <= static_cast<int>(RareEventMethod::scaled_sigma); ++m) {
    const auto method = static_cast<RareEventMethod>(m);
    const auto listed = std::count_if(named_estimators().begin(), named_estimators().end(),
                                      [method](const NamedEstimator& e) { return e.method == method; });
    EXPECT_EQ(listed, method == RareEventMethod::automatic ? 0 : 1) << to_string(method);
  }
}

TEST(RareEvent, EveryMethodAnswersOrRefusesTwoSigma) {
  const std::vector<RareEventProblem> problems = rare_event_problems();
  const RareEventProblem& problem = find_problem(problems, "two sigma");
  for (const RareEventMethod method :
       {RareEventMethod::monte_carlo, RareEventMethod::quasi_monte_carlo, RareEventMethod::subset_simulation,
        RareEventMethod::mean_shift, RareEventMethod::mixture_importance, RareEventMethod::line_sampling,
        RareEventMethod::radial_sampling, RareEventMethod::scaled_sigma}) {
    RareEventOptions options;
    options.method = method;
    options.max_runs = 20000;
    const RareEventSummary s = estimate_failure_probability(problem.dimension, problem.evaluator(1), options);
    if (s.status == TailStatus::refused) {
      EXPECT_EQ(method, RareEventMethod::radial_sampling) << to_string(method) << ": " << s.reason;
      continue;
    }
    EXPECT_EQ(s.status == TailStatus::extrapolated, method == RareEventMethod::scaled_sigma);
    EXPECT_NEAR(s.sigma(), 2.0, 0.3) << to_string(method);
  }
}

}  // namespace
}  // namespace flare::analysis
