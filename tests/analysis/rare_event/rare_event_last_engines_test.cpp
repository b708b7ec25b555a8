// The engines that try before the default method refuses, alone and in it, on problems with exact answers.
#include <gtest/gtest.h>

#include <boost/math/distributions/binomial.hpp>
#include <cmath>

#include "analysis/rare_event/estimators/active_subspace.hpp"
#include "analysis/rare_event/estimators/like_regions.hpp"
#include "analysis/rare_event/estimators/mean_shift_estimator.hpp"
#include "analysis/rare_event/estimators/met_modes.hpp"
#include "analysis/rare_event/estimators/radius_estimator.hpp"
#include "analysis/rare_event/estimators/sparse_regions.hpp"
#include "tests/analysis/rare_event/problem_builders.hpp"
#include "tests/analysis/rare_event/rare_event_validation.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

// A session with everything that must outlive it.
struct Bench {
  Bench(std::size_t d, problems::Margin margin, std::uint64_t budget = 8000, std::uint64_t seed = 1,
        double half_width = 0.1)
      : evaluator(problems::margins(std::move(margin))(seed)), ledger(d, evaluator, budget, {}) {
    options.seed = seed;
    options.max_runs = budget;
    options.target_half_width = half_width;
    session.emplace(ledger, options, "test");
  }
  BatchEvaluator evaluator;
  RareEventOptions options;
  EvaluationLedger ledger;
  std::optional<EstimatorSession> session;
  PlainLook look;
  SearchResult search;
};

// Mean and its standard error.
struct Mean {
  double value = 0.0, error = 0.0;
};
Mean mean_of(const std::vector<double>& values) {
  double sum = 0.0, squares = 0.0;
  const auto n = static_cast<double>(values.size());
  for (const double v : values) sum += v, squares += v * v;
  return {sum / n, std::sqrt((squares / n - sum * sum / n / n) / n)};
}

// A worst of `cells`, each with `inputs` mismatch variables, after one die variable of weight `die`.
problems::Margin worst_of(Eigen::Index cells, Eigen::Index inputs, double limit, double die) {
  return [=](const Row& x) {
    double worst = -1e9;
    for (Eigen::Index c = 0; c < cells; ++c)
      worst =
          std::max(worst, x.segment(1 + c * inputs, inputs).sum() / std::sqrt(static_cast<double>(inputs)));
    return limit - die * x(0) - worst;
  };
}

double p_worst_of(int cells, double limit, double die) {
  return problems::normal_mean(
      [&](double z) {
        return problems::any_of(
            std::vector<double>(static_cast<std::size_t>(cells), problems::tail(limit - die * z)));
      },
      -9.0, 9.0);
}

TEST(SubspaceMixture, RatioIsThatOfTwoNormalDensities) {
  Matrix basis = Matrix::Zero(4, 2);
  basis(0, 0) = basis(2, 1) = 1.0;
  SubspaceNormal law(basis, Vector::Unit(4, 0) * 3.0);
  law.shape(Vector::Constant(2, 1.5), Vector::Constant(2, 0.25).asDiagonal(), 0.01, 4.0);
  const Vector x = (Vector(4) << 1.0, 9.0, 2.0, -7.0).finished();
  // Only coordinates 0 and 2 count: N(1.5, 0.5^2) each over N(0, 1).
  double expected = 0.0;
  for (const double v : {1.0, 2.0})
    expected += 0.5 * v * v - 0.5 * std::pow((v - 1.5) / 0.5, 2) - std::log(0.5);
  EXPECT_NEAR(law.log_ratio(x), expected, 1e-12);
}

TEST(SubspaceMixture, WeightsAverageToOneInManyDimensions) {
  NormalStream random(3, "subspace");
  SubspaceMixture mixture;
  for (const int k : {3, 150}) {
    Matrix basis = Matrix::Zero(200, 1);
    basis(k, 0) = 1.0;
    mixture.components.emplace_back(basis, 4.0 * Vector::Unit(200, k));
    mixture.weights.push_back(0.5);
  }
  std::vector<double> weights;
  weights.reserve(4000);
  for (int i = 0; i < 4000; ++i) weights.push_back(std::exp(mixture.log_weight(mixture.draw(random))));
  const Mean mean = mean_of(weights);
  EXPECT_NEAR(mean.value, 1.0, 4.0 * mean.error);
  EXPECT_LT(mean.error, 0.1) << "the defensive share bounds every weight";
}

TEST(SubspaceMixture, BeyondLimitsAllWeightsAreAlike) {
  NormalStream random(6, "beyond");
  Matrix basis = Matrix::Zero(12, 2);
  basis(1, 0) = 1.0;
  basis(4, 1) = -1.0;
  const SubspaceNormal law = SubspaceNormal::beyond(basis, (Vector(2) << 2.0, 3.0).finished());
  double along = 0.0, rest = 0.0;
  constexpr int draws = 4000;
  for (int i = 0; i < draws; ++i) {
    const Vector x = law.draw(random);
    ASSERT_GT(x(1), 2.0);
    ASSERT_LT(x(4), -3.0);
    // ln of 1 / (P(z > 2) P(z > 3)) wherever they are.
    ASSERT_NEAR(law.log_ratio(x), -std::log(problems::tail(2.0) * problems::tail(3.0)), 1e-9);
    along += x(1) / draws;
    rest += x(7) * x(7) / draws;
  }
  // E(z | z > 2) = phi(2) / P(z > 2).
  EXPECT_NEAR(along, std::exp(-2.0) / std::sqrt(2.0 * std::acos(-1.0)) / problems::tail(2.0), 0.03);
  EXPECT_NEAR(rest, 1.0, 0.1);
  EXPECT_LT(law.log_ratio(Vector::Zero(12)), -1e200) << "never drawn there";
}

// Beside a known mode that a limit cuts in half, the broad and the defensive share keep the mixture unbiased.
TEST(SubspaceMixture, WeightsOfLimitsThatAreTooHighStillAverageToOne) {
  NormalStream random(7, "beyond");
  Matrix basis = Matrix::Zero(8, 1);
  basis(2, 0) = 1.0;
  SubspaceMixture mixture;
  mixture.components = {SubspaceNormal(basis, 3.0 * Vector::Unit(8, 2)),
                        SubspaceNormal::beyond(basis, Vector::Constant(1, 3.2))};
  mixture.weights = {0.3, 0.7};
  std::vector<double> values;
  for (int i = 0; i < 20000; ++i) {
    const Vector x = mixture.draw(random);
    values.push_back(x(2) > 3.0 ? std::exp(mixture.log_weight(x)) : 0.0);
  }
  const Mean mean = mean_of(values);
  EXPECT_NEAR(mean.value, problems::tail(3.0), 4.0 * mean.error);
}

TEST(RadialRuns, WeightsAverageToOne) {
  for (const Eigen::Index d : {1, 3, 100}) {
    NormalStream random(4, "radius", static_cast<std::uint64_t>(d));
    RadiusProposal proposal(d);
    proposal.fit({4.0, 5.0, 6.0}, {1.0, 1.0, 1.0}, 1.0);
    std::vector<double> weights;
    weights.reserve(20000);
    for (int i = 0; i < 20000; ++i) weights.push_back(std::exp(proposal.log_weight(proposal.draw(random))));
    const Mean mean = mean_of(weights);
    EXPECT_NEAR(mean.value, 1.0, 4.0 * mean.error) << d;
    EXPECT_LT(mean.error, 0.05) << d;
  }
}

TEST(ShapedNormal, AFrameLeavesTheRestAlone) {
  NormalStream random(5, "frame");
  ShapedNormal law(40, Vector::Unit(40, 0), 0.1);
  Matrix frame = Matrix::Zero(40, 1);
  frame(7, 0) = 1.0;
  law.set_frame(frame);
  Matrix points = random.normal_matrix(200, 40);
  points.col(7) *= 2.0;
  law.fit(points, std::vector<double>(200, 1.0), 0.02);
  Vector x = Vector::Zero(40);
  const double at_centre = law.log_weight(x);
  x(9) = 5.0;
  EXPECT_NEAR(law.log_weight(x), at_centre, 1.2) << "broad and defensive shares aside, nothing changes";
  x(9) = 0.0;
  x(7) = 6.0;
  EXPECT_LT(law.log_weight(x), at_centre - 5.0) << "drawn wider along the frame";
  std::vector<double> weights;
  weights.reserve(4000);
  for (int i = 0; i < 4000; ++i) weights.push_back(std::exp(law.log_weight(law.draw(random))));
  const Mean mean = mean_of(weights);
  EXPECT_NEAR(mean.value, 1.0, 4.0 * mean.error);
}

TEST(SparseRegions, FindsEveryCellFromAFewFailures) {
  Bench bench(1 + 16 * 3, worst_of(16, 3, 6.0, 1.0));
  std::vector<Vector> failing;
  for (const Eigen::Index cell : {2, 11}) {
    Vector x = 0.5 * bench.session->random().normal_vector(49);
    x(0) = 3.5;
    x.segment(1 + 3 * cell, 3).setConstant(2.2);
    failing.push_back(x);
  }
  const SparseRegions found = find_sparse_regions(*bench.session, failing);
  std::vector<int> cells(16, 0);
  for (const SparseRegion& region : found.regions) {
    EXPECT_EQ(region.support.front(), 0) << "the die variable stays in place";
    if (region.support.size() == 4 && (region.support[1] - 1) % 3 == 0)
      ++cells[static_cast<std::size_t>(region.support[1] - 1) / 3];
  }
  for (const int count : cells) EXPECT_EQ(count, 1);
  EXPECT_GE(found.starts, 15u);
  EXPECT_LE(found.unexplained, 1u);
}

// A die variable that stands among the cells: copies on either side of it keep the axes of the region they are of.
TEST(SparseRegions, CopiesKeepTheOrderOfTheirAxes) {
  constexpr Eigen::Index die = 24;
  const auto cell_at = [](int cell) { return Eigen::Index(cell < 8 ? 3 * cell : 3 * cell + 1); };
  Bench bench(49, [&](const Row& x) {
    double margin = 100.0;
    for (int cell = 0; cell < 16; ++cell)
      margin =
          std::min(margin, 5.5 - x(die) -
                               (3.0 * x(cell_at(cell)) + 2.0 * x(cell_at(cell) + 1) + x(cell_at(cell) + 2)) /
                                   std::sqrt(14.0));
    return margin;
  });
  std::vector<Vector> failing;
  for (const int cell : {3, 11, 14}) {
    Vector x = Vector::Zero(49);
    x(die) = 3.2;
    x.segment(cell_at(cell), 3) << 2.6, 1.8, 0.9;
    failing.push_back(x);
  }
  const SparseRegions found = find_sparse_regions(*bench.session, failing);
  std::size_t moved = 0;
  for (const SparseRegion& region : found.regions) {
    if (region.axes.size() != 4) continue;
    const auto leader = std::find_if(found.regions.begin(), found.regions.end(), [&](const SparseRegion& r) {
      return r.like == region.like && r.offset == 0;
    });
    ASSERT_NE(leader, found.regions.end());
    for (std::size_t j = 0; j < 4; ++j) {
      const Eigen::Index from = leader->axes[j];
      EXPECT_EQ(region.axes[j], from == die ? die : from + region.offset);
    }
    moved += region.support != region.axes ? 1 : 0;
  }
  EXPECT_GT(moved, 0u) << "copies on the other side of the die variable";
}

TEST(SparseRegions, NoneWhereEveryCoordinateTakesPart) {
  Bench bench(60, [](const Row& x) { return 6.0 - x.sum() / std::sqrt(60.0); });
  const SparseRegions found = find_sparse_regions(
      *bench.session, std::vector<Vector>(12, Vector::Constant(60, 6.5 / std::sqrt(60.0))));
  EXPECT_TRUE(found.regions.empty());
  EXPECT_LT(bench.ledger.counts().total(), 150u) << "noticed early";
}

TEST(ActiveSubspace, ClosesOnTheDirectionsThatBend) {
  const auto margin = [](const Row& x) { return 5.0 - x(3) - 0.1 * x(10) * x(10) + 0.1 * x(20) * x(20); };
  Bench bench(30, margin);
  std::vector<Vector> boundary;
  boundary.reserve(8);
  for (int i = 0; i < 8; ++i) boundary.push_back(2.0 * bench.session->random().normal_vector(30));
  const ActiveSubspace found = find_active_subspace(*bench.session, boundary, 5000);
  EXPECT_TRUE(found.closed);
  ASSERT_EQ(found.basis.cols(), 3);
  for (const Eigen::Index i : {3, 10, 20}) EXPECT_GT(found.basis.row(i).norm(), 0.99) << i;
}

TEST(ActiveSubspace, OneDirectionWhereTheBoundaryBendsInAll) {
  Bench bench(30, [](const Row& x) { return 8.0 - x.norm(); });
  std::vector<Vector> boundary;
  boundary.reserve(12);
  for (int i = 0; i < 12; ++i) boundary.push_back(bench.session->random().normal_vector(30));
  const ActiveSubspace found = find_active_subspace(*bench.session, boundary, 5000);
  EXPECT_FALSE(found.closed);
  EXPECT_EQ(found.basis.cols(), 1);
}

TEST(ActiveSubspace, AJumpsCoordinateIsAdded) {
  Bench bench(30, [](const Row& x) { return x(5) > 2.0 ? 3.0 - x(3) : 9.0 - x(3); });
  Matrix basis = Matrix::Zero(30, 1);
  basis(3, 0) = 1.0;
  Vector x = 0.3 * bench.session->random().normal_vector(30);
  x(3) = 3.5;
  x(5) = 2.5;
  add_needed_coordinates(*bench.session, {x}, basis);
  ASSERT_EQ(basis.cols(), 2);
  EXPECT_NEAR(std::abs(basis(5, 1)), 1.0, 1e-12);
}

// A plane of the last 16 inputs and a corner of the first four, which holds nearly all of P.
double plane_and_corner(const Row& x) {
  return std::min(6.5 - x.tail(16).sum() / 4.0, 3.0 * (2.326 - x.head(4).minCoeff()));
}

// As a search that knows the plane only leaves it: failures met far out, some of them in the corner.
void meet_corner(Bench& bench) {
  Vector normal = Vector::Zero(20);
  normal.tail(16).setConstant(0.25);
  bench.search.regions.emplace_back(normal, 6.5);
  bench.search.regions[0].direction_known = true;
  bench.search.regions[0].root.spread = 0.05;
  for (int i = 0; i < 4; ++i) {
    Vector x = 3.0 * bench.session->random().normal_vector(20);
    x.head(4).setConstant(3.0 + 0.5 * i);
    x.tail(16) -= (normal.dot(x) - 2.0) * normal.tail(16) * 4.0 * 0.25;
    ASSERT_TRUE(bench.ledger.evaluate_one(x, Purpose::explore).failed);
  }
}

TEST(FailureModes, ACornerIsTheCoordinatesThatItNeeds) {
  Bench bench(20, plane_and_corner);
  meet_corner(bench);
  const FailureModes found = find_failure_modes(*bench.session, bench.search, 6);
  ASSERT_EQ(found.modes.size(), 1u);
  EXPECT_EQ(found.met_once, 0u);
  EXPECT_LE(bench.ledger.counts().pilot, 6 * runs_a_chain);
  for (const auto& row : found.ends.rowwise()) EXPECT_LE(plane_and_corner(row), 0.0);
  const Matrix basis = directions_of(found.modes[0]);
  ASSERT_GE(basis.cols(), 4);
  for (Eigen::Index i = 0; i < 4; ++i) EXPECT_EQ(basis(i, i), 1.0);
  EXPECT_NEAR((basis.transpose() * basis - Matrix::Identity(basis.cols(), basis.cols())).norm(), 0.0, 1e-12);
}

TEST(FailureModes, NoneWhereNothingFailed) {
  Bench bench(20, plane_and_corner);
  EXPECT_TRUE(find_failure_modes(*bench.session, bench.search, 6).modes.empty());
  EXPECT_EQ(bench.ledger.counts().total(), 0u);
}

// All but one of ten intervals; and each to a tenth of a sigma from where no gradient leads.
TEST(LastEngines, ModesMetAnswerACornerThatAPlaneHides) {
  const double p = problems::any_of({problems::tail(6.5), std::pow(problems::tail(2.326), 4.0)});
  int covered = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Bench bench(20, plane_and_corner, 5000, seed);
    meet_corner(bench);
    MetModesEstimator engine;
    Findings findings{*bench.session, bench.look, bench.search};
    engine.pilot(findings);
    ASSERT_TRUE(engine.forecast().usable);
    const RareEventSummary summary = engine.estimate(findings);
    ASSERT_EQ(summary.status, TailStatus::estimated) << summary.reason;
    covered += summary.log_p_low <= std::log(p) && summary.log_p_high >= std::log(p) ? 1 : 0;
    EXPECT_NEAR(summary.log_p, std::log(p), 0.8);
    EXPECT_LT(summary.half_width(), 0.12);
    Vector inside = Vector::Zero(20), elsewhere = Vector::Zero(20);
    inside.head(4).setConstant(2.5);
    elsewhere(2) = -6.5;
    EXPECT_TRUE(engine.accounts_for(inside));
    EXPECT_FALSE(engine.accounts_for(elsewhere));
  }
  EXPECT_GE(covered, 9);
}

// What subset simulation would end at where it reached the corner.
SubsetResult population_in_the_corner(NormalStream& random) {
  SubsetResult subset;
  subset.failing = random.normal_matrix(60, 20);
  subset.failing.leftCols(4) = 2.4 + 0.3 * subset.failing.leftCols(4).array().abs();
  return subset;
}

// N(m, I) at the plane answers for the plane, to a few percent, and knows of no reason to doubt itself. A population drawn from P does.
TEST(WeightedRuns, AProposalThatHardlyDrawsThePopulationIsRefused) {
  for (const bool asked : {false, true}) {
    Bench bench(20, plane_and_corner, 8000, 1, 0.03);
    meet_corner(bench);
    if (asked) bench.search.subset = population_in_the_corner(bench.session->random());
    MeanShiftEstimator engine;
    Findings findings{*bench.session, bench.look, bench.search};
    engine.pilot(findings);
    ASSERT_TRUE(engine.forecast().usable);
    const RareEventSummary summary = engine.estimate(findings);
    EXPECT_EQ(summary.status, asked ? TailStatus::refused : TailStatus::estimated) << summary.reason;
    EXPECT_EQ(summary.reason, asked ? "failures that the search met lie where hardly a run is drawn" : "");
  }
}

// Points of the plane that the proposal stands at are drawn as often as they should be.
TEST(WeightedRuns, APopulationWhereTheProposalDrawsIsNoReasonToRefuse) {
  Bench bench(20, plane_and_corner, 8000, 1, 0.03);
  meet_corner(bench);
  const Vector normal = bench.search.regions[0].direction;
  SubsetResult subset;
  subset.failing = bench.session->random().normal_matrix(60, 20);
  for (auto row : subset.failing.rowwise()) row += (6.6 - row.dot(normal.transpose())) * normal.transpose();
  bench.search.subset = subset;
  MeanShiftEstimator engine;
  Findings findings{*bench.session, bench.look, bench.search};
  engine.pilot(findings);
  EXPECT_EQ(engine.estimate(findings).status, TailStatus::estimated);
}

// An engine alone, after subset simulation alone.
RareEventSummary alone(Estimator& engine, Bench& bench) {
  SubsetOptions options;
  bench.search.subset =
      subset_simulation(bench.ledger, options, {}, {}, bench.session->random(), Purpose::explore);
  Findings findings{*bench.session, bench.look, bench.search};
  engine.pilot(findings);
  return engine.forecast().usable ? engine.estimate(findings) : RareEventSummary{};
}

void expect_answer(const RareEventSummary& summary, double p, double half_width) {
  ASSERT_EQ(summary.status, TailStatus::estimated) << summary.reason;
  EXPECT_LE(summary.log_p_low, std::log(p));
  EXPECT_GE(summary.log_p_high, std::log(p));
  EXPECT_LT(summary.half_width(), half_width);
}

TEST(LastEngines, RadiiAnswerAShellInManyDimensions) {
  Bench bench(150, [](const Row& x) { return std::max(16.2 - x.norm(), x.norm() - 16.7); });
  RadiusEstimator engine;
  expect_answer(alone(engine, bench),
                problems::chi2_tail(150.0, 16.2 * 16.2) - problems::chi2_tail(150.0, 16.7 * 16.7), 0.1);
}

TEST(LastEngines, RadiiLeaveAPlaneToOthers) {
  Bench bench(50, [](const Row& x) { return 5.0 - x(0); });
  RadiusEstimator engine;
  alone(engine, bench);
  EXPECT_FALSE(engine.forecast().usable);
}

TEST(LastEngines, LikeRegionsAnswerTheWorstOf64UnderADie) {
  Bench bench(65, worst_of(64, 1, 7.0, 1.0));
  LikeRegionsEstimator engine;
  expect_answer(alone(engine, bench), p_worst_of(64, 7.0, 1.0), 0.15);
}

// An engine may decline after its pilot; what it answers must be right: all but one of the 95 % intervals.
TEST(LastEngines, ActiveSubspaceAnswersABoundaryThatBendsInThree) {
  const double p = problems::chi2_mean(
      3.0, [](double r2) { return problems::tail(4.5 + 0.15 * r2); }, 150.0);
  int answered = 0, covered = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Bench bench(
        120, [](const Row& x) { return 4.5 - x(7) + 0.15 * x.segment(40, 3).squaredNorm(); }, 8000, seed);
    ActiveSubspaceEstimator engine;
    const RareEventSummary summary = alone(engine, bench);
    if (summary.status == TailStatus::refused) continue;
    ++answered;
    covered += summary.log_p_low <= std::log(p) && summary.log_p_high >= std::log(p) ? 1 : 0;
    EXPECT_NEAR(summary.log_p, std::log(p), 0.3);
    EXPECT_LT(summary.half_width(), 0.15);
  }
  EXPECT_GE(answered, 3);
  EXPECT_GE(covered, answered - 1);
}

#ifdef FLARE_REPEATS

// What the race alone refuses: at least half answered within 10,000 runs, and the intervals hold the truth.
class RefusedByTheRace : public ::testing::TestWithParam<RareEventProblem> {};

TEST_P(RefusedByTheRace, IsAnsweredWithinTenThousandRuns) {
  const RareEventProblem& problem = GetParam();
  ValidationOptions options{.repeats = FLARE_REPEATS, .first_seed = 60'001};
  options.budget = 10'000;
  const ValidationRow row = validate(problem, options);
  EXPECT_GE(2 * row.answered, row.repeats);
  const boost::math::binomial law(static_cast<double>(row.answered), 0.9);
  EXPECT_GT(boost::math::cdf(law, static_cast<double>(row.covered)), 0.001)
      << row.covered << " of " << row.answered << " intervals hold the truth";
}

std::vector<RareEventProblem> refused_by_the_race() {
  std::vector<RareEventProblem> set;
  for (RareEventProblem& problem : hard_problems()) {
    const std::string& family = problem.family;
    const bool wanted = family == "shells" || family == "parabolas" || family == "active directions" ||
                        family == "worst of many" || family == "die and mismatch" || family == "leakage" ||
                        problem.name.find("three wedges") == 0 ||
                        problem.name.find("three corners d=30") == 0;
    // A jump that no run of the search meets: a plane explains the margin, and the race answers.
    if (wanted && problem.name != "die and mismatch, hard, one cell") set.push_back(std::move(problem));
  }
  return set;
}

std::string name_of(const ::testing::TestParamInfo<RareEventProblem>& info) {
  std::string name;
  for (const char c : info.param.name) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(Problems, RefusedByTheRace, ::testing::ValuesIn(refused_by_the_race()), name_of);

#endif

// Subset simulation needs 2,000 runs and more there: what the search kept back for it is the lines'.
TEST(LastEngines, RunsThatChainsCannotUseAreSpentByAnEstimate) {
  const std::vector<RareEventProblem> all = hard_problems();
  const auto bent = std::find_if(all.begin(), all.end(), [](const RareEventProblem& problem) {
    return problem.name == "five active, bent inward d=200";
  });
  ASSERT_NE(bent, all.end());
  ValidationOptions options;
  options.repeats = 10;
  options.budget = 5000;
  options.target = 0.1;
  const ValidationRow row = validate(*bent, options);
  EXPECT_GE(row.answered, 8u);  // about half without them
  EXPECT_GE(row.covered, row.answered - 2);
}

// None of ten without the modes that were met; each of them met the corner.
TEST(LastEngines, ACornerBesideAPlaneIsAnswered) {
  const std::vector<RareEventProblem> all = hard_problems();
  const auto corner = std::find_if(all.begin(), all.end(), [](const RareEventProblem& problem) {
    return problem.name == "plane and corner, slope 1";
  });
  ASSERT_NE(corner, all.end());
  ValidationOptions options;
  options.repeats = 10;
  options.budget = 10'000;
  options.target = 0.1;
  const ValidationRow row = validate(*corner, options);
  EXPECT_GE(row.answered, 8u);
  EXPECT_GE(row.covered, row.answered - 1);
}

}  // namespace
}  // namespace flare::analysis
