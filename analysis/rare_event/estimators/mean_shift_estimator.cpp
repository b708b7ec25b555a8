#include "analysis/rare_event/estimators/mean_shift_estimator.hpp"

namespace flare::analysis {

void MeanShiftEstimator::pilot(Findings& findings) {
  EstimatorSession& session = findings.session;
  regions_ = findings.search.regions;
  ask_population(findings.search);
  proposal_ = shifted_to(regions_, session.ledger().dimension());
  const double total = log_sum_of_tails(regions_);
  const WeightedSample sample =
      sample_mixture(session.ledger(), proposal_, pilot_runs, session.random(), Purpose::pilot);
  judge(session.options(), {importance_stratum(sample, total)}, total, pilot_runs);
  note_pilot(session);
}

}  // namespace flare::analysis
