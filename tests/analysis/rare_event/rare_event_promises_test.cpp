// What a result says of what it did not see, the checks that cost nothing, and input that is not as it should be.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "analysis/rare_event/core/met_chance.hpp"
#include "analysis/rare_event/estimators/sample_checks.hpp"
#include "analysis/rare_event/rare_event.hpp"
#include "analysis/rare_event/sampling/line_sampling.hpp"
#include "analysis/rare_event/search/roughness.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using Row = Eigen::RowVectorXd;
constexpr double infinity = std::numeric_limits<double>::infinity();

BatchEvaluator margins(std::function<double(const Row&)> margin) {
  return [margin](const engine::Matrix& points) {
    std::vector<Response> responses;
    for (Eigen::Index i = 0; i < points.rows(); ++i)
      responses.push_back(Response::margin(margin(points.row(i))));
    return responses;
  };
}

double along_all(const Row& x) { return x.sum() / std::sqrt(static_cast<double>(x.size())); }

bool covers(const RareEventSummary& s, double log_p) { return s.log_p_low <= log_p && log_p <= s.log_p_high; }

TEST(MetChance, OfIndependentDraws) {
  // By hand: 40 draws at 4.5 sigma, half-space at 6 sigma: each meets it with Phi(-4/3) = 0.09121.
  const MetChance met = chance_met({{4.5, 40}}, log_upper_tail(6.0));
  EXPECT_NEAR(met.half_space, 1.0 - std::pow(1.0 - 0.0912112, 40), 1e-5);
  // Four inputs beyond c, Phi(-c)^4 = Phi(-6): c = 2.5361, met by Phi(-c / 4.5)^4 = 0.006739 of the draws.
  EXPECT_NEAR(met.corner, 1.0 - std::pow(1.0 - 0.0067393, 40), 1e-5);
  EXPECT_TRUE(std::isnan(chance_met({{4.5, 40}}, std::nan("")).half_space));
  const std::uint64_t more = draws_to_meet({}, 6.0, 4.5, 0.95);
  EXPECT_GE(chance_met({{4.5, more}}, log_upper_tail(6.0)).half_space, 0.95);
  EXPECT_LT(chance_met({{4.5, more - 1}}, log_upper_tail(6.0)).half_space, 0.95);
  EXPECT_EQ(draws_to_meet({{4.5, more}}, 6.0, 4.5, 0.95), 0U);
}

// Searches of a plane, beside it a half-space and a corner that nobody knows of, planted at random and without effect on
// the margin: the share of searches with a run in them against what the results say.
TEST(MetChance, IsTheShareOfSearchesThatMeetAHiddenRegion) {
  constexpr int repeats = 300;
  constexpr Eigen::Index d = 12;
  const double hidden_beta = 7.5;
  double space_said = 0.0, space_spread = 0.0, corner_said = 0.0, corner_spread = 0.0;
  int space_met = 0, corner_met = 0;
  for (int i = 0; i < repeats; ++i) {
    NormalStream random(static_cast<std::uint64_t>(i), "hidden regions");
    const Row w = random.normal_vector(d).transpose().normalized();
    std::set<Eigen::Index> inputs;
    while (inputs.size() < 4) inputs.insert(static_cast<Eigen::Index>(random.pick(d)));
    const Row signs = random.normal_vector(d).transpose().cwiseSign();
    const double limit = upper_tail_quantile(log_upper_tail(5.5) / 4.0);
    bool in_space = false, in_corner = false;
    const BatchEvaluator f = margins([&](const Row& x) {
      in_space = in_space || w.dot(x) >= hidden_beta;
      in_corner = in_corner || std::all_of(inputs.begin(), inputs.end(),
                                           [&](Eigen::Index k) { return signs(k) * x(k) >= limit; });
      return 5.5 - along_all(x);
    });
    RareEventOptions options;
    options.seed = static_cast<std::uint64_t>(i);
    const RareEventSummary s = estimate_failure_probability(d, f, options);
    ASSERT_EQ(s.status, TailStatus::estimated);
    const double q = chance_met(s.looks, log_upper_tail(hidden_beta)).half_space, r = s.met.corner;
    EXPECT_GT(s.met.half_space, 0.95);
    space_said += q;
    space_spread += q * (1.0 - q);
    corner_said += r;
    corner_spread += r * (1.0 - r);
    space_met += in_space ? 1 : 0;
    corner_met += in_corner ? 1 : 0;
  }
  EXPECT_NEAR(space_met, space_said, 3.3 * std::sqrt(space_spread));
  EXPECT_NEAR(corner_met, corner_said, 3.3 * std::sqrt(corner_spread));
}

TEST(MetChance, IsInTheReport) {
  const RareEventSummary s =
      estimate_failure_probability(4, margins([](const Row& x) { return 5.0 - x(0); }));
  EXPECT_NE(s.full_report().find("would have been met with"), std::string::npos);
  EXPECT_NE(s.full_report().find("no run was"), std::string::npos) << "unknown runs that were not met";
}

// The checks that cost nothing: how often they cry wolf, and what they see.

TEST(Halves, OfOneLawAgree) {
  NormalStream random(5, "halves");
  int alarms = 0;
  for (int i = 0; i < 4000; ++i) {
    Stratum stratum;
    for (int k = 0; k < 60; ++k) stratum.values.push_back(std::exp(0.8 * random.normal()));
    alarms += halves_apart({stratum}) > 4.5 ? 1 : 0;
  }
  EXPECT_LE(alarms, 2);
}

TEST(Halves, OfAChangedLawDoNot) {
  NormalStream random(6, "halves");
  int alarms = 0;
  for (int i = 0; i < 100; ++i) {
    Stratum stratum;
    for (int k = 0; k < 80; ++k)
      stratum.values.push_back((k < 40 ? 1.0 : 3.0) * std::exp(0.5 * random.normal()));
    alarms += halves_apart({stratum}) > 4.5 ? 1 : 0;
  }
  EXPECT_GE(alarms, 95);
  EXPECT_EQ(halves_apart({Stratum{{1.0, 2.0}}}), 0.0);
}

// A law that was fitted to points far from the middle: without its defensive share nothing says so but the weights.
TEST(Weights, HaveMeanOneOrTheLawHasLostAPart) {
  NormalStream random(7, "weights");
  const Eigen::Index d = 20;
  int alarms = 0, false_alarms = 0;
  for (int i = 0; i < 200; ++i) {
    LineRegion region(engine::Vector::Unit(d, 0), 6.0);
    engine::Matrix drifted = 0.5 * random.normal_matrix(20, d);
    drifted.col(3).array() += 4.0;
    region.law.fit(drifted, std::vector<double>(20, 1.0), 0.02);
    std::vector<LineResult> lost, kept;
    for (int k = 0; k < 12; ++k) {
      LineResult line;
      line.x = region.law.draw_shaped(random);
      line.log_weight = region.law.log_weight(line.x);
      lost.push_back(line);
      line.x = region.law.draw((k + random.uniform()) / 12.0, random);
      line.log_weight = region.law.log_weight(line.x);
      kept.push_back(line);
    }
    alarms += weight_deficit(lost, 0) > 4.0 ? 1 : 0;
    false_alarms += std::abs(weight_deficit(kept, 0)) > 4.0 ? 1 : 0;
  }
  EXPECT_GE(alarms, 195);
  EXPECT_LE(false_alarms, 2) << "a defensive share that is always drawn keeps the mean";
}

// A deterministic solver's noise: the same answer again, another one a millionth of a sigma away.
TEST(Noise, IsSeenByNudges) {
  const auto rough = [](const Row& x) {
    double h = 0.0;
    for (const double v : x)
      h = std::fmod(std::abs(43758.5453 * std::sin(12.9898 * (v * 1e7) + 78.233 * h)), 1.0);
    return 6.0 - x(0) + 0.05 * std::sqrt(12.0) * (h - 0.5);
  };
  const BatchEvaluator noisy = margins(rough),
                       smooth = margins([](const Row&x) { return 6.0 - x(0) + 0.3 * x(1) * x(1); });
  const engine::Vector at = 0.7 * engine::Vector::Ones(5);
  EvaluationLedger noisy_ledger(5, noisy, 1000, {}), smooth_ledger(5, smooth, 1000, {});
  EXPECT_NEAR(roughness_at(noisy_ledger, at, rough(at.transpose()), 1.0), 0.05, 0.035);
  EXPECT_LE(noisy_ledger.counts().total(), 10U);
  EXPECT_EQ(roughness_at(smooth_ledger, at, 6.0 - 0.7 + 0.3 * 0.49, 1.0), 0.0);
  EXPECT_EQ(smooth_ledger.counts().total(), 2U);
}

// Bad input.

TEST(BadInput, TheLeastBudgetIsAcceptedAndNeverExceeded) {
  for (const std::size_t d : {1U, 10U, 100U}) {
    RareEventOptions options;
    options.max_runs = RareEventOptions::min_runs(d);
    const RareEventSummary s =
        estimate_failure_probability(d, margins([](const Row& x) { return 6.0 - along_all(x); }), options);
    EXPECT_LE(s.runs.total(), options.max_runs);
    if (s.status == TailStatus::refused) {
      EXPECT_FALSE(s.reason.empty());
    } else {
      EXPECT_TRUE(covers(s, log_upper_tail(6.0)));
    }
  }
}

TEST(BadInput, MarginsThatAreNeverNumbersStopAfterAFraction) {
  for (int m = 0; m <= static_cast<int>(RareEventMethod::scaled_sigma); ++m) {
    RareEventOptions options;
    options.method = static_cast<RareEventMethod>(m);
    const RareEventSummary s = estimate_failure_probability(
        10, margins([](const Row&) { return std::numeric_limits<double>::quiet_NaN(); }), options);
    EXPECT_EQ(s.status, TailStatus::refused);
    EXPECT_LE(s.runs.total(), options.max_runs / 20) << to_string(options.method);
    EXPECT_NE(s.reason.find("gave an answer"), std::string::npos) << s.reason;
  }
}

TEST(BadInput, TwentyThousandDimensions) {
  constexpr std::size_t d = 20'000;
  RareEventOptions options;
  options.max_runs = RareEventOptions::min_runs(d);
  std::size_t largest_batch = 0;
  const RareEventSummary s = estimate_failure_probability(
      d,
      [&](const engine::Matrix& points) {
        largest_batch = std::max(largest_batch, static_cast<std::size_t>(points.size()) * sizeof(double));
        std::vector<Response> responses;
        const double root = std::sqrt(static_cast<double>(d));
        for (Eigen::Index i = 0; i < points.rows(); ++i)
          responses.push_back(Response::margin(6.0 - points.row(i).sum() / root));
        return responses;
      },
      options);
  ASSERT_EQ(s.status, TailStatus::estimated) << s.reason;
  EXPECT_TRUE(covers(s, log_upper_tail(6.0)));
  EXPECT_LE(largest_batch, 50U << 20) << "bytes: batches stay small where points are large";
}

TEST(BadInput, AnInfiniteMarginHasASideAndTakesNothingFromTheOthers) {
  const auto finite = [](const Row& x) { return 2.5 - along_all(x); };
  const auto infinite = [](const Row& x) {
    const double margin = 2.5 - along_all(x);
    return margin > 4.0 ? infinity : (margin < -0.6 ? -infinity : margin);
  };
  const BatchEvaluator evaluator = margins(infinite);
  EvaluationLedger ledger(3, evaluator, 100, {});
  const Evaluated passes = ledger.evaluate_one(-2.0 * engine::Vector::Ones(3), Purpose::explore);
  const Evaluated fails = ledger.evaluate_one(3.0 * engine::Vector::Ones(3), Purpose::explore);
  ledger.evaluate_one(engine::Vector::Zero(3), Purpose::explore);
  EXPECT_FALSE(passes.failed || passes.unknown || passes.has_margin);
  EXPECT_TRUE(fails.failed && !fails.unknown);
  EXPECT_TRUE(ledger.margins()) << "only a bare pass or fail says that there are no margins";
  for (int m = 0; m < static_cast<int>(RareEventMethod::scaled_sigma); ++m) {
    RareEventOptions options;
    options.method = static_cast<RareEventMethod>(m);
    options.max_runs = 8000;
    int answered = 0, covered = 0, wanted = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      options.seed = seed;
      const RareEventSummary s = estimate_failure_probability(3, margins(infinite), options);
      EXPECT_EQ(s.runs.unknown, 0U);
      wanted +=
          estimate_failure_probability(3, margins(finite), options).status == TailStatus::estimated ? 1 : 0;
      if (s.status != TailStatus::estimated) continue;
      ++answered;
      covered += covers(s, log_upper_tail(2.5)) ? 1 : 0;
    }
    EXPECT_GE(answered, wanted - 4) << to_string(options.method);
    EXPECT_GE(covered, answered - 3) << to_string(options.method);
  }
}

// A delay that never ends: a margin of minus infinity beyond a place where the margins before it fall ever faster.
TEST(BadInput, AMeasureThatIsNeverReachedFails) {
  const BatchEvaluator f = margins([](const Row& x) {
    const double u = along_all(x);
    return u < 3.9 ? 200.0 - 200.0 * 0.12 / (3.9 - u) : -infinity;
  });
  int answered = 0, covered = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    RareEventOptions options;
    options.seed = seed;
    options.max_runs = 2000;
    const RareEventSummary s = estimate_failure_probability(6, f, options);
    EXPECT_EQ(s.runs.unknown, 0U);
    if (s.status != TailStatus::estimated) continue;
    ++answered;
    covered += covers(s, log_upper_tail(3.78)) ? 1 : 0;
  }
  EXPECT_GE(answered, 20);
  EXPECT_GE(covered, answered - 6);  // of 40 at 0.95 seven misses come three times in a thousand
}

// Either side of a window in two inputs, by lines alone.
TEST(BadInput, BothSidesOfAWindowByLines) {
  const BatchEvaluator f = margins([](const Row& x) { return 0.035 - 0.005 * std::abs(x(0) - x(1)); });
  const double truth = std::log(2.0) + log_upper_tail(7.0 / std::sqrt(2.0));
  int answered = 0, covered = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    RareEventOptions options;
    options.seed = seed;
    options.method = RareEventMethod::line_sampling;
    const RareEventSummary s = estimate_failure_probability(2, f, options);
    if (s.status != TailStatus::estimated) continue;
    ++answered;
    covered += covers(s, truth) ? 1 : 0;
    EXPECT_LT(std::abs(s.sigma() - upper_tail_quantile(truth)), 0.1) << seed;
  }
  EXPECT_GE(answered, 90);
  EXPECT_GE(covered, answered - 13);
}

}  // namespace
}  // namespace flare::analysis
