#include "analysis/output_tails/shared_estimate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "analysis/output_tails/axis_proposal.hpp"
#include "analysis/rare_event/core/point_rows.hpp"
#include "analysis/tails/interval.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

/// Fresh values of one question in units of what M says, unknown runs read either way.
struct FreshValues {
  Stratum unknown_pass;
  Stratum unknown_fail;
  std::size_t informative = 0;  // runs where an error of M matters
  std::size_t unknown = 0;

  void add(const FrozenQuestion& frozen, const AxisProposal& proposal, const Matrix& points,
           const std::vector<double>& y, const TailQuestion& question) {
    for (Eigen::Index i = 0; i < points.rows(); ++i) {
      const Vector x = points.row(i);
      const double weight = proposal.log_weight(x) - frozen.log_model;
      const double expected = std::exp(weight + frozen.surrogate.log_failing(question, x));
      const double value = y[static_cast<std::size_t>(i)];
      const bool known = !std::isnan(value);
      const double seen = known ? std::exp(weight + question.log_failing(value)) : 0.0;
      unknown_pass.values.push_back(1.0 + seen - expected);
      unknown_fail.values.push_back(1.0 + (known ? seen : std::exp(weight)) - expected);
      unknown += known ? 0 : 1;
      const double off = frozen.surrogate.axis().dot(x) - frozen.place.mean;
      if (std::abs(off) < 2.0 * frozen.place.sd) ++informative;
    }
  }
};

// Where M errs by more than the noise hides, most of P would have to come from the correction. Where the boundary
// bends across the axis, failures spread there by another law than N(0, I), and the rare ones that matter most are
// the ones not seen.
bool too_bent(const PlaneExploration& explored, const TailSurrogate& surrogate,
              const TailQuestion& question) {
  const double c = surrogate.boundary(question).mean;
  const double gain = std::abs(surrogate.slope(c));
  const double across =
      2.0 * std::abs(explored.plane.bend * c) / gain;  // 1 - 1/variance of the failures across
  return surrogate.error() > std::hypot(0.15 * gain, question.noise) || across > 0.2;
}

/// What the interval of a normal mean is widened by where its variance rests on few values: Student's t against the
/// normal law, with the degrees of freedom 2 n / (kurtosis - 1) that a sample variance has. Most corrections are
/// nearly nothing, and a few runs at the boundary carry the spread.
double few_values(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double second = 0.0, fourth = 0.0;
  for (const double v : values) {
    const double square = (v - mean) * (v - mean);
    second += square / n;
    fourth += square * square / n;
  }
  if (!(second > 0.0)) return 1.0;
  const double freedom = std::clamp(2.0 * n / std::max(1.0, fourth / (second * second) - 1.0), 2.0, n);
  return quantile(boost::math::students_t_distribution<>(freedom), 0.975) / 1.959964;
}

class SharedEstimate {
 public:
  SharedEstimate(OutputSession& session, const PlaneExploration& explored,
                 const std::vector<QuestionGroup>& groups, const EstimateRules& rules)
      : session_(session), explored_(explored), rules_(rules) {
    for (const QuestionGroup& group : groups) {
      for (const std::size_t q : group.questions) freeze(group, q);
    }
    values_.resize(made_.questions.size());
  }

  SharedRuns run() {
    if (made_.questions.empty()) return std::move(made_);
    std::vector<TailSurrogate::Place> places;
    for (const FrozenQuestion& frozen : made_.questions) places.push_back(frozen.place);
    const AxisProposal proposal(explored_.plane.slope.normalized(), places);
    std::uint64_t made = 0;
    std::uint64_t wanted = 40 + 10 * places.size();
    while (session_.remaining() >= output_audit_runs + 20) {
      wanted = std::min(wanted, session_.remaining() - output_audit_runs);
      take(proposal, static_cast<Eigen::Index>(wanted));
      made += wanted;
      const double more = answer();
      if (more <= 1.0) break;
      made_.doubted = made >= rules_.patience && objected_;
      if (made_.doubted) break;
      wanted =
          static_cast<std::uint64_t>(std::max(20.0, static_cast<double>(made) * std::min(more - 1.0, 2.0)));
    }
    if (made == 0) throw OutputTailsEnded{"the budget does not cover an estimate"};
    for (const FrozenQuestion& frozen : made_.questions) {
      session_.summary().tails[frozen.question].nearest =
          frozen.surrogate.nearest_failure(session_.questions()[frozen.question]);
    }
    return std::move(made_);
  }

 private:
  void freeze(const QuestionGroup& group, std::size_t q) {
    const TailQuestion& question = session_.questions()[q];
    if (too_bent(explored_, group.surrogate, question)) {
      return session_.refuse(q, "the output bends too much near the limit");
    }
    made_.questions.push_back(
        {q, group.surrogate, group.surrogate.boundary(question), group.surrogate.log_probability(question)});
  }

  void take(const AxisProposal& proposal, Eigen::Index count) {
    const Matrix points = proposal.draw(count, session_.random());
    const std::vector<double> y = session_.evaluate(points, &RunCounts::estimate);
    made_.fresh.add(points, y);
    weigh(proposal, points);
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const FrozenQuestion& frozen = made_.questions[i];
      values_[i].add(frozen, proposal, points, y, session_.questions()[frozen.question]);
    }
  }

  void weigh(const AxisProposal& proposal, const Matrix& points) {
    WeightedRuns& kept = session_.summary().estimate;
    append_rows(points, kept.points);
    for (Eigen::Index i = 0; i < points.rows(); ++i)
      kept.log_weights.push_back(proposal.log_weight(points.row(i)));
  }

  // Answers from all fresh runs so far; by what factor the runs would have to grow for the worst of them.
  double answer() {
    double worst = 0.0;
    objected_ = false;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const FrozenQuestion& frozen = made_.questions[i];
      const double growth = answer(values_[i], frozen.log_model, session_.summary().tails[frozen.question]);
      worst = std::max(worst, std::isfinite(growth) ? growth : 3.0);
    }
    return worst;
  }

  double answer(const FreshValues& values, double log_model, OutputTail& tail) {
    const WeightedEstimate high = summarize({values.unknown_fail}, log_model);
    const WeightedEstimate low = values.unknown == 0 ? high : summarize({values.unknown_pass}, log_model);
    tail = OutputTail{};
    tail.effective_samples = std::min(low.effective_samples, high.effective_samples);
    tail.bracketed = values.unknown > 0;
    tail.reason = high.objection().empty() ? low.objection() : high.objection();
    objected_ = objected_ || !tail.reason.empty();
    if (tail.reason.empty() && values.informative < rules_.least_near_limit) {
      tail.reason = fmt::format("only {} runs came near the boundary", values.informative);
    }
    if (!tail.reason.empty()) return 2.0;
    tail.status = TailStatus::estimated;
    tail.log_p = high.log_p;
    const double above = few_values(values.unknown_fail.values);
    const double below = values.unknown == 0 ? above : few_values(values.unknown_pass.values);
    tail.log_p_high = std::min(0.0, high.log_p + above * (high.log_high - high.log_p));
    tail.log_p_low = low.log_p - below * (low.log_p - low.log_low);
    const double wanted = session_.options().target_half_width;
    tail.target_met = tail.half_width() <= wanted;
    return tail.target_met || tail.bracketed ? 1.0 : std::pow(tail.half_width() / (0.92 * wanted), 2);
  }

  OutputSession& session_;
  const PlaneExploration& explored_;
  EstimateRules rules_;
  SharedRuns made_;
  bool objected_ =
      false;  // the weights to a question, at the last answer; a few runs near its limit only ask for more
  std::vector<FreshValues> values_;  // as made_.questions
};

}  // namespace

SharedRuns estimate_shared(OutputSession& session, const PlaneExploration& explored,
                           const std::vector<QuestionGroup>& groups, const EstimateRules& rules) {
  return SharedEstimate(session, explored, groups, rules).run();
}

}  // namespace flare::analysis
