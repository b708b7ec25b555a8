// A question that the shared estimator refuses, handed on to the general search: with the draws made so far, none of which
// is made again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "analysis/output_tails/output_tails.hpp"
#include "analysis/rare_event/core/normal_stream.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr Eigen::Index d = 8;
const TailQuestion question{6.0, Side::above, 0.0};

// Half of the failures on either side, of which one plane sees one.
double kinked(const Vector& x) { return std::abs(x(0)) + 0.05 * x(1); }

double exact_log_p() { return std::log(2.0) + log_upper_tail(6.0 / std::sqrt(1.0 + 0.05 * 0.05)); }

// Points as they were run, every one counted.
class Runs {
 public:
  std::vector<double> outputs(const Matrix& points) {
    std::vector<double> values;
    for (const auto& row : points.rowwise()) {
      const Vector x = row;
      const std::vector<double> point(x.begin(), x.end());
      again_ += earlier_.count(point);
      made_.insert(point);
      ++count_;
      values.push_back(kinked(x));
    }
    return values;
  }
  std::vector<Response> margins(const Matrix& points) { return read(outputs(points)); }
  static std::vector<Response> read(const std::vector<double>& values) {
    std::vector<Response> responses;
    responses.reserve(values.size());
    for (const double y : values) responses.push_back(Response::margin(-question.excess(y)));
    return responses;
  }
  /// Another begins.
  void hand_on() { earlier_ = made_; }
  std::size_t count() const { return count_; }
  /// Runs of points that had been run before the hand-over.
  std::size_t again() const { return again_; }

 private:
  std::set<std::vector<double>> made_, earlier_;
  std::size_t count_ = 0, again_ = 0;
};

OutputTailsSummary asked_together(Runs& runs, std::uint64_t seed) {
  OutputTailsOptions options;
  options.seed = seed;
  return estimate_output_tails(
      d, [&](const Matrix& points) { return runs.outputs(points); }, {question}, options);
}

RareEventSummary asked_alone(Runs& runs, std::uint64_t seed, const std::vector<OutputDraws>& known,
                             const DirectedOutputs& directed = {}) {
  RareEventOptions options;
  options.seed = seed;
  options.seen = {directed.points, Runs::read(directed.values)};
  for (const OutputDraws& draws : known)
    options.known.push_back({draws.scale, draws.points, Runs::read(draws.values)});
  return estimate_failure_probability(
      d, [&](const Matrix& points) { return runs.margins(points); }, options);
}

TEST(HandOver, ARefusedQuestionGoesOnWithTheDrawsMadeSoFar) {
  int covered = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    Runs runs;
    const OutputTailsSummary together = asked_together(runs, seed);
    ASSERT_EQ(together.tails[0].status, TailStatus::refused);
    const std::size_t before = runs.count();
    runs.hand_on();
    EXPECT_EQ(before, together.runs.total());
    std::size_t handed_on = 0;
    for (const OutputDraws& draws : together.draws) handed_on += draws.values.size();
    EXPECT_GE(handed_on, together.runs.explore) << "all that explored";
    EXPECT_EQ(handed_on + together.directed.values.size(), before) << "and all others";

    const RareEventSummary alone = asked_alone(runs, seed, together.draws, together.directed);
    EXPECT_EQ(runs.again(), 0u) << "no run is made twice";
    EXPECT_EQ(runs.count() - before, alone.runs.total());
    Runs from_nothing;
    const RareEventSummary without = asked_alone(from_nothing, seed, {});
    EXPECT_EQ(alone.draws.size() + 1, without.draws.size()) << "the plain look is not made again";
    ASSERT_EQ(alone.status, TailStatus::estimated) << alone.reason;
    covered += alone.log_p_low <= exact_log_p() && exact_log_p() <= alone.log_p_high ? 1 : 0;
  }
  EXPECT_GE(covered, 8);
}

// A cliff in four inputs, four times as likely as the plane beside it, which the search itself mostly overlooks.
TEST(HandOver, FailuresThatWereSeenElsewhereMustCount) {
  const double log_p = std::log(normal_tail(6.0) + std::pow(normal_tail(2.4), 4));
  int seen_wrong = 0, unseen_wrong = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    RareEventOptions options;
    options.seed = seed;
    const auto wrong = [&] {
      const RareEventSummary s = estimate_failure_probability(
          12,
          [](const Matrix& points) {
            std::vector<Response> responses;
            for (const auto& x : points.rowwise())
              responses.push_back(Response::margin(x.tail(4).minCoeff() > 2.4 ? -1.0 : 6.0 - x(0)));
            return responses;
          },
          options);
      return s.status == TailStatus::estimated && s.log_p_high < log_p;
    };
    unseen_wrong += wrong() ? 1 : 0;
    NormalStream random(seed, "seen elsewhere");
    options.seen.points = random.normal_matrix(3, 12);
    options.seen.points.rightCols(4).array() = options.seen.points.rightCols(4).array().abs() + 2.5;
    options.seen.responses.assign(3, Response::margin(-1.0));
    seen_wrong += wrong() ? 1 : 0;
  }
  EXPECT_GE(unseen_wrong, 5);
  EXPECT_EQ(seen_wrong, 0);
}

TEST(HandOver, SeenRunsNeedAResponseForEveryRow) {
  RareEventOptions options;
  options.seen.points = Matrix::Zero(2, 3);
  options.seen.responses.assign(1, Response::pass());
  std::string error;
  EXPECT_FALSE(options.is_valid(3, &error));
  EXPECT_NE(error.find("seen elsewhere"), std::string::npos) << error;
}

}  // namespace
}  // namespace flare::analysis
