// The parts of the rare-event engine against closed forms.
#include <gtest/gtest.h>

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "analysis/rare_event/core/estimator_session.hpp"
#include "analysis/rare_event/rare_event.hpp"
#include "analysis/rare_event/sampling/importance_sampling.hpp"
#include "analysis/rare_event/sampling/line_sampling.hpp"
#include "analysis/rare_event/sampling/radial_sampling.hpp"
#include "analysis/rare_event/sampling/subset_simulation.hpp"
#include "analysis/tails/interval.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

BatchEvaluator margins(const std::function<double(const Eigen::RowVectorXd&)>& margin) {
  return [margin](const Matrix& points) {
    std::vector<Response> responses;
    for (Eigen::Index i = 0; i < points.rows(); ++i)
      responses.push_back(Response::margin(margin(points.row(i))));
    return responses;
  };
}

TEST(NormalTail, AgreesWithTheClosedFormAndItsInverse) {
  const boost::math::normal law;
  for (const double x : {-3.0, 0.0, 1.0, 6.0, 20.0}) {
    EXPECT_NEAR(std::exp(log_upper_tail(x)) / cdf(complement(law, x)), 1.0, 1e-12) << x;
  }
  EXPECT_NEAR(std::exp(log_upper_tail(6.0)), 9.865876450377e-10, 1e-20);
  for (const double x : {-3.0, 0.5, 6.0, 24.9, 25.1, 40.0, 300.0}) {
    EXPECT_NEAR(upper_tail_quantile(log_upper_tail(x)), x, 1e-9 * std::max(1.0, x)) << x;
  }
  // The two branches of log_upper_tail meet.
  EXPECT_NEAR(log_upper_tail(std::nextafter(25.0, 0.0)), log_upper_tail(25.0), 1e-9);
}

TEST(NormalTail, HazardTurnsRelativeErrorIntoSigma) {
  const double step = 1e-5;
  const double slope = (log_upper_tail(6.0 + step) - log_upper_tail(6.0 - step)) / (2.0 * step);
  EXPECT_NEAR(normal_hazard(6.0), -slope, 1e-6);
  EXPECT_NEAR(normal_hazard(6.0), 6.16, 0.01);  // a CoV of 0.1 is 0.016 sigma at 6 sigma
}

TEST(Interval, ClopperPearsonAtItsEnds) {
  EXPECT_NEAR(clopper_pearson(0, 100).high, 1.0 - std::pow(0.05, 0.01), 1e-12);
  EXPECT_EQ(clopper_pearson(0, 100).low, 0.0);
  EXPECT_NEAR(clopper_pearson(100, 100).low, std::pow(0.05, 0.01), 1e-12);
  EXPECT_NEAR(clopper_pearson(10, 100).low, 0.04900469, 1e-6);
  EXPECT_NEAR(clopper_pearson(10, 100).high, 0.17622260, 1e-6);
}

TEST(Interval, TailIndexTellsHeavyFromLight) {
  NormalStream random(1, "tail index");
  std::vector<double> heavy, light;
  for (int i = 0; i < 5000; ++i) {
    const double u = random.uniform();
    heavy.push_back(std::pow(u, -0.9));  // Pareto of index 0.9
    light.push_back(std::exp(random.normal() * 0.3));
  }
  EXPECT_NEAR(pareto_tail_index(heavy), 0.9, 0.15);
  EXPECT_LT(pareto_tail_index(light), 0.5);
  EXPECT_EQ(pareto_tail_index(std::vector<double>(1000, 1.0)), 0.0);
}

TEST(Interval, ObjectsToWhatCannotBeTrusted) {
  EXPECT_FALSE(summarize({Stratum{std::vector<double>(10, 1.0)}}, 0.0).objection().empty());  // few samples
  EXPECT_TRUE(summarize({Stratum{std::vector<double>(50, 1.0)}}, 0.0).objection().empty());
  std::vector<double> one_dominates(200, 0.01);
  one_dominates[7] = 1.0;
  EXPECT_FALSE(summarize({Stratum{one_dominates}}, 0.0).objection().empty());
  EXPECT_FALSE(summarize({Stratum{std::vector<double>(50, 0.0)}}, 0.0).objection().empty());
  EXPECT_FALSE(summarize({Stratum{one_dominates}, Stratum{{1.0}}}, 0.0).objection().empty());  // no variance
}

// E_q[phi/q] = 1 whatever was fitted: the densities belong to the draws.
// Known draws may serve two neighbouring scales; as looks that would have met an unknown region they count once.
TEST(EstimatorSession, KnownDrawsAreCountedAsLooksOnce) {
  const BatchEvaluator passes = [](const engine::Matrix& points) {
    return std::vector<Response>(static_cast<std::size_t>(points.rows()), Response::margin(1.0));
  };
  RareEventOptions options;
  options.known = {{2.0, engine::Matrix::Ones(50, 3), std::vector<Response>(50, Response::margin(1.0))}};
  EvaluationLedger ledger(3, passes, 1000, {});
  EstimatorSession session(ledger, options, "test");
  const auto looked = [&] {
    std::uint64_t draws = 0;
    for (const Look& look : ledger.looks()) draws += look.draws;
    return draws;
  };
  EXPECT_EQ(session.draws_at(2.0, 40).points.rows(), 50);
  EXPECT_EQ(session.draws_at(2.2, 50).points.rows(), 50);
  EXPECT_EQ(looked(), 50u);
  EXPECT_EQ(ledger.counts().total(), 0u);
  EXPECT_EQ(session.draws_at(3.0, 20).points.rows(), 20);
  EXPECT_EQ(looked(), 70u);
  EXPECT_EQ(ledger.counts().total(), 20u);
}

TEST(ShapedNormal, WeightsAverageToOne) {
  NormalStream random(2, "shaped normal");
  for (const Eigen::Index d : {2, 8, 40}) {
    const Vector axis = Vector::Ones(d) / std::sqrt(static_cast<double>(d));
    ShapedNormal law(d, axis, 0.15);
    Matrix points = 0.8 * random.normal_matrix(400, d);
    points.col(1).array() += 0.7;
    law.fit(points, std::vector<double>(400, 1.0), 0.1);
    if (d == 8) law.widen_to(0.9);
    const int n = 20000;
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < n; ++i) {
      const Vector x = law.draw(random);
      EXPECT_NEAR(axis.dot(x), 0.0, 1e-9);
      const double weight = std::exp(law.log_weight(x));
      EXPECT_LE(weight, 1.0 / 0.15 + 1e-9);
      sum += weight;
      squares += weight * weight;
    }
    const double mean = sum / n, error = std::sqrt((squares / n - mean * mean) / n);
    EXPECT_NEAR(mean, 1.0, 4.0 * error) << d;
  }
}

double line_estimate(const BatchEvaluator& f, const std::vector<LineRegion>& regions, std::size_t d,
                     double check_share, double* error) {
  EvaluationLedger ledger(d, f, 10'000'000, {});
  NormalStream random(3, "lines");
  LineOptions options;
  options.log_scale = log_upper_tail(5.0);
  options.check_share = check_share;
  const std::vector<std::size_t> counts(regions.size(), 4000);
  const auto lines = sample_lines(ledger, regions, counts, options, random, Purpose::estimate);
  const WeightedEstimate estimate =
      summarize(line_strata(lines, regions.size(), options.log_scale), options.log_scale);
  *error = estimate.coefficient_of_variation;
  return std::exp(estimate.log_p);
}

TEST(LineSampling, DisjointCellsAddUp) {
  // Three half-spaces at angles well below 90 degrees, in two dimensions: their union, by polar quadrature.
  const double reach = 5.0;
  std::vector<LineRegion> regions;
  std::vector<Eigen::Vector2d> directions;
  for (const double angle : {0.0, 0.9, 2.4}) {
    directions.emplace_back(std::cos(angle), std::sin(angle));
    regions.emplace_back(Vector(directions.back()), reach);
  }
  double truth = 0.0;
  const int steps = 200000;
  for (int i = 0; i < steps; ++i) {
    const double angle = 2.0 * M_PI * (i + 0.5) / steps;
    double best = 0.0;
    for (const Eigen::Vector2d& a : directions)
      best = std::max(best, a(0) * std::cos(angle) + a(1) * std::sin(angle));
    if (best > 0.0) truth += std::exp(-0.5 * std::pow(reach / best, 2)) / steps;
  }
  double error = 0.0;
  const double p = line_estimate(margins([&](const Eigen::RowVectorXd& x) {
                                   double margin = 1e9;
                                   for (const Eigen::Vector2d& a : directions)
                                     margin = std::min(margin, reach - x.dot(a.transpose()));
                                   return margin;
                                 }),
                                 regions, 2, 0.0, &error);
  EXPECT_NEAR(p / truth, 1.0, 4.0 * error + 0.003);
}

TEST(LineSampling, ChecksKeepASlabUnbiased) {
  // Fails for 5 < x1 < 5.2 only: a line that ends again. Without checks the tail beyond is counted too.
  const double truth = std::exp(log_upper_tail(5.0)) - std::exp(log_upper_tail(5.2));
  const BatchEvaluator slab =
      margins([](const Eigen::RowVectorXd& x) { return std::abs(x(0) - 5.1) - 0.1 + 0.001 * x(1); });
  LineRegion region(Vector::Unit(3, 0), 5.0);
  double error = 0.0;
  const double blind = line_estimate(slab, {region}, 3, 0.0, &error);
  const double checked = line_estimate(slab, {region}, 3, 1.0, &error);
  EXPECT_GT(blind / truth, 1.3);
  EXPECT_LT(error, 0.1);
  EXPECT_NEAR(checked / truth, 1.0, 4.0 * error);
}

// A boundary that bends towards the origin like a circle: the lines that matter are spread along it, and the
// law must follow though hardly any of the lines that it learns from are out there.
TEST(LineSampling, AdaptsToABoundaryThatBendsInwards) {
  const double radius = 6.0;
  const BatchEvaluator f = margins([=](const Eigen::RowVectorXd& x) {
    return x(0) > 0.0 ? radius - x.norm() : radius - std::abs(x(1));  // half of a disc's outside
  });
  EvaluationLedger ledger(2, f, 100000, {});
  NormalStream random(8, "bend");
  std::vector<LineRegion> regions{LineRegion(Vector::Unit(2, 0), radius)};
  LineOptions options;
  options.log_scale = log_upper_tail(radius);
  const auto lines = sample_lines(ledger, regions, {40}, options, random, Purpose::pilot);
  adapt_regions(regions, lines);
  int far = 0;
  for (int i = 0; i < 1000; ++i) far += std::abs(regions[0].law.draw(random)(1)) > 2.5 ? 1 : 0;
  EXPECT_GT(far, 100);  // of N(0, 1): 12
}

TEST(LineSampling, BracketsKeepPassFailUnbiased) {
  const BatchEvaluator f = [](const Matrix& points) {
    std::vector<Response> responses;
    for (Eigen::Index i = 0; i < points.rows(); ++i)
      responses.push_back(points.row(i).sum() >= 5.0 * std::sqrt(4.0) ? Response::fail() : Response::pass());
    return responses;
  };
  LineRegion region(Vector(Eigen::Vector4d(1.0, 1.0, 1.0, 0.8)), 5.0);
  region.steepness = std::numeric_limits<double>::infinity();
  double error = 0.0;
  const double p = line_estimate(f, {region}, 4, 0.3, &error);
  EXPECT_NEAR(p / std::exp(log_upper_tail(5.0)), 1.0, 4.0 * error);
}

TEST(LineSampling, AJumpingMarginDoesNotFoolTheRoot) {
  // -0.05 on one side, +10 on the other: a secant across it points anywhere.
  const BatchEvaluator f =
      margins([](const Eigen::RowVectorXd& x) { return x(0) >= 5.0 ? -0.05 : 15.0 - x(0); });
  LineRegion region(Vector::Unit(3, 0), 5.3);
  region.steepness = std::numeric_limits<double>::infinity();
  double error = 0.0;
  const double p = line_estimate(f, {region}, 3, 0.5, &error);
  EXPECT_NEAR(p / std::exp(log_upper_tail(5.0)), 1.0, 4.0 * error);
}

TEST(RadialSampling, IsExactOutsideASphere) {
  const BatchEvaluator f = margins([](const Eigen::RowVectorXd& x) { return 5.0 - x.norm(); });
  EvaluationLedger ledger(2, f, 100000, {});
  NormalStream random(4, "rays");
  LineOptions options;
  options.check_share = 0.5;
  const std::vector<LineRegion> regions{LineRegion(Vector::Unit(2, 0), 5.0)};
  const WeightedEstimate estimate =
      summarize({sample_rays(ledger, regions, 100, options, random, Purpose::estimate)}, 0.0);
  EXPECT_NEAR(std::exp(estimate.log_p) / std::exp(-12.5), 1.0, 1e-6);  // chi with 2 degrees: exp(-r^2/2)
}

TEST(ImportanceSampling, MixtureAgreesWithTheClosedForm) {
  const BatchEvaluator f =
      margins([](const Eigen::RowVectorXd& x) { return 5.0 - std::abs(x.sum()) / std::sqrt(5.0); });
  EvaluationLedger ledger(5, f, 1000000, {});
  NormalStream random(5, "mixture");
  MixtureProposal proposal;
  for (const double side : {-1.0, 1.0}) {
    ShapedNormal component(5, {}, 0.0);
    component.set_mean(Vector::Constant(5, side * 5.0 / std::sqrt(5.0)));
    proposal.components.push_back(component);
    proposal.weights.push_back(0.5);
  }
  const WeightedSample sample = sample_mixture(ledger, proposal, 20000, random, Purpose::estimate);
  const double scale = log_upper_tail(5.0);
  const WeightedEstimate estimate = summarize({importance_stratum(sample, scale)}, scale);
  EXPECT_NEAR(std::exp(estimate.log_p - scale) / 2.0, 1.0, 4.0 * estimate.coefficient_of_variation);
  EXPECT_LT(estimate.coefficient_of_variation, 0.05);
}

TEST(SubsetSimulation, IsRightOnAverageInAHundredDimensions) {
  const BatchEvaluator f = margins([](const Eigen::RowVectorXd& x) { return 4.0 - x.sum() / 10.0; });
  double sum = 0.0;
  const int repeats = 40;
  for (int i = 0; i < repeats; ++i) {
    EvaluationLedger ledger(100, f, 100000, {});
    NormalStream random(6, "subset", static_cast<std::uint64_t>(i));
    const SubsetResult result = subset_simulation(ledger, {}, {}, {}, random, Purpose::explore);
    ASSERT_TRUE(result.reached);
    sum += result.log_p;
  }
  // The mean of ln P is low by about half its variance (0.4 here).
  EXPECT_NEAR(sum / repeats, log_upper_tail(4.0) - 0.3, 0.7);
}

// A margin that counts steps of a quarter sigma and knows nothing above 1.5 sigma: most of a population ties.
TEST(SubsetSimulation, TiesAreMetAndCounted) {
  const BatchEvaluator f = [](const engine::Matrix& points) {
    std::vector<Response> responses;
    for (Eigen::Index i = 0; i < points.rows(); ++i)
      responses.push_back(Response::margin(std::min(2.5, 0.25 * std::ceil((4.0 - points(i, 0)) / 0.25))));
    return responses;
  };
  const double truth = log_upper_tail(4.0);
  int answered = 0, covered = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EvaluationLedger ledger(10, f, 16000, {});
    NormalStream random(seed, "ties");
    const RareEventSummary s = repeat_subset_simulation(ledger, 16000, random, Purpose::estimate);
    if (s.status != TailStatus::estimated) continue;  // a repeat may lose its way
    ++answered;
    covered += s.log_p_low <= truth && truth <= s.log_p_high ? 1 : 0;
  }
  EXPECT_GE(answered, 10);
  EXPECT_GE(covered, answered - 5);  // of 20 at 0.95, more than 5 miss three times in ten thousand
}

// Four repeats that happen to agree say no more than the chains of each let expect.
TEST(SubsetSimulation, RepeatsThatAgreeByChanceDoNotNarrowTheInterval) {
  const BatchEvaluator f = margins([](const Eigen::RowVectorXd& x) { return 4.5 - x(0); });
  int of_four = 0;
  double narrowest = 1e300;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    EvaluationLedger ledger(5, f, 4000, {});
    NormalStream random(seed, "agree");
    const RareEventSummary s = repeat_subset_simulation(ledger, 4000, random, Purpose::estimate);
    if (s.status != TailStatus::estimated || s.diagnostics.effective_samples > 4.0) continue;
    ++of_four;
    narrowest = std::min(narrowest, s.log_p_high - s.log_p_low);
  }
  EXPECT_GE(of_four, 20);
  EXPECT_GT(narrowest, 3.5) << "of ln P; 2.7 where half of what is expected is enough";
}

// The 95 % interval of the mean of lognormal values (Cox's, with Student's t) is what the diagnostics say of it.
TEST(SubsetSimulation, CoarseAnswersAreSurerThan95Percent) {
  const BatchEvaluator f = margins([](const Eigen::RowVectorXd& x) { return 4.5 - x(0); });
  int coarse = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    RareEventOptions options;
    options.method = RareEventMethod::subset_simulation;
    options.max_runs = 5000;
    options.seed = seed;
    const RareEventSummary s = estimate_failure_probability(10, f, options);
    if (s.status != TailStatus::estimated || s.half_width() < 0.3) continue;
    ++coarse;
    const double n = s.diagnostics.effective_samples;
    const double variance = std::log1p(n * std::pow(s.diagnostics.coefficient_of_variation, 2));
    const double t = quantile(boost::math::students_t_distribution<>(n - 1.0), 0.975);
    const double width = t * std::sqrt(variance / n + variance * variance / (2.0 * (n + 1.0)));
    EXPECT_GT(s.log_p_high - s.log_p_low, 1.2 * 2.0 * width) << s.full_report();
  }
  EXPECT_GE(coarse, 10);
}

}  // namespace
}  // namespace flare::analysis
