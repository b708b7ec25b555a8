#include "analysis/output_tails/shared_estimate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/output_tails/axis_proposal.hpp"
#include "analysis/tails/interval.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

/// Fresh values of one question in units of what M says, unknown runs read either way.
struct FreshValues {
  double log_model = 0.0;
  Stratum unknown_pass;
  Stratum unknown_fail;
  TailSurrogate::Place place;
  std::size_t informative = 0;  // runs where an error of M matters
  std::size_t unknown = 0;

  void add(const QuestionGroup& group, const AxisProposal& proposal, const Matrix& points,
           const std::vector<double>& y, const TailQuestion& question) {
    for (Eigen::Index i = 0; i < points.rows(); ++i) {
      const Vector x = points.row(i);
      const double weight = proposal.log_weight(x) - log_model;
      const double expected = std::exp(weight + group.surrogate.log_failing(question, x));
      const double value = y[static_cast<std::size_t>(i)];
      const bool known = std::isfinite(value);
      const double seen = known ? std::exp(weight + question.log_failing(value)) : 0.0;
      unknown_pass.values.push_back(1.0 + seen - expected);
      unknown_fail.values.push_back(1.0 + (known ? seen : std::exp(weight)) - expected);
      unknown += known ? 0 : 1;
      if (std::abs(group.surrogate.axis().dot(x) - place.mean) < 2.0 * place.sd) ++informative;
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

class SharedEstimate {
 public:
  SharedEstimate(OutputSession& session, const PlaneExploration& explored, std::vector<QuestionGroup> groups)
      : session_(session), groups_(std::move(groups)), values_(session.questions().size()) {
    for (QuestionGroup& group : groups_) drop_bent(explored, group);
  }

  void run(const Vector& axis) {
    std::vector<TailSurrogate::Place> places;
    for (const QuestionGroup& group : groups_) {
      for (const std::size_t q : group.questions) places.push_back(freeze(group, q));
    }
    if (places.empty()) return;
    const AxisProposal proposal(axis, places);
    std::uint64_t made = 0;
    std::uint64_t wanted = 40 + 10 * places.size();
    while (session_.remaining() >= output_audit_runs + 20) {
      wanted = std::min(wanted, session_.remaining() - output_audit_runs);
      take(proposal, static_cast<Eigen::Index>(wanted));
      made += wanted;
      const double more = answer();
      if (more <= 1.0) break;
      wanted =
          static_cast<std::uint64_t>(std::max(20.0, static_cast<double>(made) * std::min(more - 1.0, 2.0)));
    }
    if (made == 0) throw OutputTailsEnded{"the budget does not cover an estimate"};
    for (const QuestionGroup& group : groups_) {
      for (const std::size_t q : group.questions)
        session_.summary().tails[q].nearest = group.surrogate.nearest_failure(session_.questions()[q]);
    }
  }

 private:
  void drop_bent(const PlaneExploration& explored, QuestionGroup& group) {
    std::erase_if(group.questions, [&](std::size_t q) {
      const bool bent = too_bent(explored, group.surrogate, session_.questions()[q]);
      if (bent) session_.refuse(q, "the output bends too much near the limit");
      return bent;
    });
  }

  TailSurrogate::Place freeze(const QuestionGroup& group, std::size_t q) {
    values_[q].place = group.surrogate.boundary(session_.questions()[q]);
    values_[q].log_model = group.surrogate.log_probability(session_.questions()[q]);
    return values_[q].place;
  }

  void take(const AxisProposal& proposal, Eigen::Index count) {
    const Matrix points = proposal.draw(count, session_.random());
    const std::vector<double> y = session_.evaluate(points, &RunCounts::estimate);
    for (const QuestionGroup& group : groups_) {
      for (const std::size_t q : group.questions)
        values_[q].add(group, proposal, points, y, session_.questions()[q]);
    }
  }

  // Answers from all fresh runs so far; by what factor the runs would have to grow for the worst of them.
  double answer() {
    double worst = 0.0;
    for (std::size_t q = 0; q < values_.size(); ++q) {
      if (values_[q].unknown_pass.values.empty()) continue;
      const double growth = answer(values_[q], session_.summary().tails[q]);
      worst = std::max(worst, std::isfinite(growth) ? growth : 3.0);
    }
    return worst;
  }

  double answer(const FreshValues& values, OutputTail& tail) const {
    const WeightedEstimate high = summarize({values.unknown_fail}, values.log_model);
    const WeightedEstimate low =
        values.unknown == 0 ? high : summarize({values.unknown_pass}, values.log_model);
    tail = OutputTail{};
    tail.effective_samples = std::min(low.effective_samples, high.effective_samples);
    tail.bracketed = values.unknown > 0;
    tail.reason = high.objection().empty() ? low.objection() : high.objection();
    if (tail.reason.empty() && values.informative < 12) {
      tail.reason = fmt::format("only {} runs came near the boundary", values.informative);
    }
    if (!tail.reason.empty()) return 2.0;
    tail.status = TailStatus::estimated;
    tail.log_p = high.log_p;
    tail.log_p_high = high.log_high;
    tail.log_p_low = low.log_low;
    const double wanted = session_.options().target_half_width;
    tail.target_met = tail.half_width() <= wanted;
    return tail.target_met || tail.bracketed ? 1.0 : std::pow(tail.half_width() / (0.92 * wanted), 2);
  }

  OutputSession& session_;
  std::vector<QuestionGroup> groups_;
  std::vector<FreshValues> values_;  // by question
};

}  // namespace

void estimate_shared(OutputSession& session, const PlaneExploration& explored,
                     std::vector<QuestionGroup> groups) {
  SharedEstimate(session, explored, std::move(groups)).run(explored.plane.slope.normalized());
}

}  // namespace flare::analysis
