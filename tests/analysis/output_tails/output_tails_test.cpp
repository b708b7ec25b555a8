#include "analysis/output_tails/output_tails.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <stdexcept>

#include "analysis/rare_event/core/normal_stream.hpp"
#include "analysis/tails/normal_tail.hpp"
#include "tests/analysis/levels/column_function.hpp"

#ifndef FLARE_REPEATS
#define FLARE_REPEATS 30
#endif

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

OutputEvaluator rowwise(std::function<double(const Vector&)> f) {
  return [f = std::move(f)](const Matrix& points) {
    std::vector<double> y;
    for (Eigen::Index i = 0; i < points.rows(); ++i) y.push_back(f(points.row(i)));
    return y;
  };
}

double plane(const Vector& x) { return x.sum() / std::sqrt(static_cast<double>(x.size())); }

/// The answers of a plane: Phi(-limit / spread).
double exact_log_p(const TailQuestion& question) {
  return log_upper_tail(std::fabs(question.limit) / std::hypot(1.0, question.noise));
}

/// How often intervals hold the truth over repeats with other seeds.
struct Repeated {
  std::size_t answered = 0;
  std::size_t covered = 0;
  std::size_t met = 0;
  double error2 = 0.0;  // sum of squared errors, sigma
  double runs = 0.0;    // mean

  double coverage() const { return static_cast<double>(covered) / static_cast<double>(answered); }
  double rmse() const { return std::sqrt(error2 / static_cast<double>(answered)); }
};

std::vector<Repeated> repeat(std::size_t dimension, const OutputEvaluator& evaluator,
                             const std::vector<TailQuestion>& questions, const std::vector<double>& log_p,
                             const OutputTailsOptions& base = {}) {
  std::vector<Repeated> rows(questions.size());
  for (std::uint64_t r = 0; r < FLARE_REPEATS; ++r) {
    OutputTailsOptions options = base;
    options.seed = 1000 + r;
    const OutputTailsSummary s = estimate_output_tails(dimension, evaluator, questions, options);
    for (std::size_t q = 0; q < questions.size(); ++q) {
      rows[q].runs += static_cast<double>(s.runs.total()) / FLARE_REPEATS;
      const OutputTail& tail = s.tails[q];
      if (tail.status != TailStatus::estimated) continue;
      ++rows[q].answered;
      rows[q].met += tail.target_met ? 1 : 0;
      rows[q].covered += tail.log_p_low <= log_p[q] && log_p[q] <= tail.log_p_high ? 1 : 0;
      rows[q].error2 += std::pow(upper_tail_quantile(tail.log_p) - upper_tail_quantile(log_p[q]), 2);
    }
  }
  return rows;
}

/// 0.90 less what 30 or 200 repeats of a 0.95 interval fall below in one of a thousand (binomial).
constexpr double least_coverage = FLARE_REPEATS >= 200 ? 0.895 : 0.79;

TEST(OutputTails, OneSetOfRunsAnswersManyQuestionsOfAPlane) {
  const std::vector<TailQuestion> questions = {{-6.0, Side::below, 0.0},
                                               {-6.0, Side::below, 0.5},
                                               {6.0, Side::above, 0.5},
                                               {4.0, Side::above, 1.0},
                                               {9.0, Side::above, 0.3}};
  const OutputTailsSummary s = estimate_output_tails(40, rowwise(plane), questions);
  ASSERT_EQ(s.tails.size(), questions.size());
  for (std::size_t q = 0; q < questions.size(); ++q) {
    const double beta = upper_tail_quantile(exact_log_p(questions[q]));
    EXPECT_EQ(s.tails[q].status, TailStatus::estimated) << q << ": " << s.tails[q].reason;
    EXPECT_NEAR(upper_tail_quantile(s.tails[q].log_p), beta, 0.03) << q;
    EXPECT_TRUE(s.tails[q].target_met) << q;
    // Where a plane fails first is known too: along its normal, the noise taking its part.
    const double part = 1.0 / std::hypot(1.0, questions[q].noise);
    EXPECT_NEAR(s.tails[q].nearest.distance(), beta, 0.03) << q;
    EXPECT_NEAR(s.tails[q].nearest.x.norm(), beta * part, 0.1) << q;
  }
  EXPECT_LE(s.runs.total(), 600u);
  EXPECT_GT(s.runs.audit, 0u);
}

TEST(OutputTails, IntervalsHoldTheExactTailsOfAColumn) {
  const testing::ColumnFunction column;
  const auto level = rowwise([&](const Vector& x) { return column.level_at(x); });
  const double nominal = column.level_at(Vector::Zero(34));
  std::vector<TailQuestion> questions;
  std::vector<double> log_p;
  // 3.5 to 7 sigma, bare and with the noise of two comparators.
  for (const double noise : {0.0, 0.0012, 0.004}) {
    for (const double distance : {0.015, 0.022, 0.03}) {
      if (noise == 0.0 && distance == 0.022) continue;
      double below = 0.0, above = 0.0;
      constexpr double step = 0.5;
      for (int i = noise > 0.0 ? -20 : 0; i <= (noise > 0.0 ? 20 : 0); ++i) {
        const double weight = noise > 0.0 ? step * normal_density(step * i) : 1.0;
        below += weight * column.exact_below(nominal - distance + noise * step * i);
        above += weight * column.exact_above(nominal + distance - noise * step * i);
      }
      questions.push_back({nominal - distance, Side::below, noise});
      log_p.push_back(std::log(below));
      questions.push_back({nominal + distance, Side::above, noise});
      log_p.push_back(std::log(above));
    }
  }
  OutputTailsOptions options;
  options.max_runs = 1500;
  const std::vector<Repeated> rows = repeat(34, level, questions, log_p, options);
  for (std::size_t q = 0; q < questions.size(); ++q) {
    SCOPED_TRACE("question " + std::to_string(q));
    std::printf("question %zu: answered %zu of %d, covered %.3f, rmse %.4f sigma\n", q, rows[q].answered,
                FLARE_REPEATS, rows[q].coverage(), rows[q].rmse());
    EXPECT_GE(rows[q].answered, FLARE_REPEATS * 9 / 10);
    EXPECT_EQ(rows[q].met, rows[q].answered);
    EXPECT_GE(rows[q].coverage(), least_coverage);
    EXPECT_LE(rows[q].rmse(), 0.03);
  }
}

TEST(OutputTails, IntervalsHoldOnAParabola) {
  for (const double bend : {0.012, -0.012}) {
    SCOPED_TRACE(bend);
    const auto parabola =
        rowwise([bend](const Vector& x) { return 6.0 - x(0) - bend * (x.squaredNorm() - x(0) * x(0)); });
    // The sum of nine squares is chi-square: density q^3.5 exp(-q/2) / (2^4.5 Gamma(4.5)).
    double p = 0.0;
    constexpr double step = 0.02;
    for (double q = 0.5 * step; q < 150.0; q += step) {
      p += step * std::exp(3.5 * std::log(q) - 0.5 * q + log_upper_tail(6.0 - bend * q));
    }
    p /= std::pow(2.0, 4.5) * std::tgamma(4.5);
    OutputTailsOptions options;
    options.max_runs = 3000;
    const Repeated row = repeat(10, parabola, {{0.0, Side::below, 0.0}}, {std::log(p)}, options).front();
    EXPECT_GE(row.answered, FLARE_REPEATS * 9 / 10);
    EXPECT_GE(row.coverage(), least_coverage);
  }
  // With more of it failures spread across the axis, and the answer is a refusal.
  const auto strong =
      rowwise([](const Vector& x) { return 6.0 - x(0) - 0.03 * (x.squaredNorm() - x(0) * x(0)); });
  EXPECT_EQ(repeat(10, strong, {{0.0, Side::below, 0.0}}, {0.0}).front().answered, 0u);
}

/// An output bent at random along and across its gradient, with an exact tail by quadrature over three directions.
struct Bent {
  double square, cube, tilt, across, tilt_square, twist;

  double operator()(double c, double t, double s) const {
    return c + square * c * c + cube * c * c * c + tilt * c * t + across * (t * t - 1.0) +
           tilt_square * c * (s * s - 1.0) + twist * t * s;
  }
  double at(const Vector& x) const {
    const Eigen::Index d = x.size();
    return (*this)(plane(x.head(d - 2)), x(d - 2), x(d - 1));
  }
  double exact_log_p(const TailQuestion& question) const {
    constexpr double step = 0.3, fine = 0.06;
    double p = 0.0;
    for (double c = -10.0; c <= 10.0; c += fine) {
      for (double t = -6.6; t < 6.7; t += step) {
        for (double s = -6.6; s < 6.7; s += step) {
          const double log_density = -0.5 * (c * c + t * t + s * s);
          if (log_density > -45.0) p += std::exp(log_density + question.log_failing((*this)(c, t, s)));
        }
      }
    }
    return std::log(p * fine * step * step * std::pow(2.0 * M_PI, -1.5));
  }
};

TEST(OutputTails, IntervalsHoldOnOutputsBentAtRandom) {
  const std::vector<TailQuestion> questions = {
      {-5.0, Side::below, 0.3}, {-5.0, Side::below, 0.1}, {5.5, Side::above, 0.3}, {5.5, Side::above, 1.0}};
  std::size_t answered = 0, covered = 0;
  NormalStream random(11, "bent");
  for (int problem = 0; problem < 10; ++problem) {
    const double size = problem % 2 == 0 ? 0.3 : 1.0;
    const Bent bent{0.03 * size * random.normal(), 0.001 * size * random.normal(),
                    0.05 * size * random.normal(), 0.02 * size * random.normal(),
                    0.01 * size * random.normal(), 0.02 * size * random.normal()};
    std::vector<double> log_p;
    log_p.reserve(questions.size());
    for (const TailQuestion& question : questions) log_p.push_back(bent.exact_log_p(question));
    const auto output = rowwise([&](const Vector& x) { return bent.at(x); });
    for (const Repeated& row : repeat(problem % 3 == 0 ? 40 : 12, output, questions, log_p)) {
      answered += row.answered;
      covered += row.covered;
    }
  }
  EXPECT_GE(answered, FLARE_REPEATS * 40 / 2);
  EXPECT_GE(static_cast<double>(covered), 0.9 * static_cast<double>(answered));
  std::printf("answered %zu of %d, covered %.3f\n", answered, FLARE_REPEATS * 40,
              static_cast<double>(covered) / static_cast<double>(answered));
}

TEST(OutputTails, RefusesWhatIsNotOnePlane) {
  const auto two_sided = rowwise([](const Vector& x) { return -std::fabs(plane(x)); });
  const auto cliff = rowwise([](const Vector& x) { return x(1) > 5.0 ? -9.0 : -x(0); });
  const auto noise = rowwise([](const Vector& x) { return std::sin(1e3 * x.sum()); });
  for (std::uint64_t seed = 0; seed < FLARE_REPEATS; ++seed) {
    OutputTailsOptions options;
    options.seed = seed;
    for (const OutputEvaluator& evaluator : {two_sided, cliff, noise}) {
      const OutputTailsSummary s = estimate_output_tails(4, evaluator, {{-6.0, Side::below, 0.0}}, options);
      EXPECT_EQ(s.tails[0].status, TailStatus::refused) << seed;
      EXPECT_FALSE(s.tails[0].reason.empty());
    }
  }
}

TEST(OutputTails, RunsWithoutAnAnswerGiveABracket) {
  // The simulator gives up beyond 4.6, after the limit at 4.
  const auto some_unknown = rowwise([](const Vector& x) { return plane(x) > 4.6 ? NAN : plane(x); });
  const std::vector<TailQuestion> questions = {{4.0, Side::above, 0.2}};
  const OutputTailsSummary s = estimate_output_tails(10, some_unknown, questions);
  ASSERT_EQ(s.tails[0].status, TailStatus::estimated) << s.tails[0].reason;
  EXPECT_GT(s.runs.unknown, 0u);
  EXPECT_TRUE(s.tails[0].bracketed);
  // They fail: all of the plane's P, and what the noise would have saved beyond 4.6. They pass: P less that.
  EXPECT_GT(s.tails[0].log_p_high, exact_log_p(questions[0]));
  EXPECT_LT(s.tails[0].log_p_low, log_difference(exact_log_p(questions[0]), log_upper_tail(4.6)));

  const auto all_unknown = rowwise([](const Vector&) { return NAN; });
  EXPECT_EQ(estimate_output_tails(10, all_unknown, questions).tails[0].status, TailStatus::refused);
}

TEST(OutputTails, ANeighbourSparesPilotRunsAndChangesNothingElse) {
  // Bent and tilted: a cubic along the mean, and a direction that turns with the distance.
  const auto bent = [](double scale) {
    return rowwise([scale](const Vector& x) {
      const double c = plane(x);
      return scale * (c + 0.03 * c * c + 0.05 * c * (x(0) - x(1)));
    });
  };
  const std::vector<TailQuestion> questions = {{-5.0, Side::below, 0.1}, {6.0, Side::above, 0.1}};
  const std::vector<TailQuestion> scaled = {{-6.0, Side::below, 0.12}, {7.2, Side::above, 0.12}};
  const OutputTailsSummary cold = estimate_output_tails(12, bent(1.0), questions);
  OutputTailsOptions options;
  options.warm_starts = estimate_output_tails(12, bent(1.2), scaled).surrogates;
  const OutputTailsSummary warm = estimate_output_tails(12, bent(1.0), questions, options);
  EXPECT_LT(warm.runs.pilot, cold.runs.pilot);
  for (std::size_t q = 0; q < questions.size(); ++q) {
    ASSERT_EQ(cold.tails[q].status, TailStatus::estimated) << cold.tails[q].reason;
    ASSERT_EQ(warm.tails[q].status, TailStatus::estimated) << warm.tails[q].reason;
    EXPECT_NEAR(upper_tail_quantile(warm.tails[q].log_p), upper_tail_quantile(cold.tails[q].log_p),
                warm.tails[q].half_width() + cold.tails[q].half_width());
  }
  // A neighbour that resembles nothing does no harm.
  options.warm_starts =
      estimate_output_tails(12, rowwise([](const Vector& x) { return x(3) - 0.02 * x(3) * x(3); }),
                            {{-5.0, Side::below, 0.1}})
          .surrogates;
  const OutputTailsSummary misled = estimate_output_tails(12, bent(1.0), questions, options);
  EXPECT_NEAR(upper_tail_quantile(misled.tails[0].log_p), upper_tail_quantile(cold.tails[0].log_p),
              misled.tails[0].half_width() + cold.tails[0].half_width());
}

TEST(OutputTails, SameSeedSameBits) {
  const std::vector<TailQuestion> questions = {{-5.0, Side::below, 0.1}, {6.0, Side::above, 0.0}};
  const OutputTailsSummary a = estimate_output_tails(20, rowwise(plane), questions);
  const OutputTailsSummary b = estimate_output_tails(20, rowwise(plane), questions);
  EXPECT_EQ(a.runs.total(), b.runs.total());
  for (std::size_t q = 0; q < questions.size(); ++q) EXPECT_EQ(a.tails[q].log_p, b.tails[q].log_p);
}

TEST(OutputTails, BadInput) {
  const std::vector<TailQuestion> questions = {{6.0, Side::above, 0.0}};
  EXPECT_THROW(estimate_output_tails(0, rowwise(plane), questions), std::invalid_argument);
  EXPECT_THROW(estimate_output_tails(4, {}, questions), std::invalid_argument);
  EXPECT_THROW(estimate_output_tails(4, rowwise(plane), {}), std::invalid_argument);
  EXPECT_THROW(estimate_output_tails(4, rowwise(plane), {{NAN, Side::above, 0.0}}), std::invalid_argument);
  EXPECT_THROW(estimate_output_tails(4, rowwise(plane), {{6.0, Side::above, -1.0}}), std::invalid_argument);
  const OutputEvaluator short_answer = [](const Matrix&) { return std::vector<double>{1.0}; };
  EXPECT_THROW(estimate_output_tails(4, short_answer, questions), std::invalid_argument);
  const OutputEvaluator throws = [](const Matrix&) -> std::vector<double> { throw std::runtime_error("no"); };
  EXPECT_THROW(estimate_output_tails(4, throws, questions), std::runtime_error);

  OutputTailsOptions poor;
  poor.max_runs = 30;
  const OutputTailsSummary refused = estimate_output_tails(4, rowwise(plane), questions, poor);
  EXPECT_EQ(refused.tails[0].status, TailStatus::refused);
  EXPECT_LE(refused.runs.total(), 30u);

  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(estimate_output_tails(4, rowwise(plane), questions, {}, stop.get_token()).tails[0].reason,
            "stopped");

  // Beyond the limit at the origin already.
  EXPECT_EQ(estimate_output_tails(4, rowwise(plane), {{-1.0, Side::above, 0.0}}).tails[0].status,
            TailStatus::refused);
}

}  // namespace
}  // namespace flare::analysis
