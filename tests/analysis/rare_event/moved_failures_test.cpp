// A proposal beside the bulk of a failing set shows nothing in its own sample: its failures, moved on, leave it.
#include "analysis/rare_event/estimators/moved_failures.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis {
namespace {

using engine::Vector;
using problems::margins;

constexpr Eigen::Index d = 8;
constexpr std::size_t runs = 800;

// Fails beyond 4 sigma along the first input; the proposal is N(m, I), `beside` sigma off along the second.
struct Asked {
  double ratio = 0.0;  // of the estimate to P
  bool objects = false;
};

Asked ask(double beside, std::uint64_t seed) {
  const BatchEvaluator f = margins([](const Row& x) { return 4.0 - x(0); })(0);
  EvaluationLedger ledger(d, f, 10000, {});
  RareEventOptions options;
  options.seed = seed;
  EstimatorSession session(ledger, options, "moved failures");
  Vector mean = Vector::Zero(d);
  mean.head(2) << 4.2, beside;
  MixtureProposal proposal;
  proposal.defense = 0.0;
  proposal.components.emplace_back(d, Vector(), 0.0);
  proposal.components[0].set_mean(mean);
  proposal.weights = {1.0};
  const WeightedSample sample = sample_mixture(ledger, proposal, runs, session.random(), Purpose::estimate);
  FailuresDrawn drawn;
  drawn.add(sample);
  double sum = 0.0;
  for (std::size_t i = 0; i < runs; ++i)
    sum += sample.outcomes[i].failed ? std::exp(sample.log_weights[i]) / runs : 0.0;
  const std::string objection = moved_out_objection(session, drawn, proposal, std::log(sum), runs);
  EXPECT_LE(ledger.counts().audit, runs_to_move_failures);
  return {sum / (0.5 * std::erfc(4.0 / std::sqrt(2.0))), !objection.empty()};
}

TEST(MovedFailures, LeaveAProposalThatLooksBesideTheBulk) {
  int low = 0, seen = 0, alarms = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Asked beside = ask(6.0, seed);
    low += beside.ratio < 0.3 ? 1 : 0;
    seen += beside.ratio < 0.3 && beside.objects ? 1 : 0;
    alarms += ask(0.0, seed).objects ? 1 : 0;
  }
  EXPECT_GT(low, 30) << "else nothing is asked here";
  EXPECT_GE(10 * seen, 9 * low);
  EXPECT_EQ(alarms, 0);
}

TEST(MovedFailures, AreDrawnInProportionToTheirWeights) {
  WeightedSample sample;
  sample.points.resize(4, 1);
  sample.points << 1.0, 2.0, 3.0, 4.0;
  sample.log_weights = {std::log(1.0), std::log(5.0), std::log(2.0), std::log(100.0)};
  sample.outcomes.resize(4);
  for (std::size_t i = 0; i < 3; ++i) sample.outcomes[i].failed = true;  // the heaviest passes
  FailuresDrawn drawn;
  NormalStream random(1, "resampled");
  EXPECT_TRUE(drawn.resampled(8, random).empty());
  drawn.add(sample);
  std::map<double, int> times;
  for (const Vector& x : drawn.resampled(800, random)) ++times[x(0)];
  EXPECT_NEAR(times[1.0], 100, 1);
  EXPECT_NEAR(times[2.0], 500, 1);
  EXPECT_NEAR(times[3.0], 200, 1);
  EXPECT_EQ(times.count(4.0), 0u);
}

}  // namespace
}  // namespace flare::analysis
