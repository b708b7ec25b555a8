// The exact answers of the catalogue by a second route: importance sampling of the evaluator itself, from a mixture that the
// problem's geometry suggests.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "analysis/rare_event/core/normal_stream.hpp"
#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis {
namespace {

Row draw(const NormalPiece& piece, NormalStream& random) {
  const Row z = random.normal_vector(piece.mean.size()).transpose();
  Row x = piece.mean + piece.scale.cwiseProduct(z);
  for (std::size_t k = 0; k < piece.axes.size(); ++k)
    x += (piece.stretch[k] - 1.0) * piece.axes[k].dot(z) * piece.axes[k];
  return x;
}

// Log density without the factor (2 pi)^(-d/2).
double log_density(const NormalPiece& piece, const Row& x) {
  const Row z = (x - piece.mean).cwiseQuotient(piece.scale);
  double log_q = -0.5 * z.squaredNorm() - piece.scale.array().log().sum();
  for (std::size_t k = 0; k < piece.axes.size(); ++k) {
    const double c = piece.axes[k].dot(z), s = piece.stretch[k];
    log_q += 0.5 * c * c * (1.0 - 1.0 / (s * s)) - std::log(s);
  }
  return log_q;
}

double log_mixture(const std::vector<NormalPiece>& pieces, const Row& x) {
  std::vector<double> each;
  each.reserve(pieces.size());
  for (const NormalPiece& piece : pieces) each.push_back(log_density(piece, x));
  const double top = *std::max_element(each.begin(), each.end());
  double sum = 0.0;
  for (const double log_q : each) sum += std::exp(log_q - top);
  return top + std::log(sum / static_cast<double>(pieces.size()));
}

struct Mean {
  double value = 0.0, error = 0.0;  // its standard error
};

Mean mean_of(const std::vector<double>& terms) {
  const auto n = static_cast<double>(terms.size());
  double sum = 0.0, squares = 0.0;
  for (const double t : terms) sum += t, squares += t * t;
  return {sum / n, std::sqrt(std::max(0.0, squares / n - sum / n * sum / n) / n)};
}

struct Second {
  Mean pass, fail;  // P with every unknown run a pass, a failure
  std::size_t hidden_passes = 0;
};

Second second_route(const RareEventProblem& problem, Eigen::Index draws) {
  NormalStream random(91, "second route to the truth");
  engine::Matrix points(draws, static_cast<Eigen::Index>(problem.dimension));
  for (Eigen::Index i = 0; i < draws; ++i)
    points.row(i) = draw(problem.check[static_cast<std::size_t>(i) % problem.check.size()], random);
  const std::vector<Response> responses = problem.evaluator(92)(points);
  std::vector<double> pass, fail;
  Second second;
  for (Eigen::Index i = 0; i < draws; ++i) {
    const Row x = points.row(i);
    const Response& r = responses[static_cast<std::size_t>(i)];
    const bool unknown = r.kind == ResponseKind::unknown;
    const bool fails = r.kind == ResponseKind::fail || (r.kind == ResponseKind::margin && r.value <= 0.0);
    const double weight =
        fails || unknown ? std::exp(-0.5 * x.squaredNorm() - log_mixture(problem.check, x)) : 0.0;
    pass.push_back(fails ? weight : 0.0);
    fail.push_back(weight);
    if (problem.hidden && problem.hidden(x) && !fails) ++second.hidden_passes;
  }
  second.pass = mean_of(pass);
  second.fail = mean_of(fail);
  return second;
}

void expect_second_route(const RareEventProblem& problem, Eigen::Index draws = 20000) {
  SCOPED_TRACE(problem.name);
  ASSERT_FALSE(problem.check.empty());
  const Second second = second_route(problem, problem.dimension < 60 ? draws : 6000);
  const double p = std::exp(problem.log_p), p_high = std::exp(problem.log_p_high);
  EXPECT_LT(second.pass.error / p, 0.1) << "the check is too weak";
  EXPECT_NEAR(second.pass.value, p, 4.0 * second.pass.error);
  EXPECT_LT(second.fail.error / p_high, 0.3) << "the check is too weak";
  EXPECT_NEAR(second.fail.value, p_high, 4.0 * second.fail.error);
  EXPECT_EQ(second.hidden_passes, 0u) << "hidden points are failures";
}

// A case a file of the catalogue: the truths are integrated when a file is asked for.
TEST(CatalogueTruth, Regions) {
  for (const RareEventProblem& problem : problems::region_problems()) expect_second_route(problem);
}
TEST(CatalogueTruth, Jumps) {
  for (const RareEventProblem& problem : problems::jump_problems()) expect_second_route(problem);
}
TEST(CatalogueTruth, Noise) {
  for (const RareEventProblem& problem : problems::noise_problems()) expect_second_route(problem);
}
TEST(CatalogueTruth, Unknown) {
  for (const RareEventProblem& problem : problems::unknown_problems()) expect_second_route(problem);
}
TEST(CatalogueTruth, HighDimension) {
  for (const RareEventProblem& problem : problems::high_dimension_problems()) expect_second_route(problem);
}
TEST(CatalogueTruth, Cells) {
  for (const RareEventProblem& problem : problems::cell_problems()) expect_second_route(problem);
}

TEST(CatalogueTruth, Drawn) {
  for (const RareEventProblem& problem : drawn_problems(1, 24)) expect_second_route(problem, 40000);
}

TEST(Catalogue, AProblemDrawnDoesNotDependOnHowManyThereAre) {
  const std::vector<RareEventProblem> few = drawn_problems(5, 3), many = drawn_problems(5, 16),
                                      others = drawn_problems(6, 3);
  for (std::size_t i = 0; i < few.size(); ++i) {
    EXPECT_EQ(few[i].name, many[i].name);
    EXPECT_EQ(few[i].log_p, many[i].log_p);
    EXPECT_NE(few[i].log_p, others[i].log_p);
  }
}

TEST(Catalogue, EveryHardProblemIsComplete) {
  for (const RareEventProblem& problem : hard_problems()) {
    SCOPED_TRACE(problem.name);
    EXPECT_GE(problem.budget, RareEventOptions::min_runs(problem.dimension));
    EXPECT_LE(problem.log_p, problem.log_p_high);
    EXPECT_FALSE(problem.answer.empty() || problem.family.empty());
  }
}

TEST(Catalogue, EveryProblemHasItsOwnName) {
  std::set<std::string> names;
  for (const RareEventProblem& problem : all_rare_event_problems())
    EXPECT_TRUE(names.insert(problem.name).second) << problem.name;
}

TEST(Catalogue, EveryHardFamilyHasRelatives) {
  std::map<std::string, int> members;
  for (const RareEventProblem& problem : hard_problems()) ++members[problem.family];
  for (const auto& [family, count] : members) EXPECT_GE(count, 4) << family;
}

}  // namespace
}  // namespace flare::analysis
