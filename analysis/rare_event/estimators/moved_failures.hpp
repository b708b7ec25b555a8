// Does an estimate's own sample stay within its proposal's reach?
//
// Failures drawn in proportion to their weights are drawn from N(0, I) restricted to what fails, if the proposal draws all of
// it. Moves that leave this law as it is then lead to failures that are drawn as often as they stand for. Where the
// proposal looks at a part only, beside the bulk, they lead out of its reach, towards the bulk: nothing that was sampled could
// have told. What no path of failures joins to the sample is not seen this way.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analysis/rare_event/core/estimator_session.hpp"
#include "analysis/rare_event/core/even_selection.hpp"
#include "analysis/rare_event/estimators/sample_checks.hpp"
#include "analysis/rare_event/sampling/importance_sampling.hpp"

namespace flare::analysis {

/// Failing runs of an estimate, kept for the question: an even selection where there are many.
class FailuresDrawn {
 public:
  struct Failure {
    engine::Vector point;
    double log_weight = 0.0;
  };

  void add(const WeightedSample& sample);
  void add(engine::Vector point, double log_weight);
  /// `count` of them in proportion to their weights, evenly: a heavy one comes several times.
  std::vector<engine::Vector> resampled(std::size_t count, NormalStream& random) const;

 private:
  std::optional<EvenSelection<Failure>> kept_;
};

/// The most runs that moved_out_objection() makes.
constexpr std::uint64_t runs_to_move_failures = 60;

/// Why the estimate may not be believed: more than a tenth of its failures, moved on, are `heavy` (one run there would decide it
/// alone). Empty where they are not, and where too few runs are left to ask.
std::string moved_out_objection(EstimatorSession& session, const FailuresDrawn& drawn,
                                const std::function<bool(const engine::Vector&)>& heavy);

/// The same of `values` weighted runs of a proposal that gave an estimate exp(log_p).
template <class Proposal>
std::string moved_out_objection(EstimatorSession& session, const FailuresDrawn& drawn,
                                const Proposal& proposal, double log_p, double values) {
  const double heavy = log_value_that_decides(log_p, values);
  return moved_out_objection(session, drawn,
                             [&](const engine::Vector& x) { return proposal.log_weight(x) > heavy; });
}

}  // namespace flare::analysis
