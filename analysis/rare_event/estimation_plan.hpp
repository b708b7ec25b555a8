// A frozen proposal and what its pilot promises; the pilots of the engines that make one.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "analysis/rare_event/core/estimator_session.hpp"
#include "analysis/rare_event/estimators/importance_sampling.hpp"
#include "analysis/rare_event/estimators/line_sampling.hpp"
#include "analysis/rare_event/search/failure_search.hpp"
#include "analysis/tails/interval.hpp"

namespace flare::analysis {

struct Plan {
  RareEventMethod method = RareEventMethod::line_sampling;
  std::string name;
  std::vector<LineRegion> regions;  // of lines; tells rays how far out to begin
  MixtureProposal mixture;          // of importance sampling
  std::vector<LineResult> lines;    // that the pilot made
  std::vector<double> spreads;      // of each stratum, relative
  double values_needed = 0.0;       // lines, rays or runs to the target
  double values_useful = 0.0;       // to a coefficient of variation that is worth having
  double runs_each = 1.0;
  double check_share = 0.3;  // of the values, looked at once more away from the root
  double log_p = 0.0;
  double cov = 1e300;      // of the pilot's mean
  double effective = 0.0;  // samples of the pilot
  bool usable = false;
  double noise = 0.0;  // of margins; lines are one run each where it is not 0

  double runs() const { return values_needed * runs_each; }
  /// A useful estimate takes at most 0.85 of what is left.
  bool comfortable(const EvaluationLedger& ledger) const {
    return usable && std::min(values_needed, values_useful) * runs_each <
                         0.85 * static_cast<double>(ledger.remaining());
  }
};

/// Rounds of lines, each from laws refitted to all before it; the last round's spread sets the sample sizes.
Plan pilot_lines(EstimatorSession& session, std::vector<LineRegion> regions, std::string name,
                 int max_rounds = 6);

/// Refits a plan of lines to more of them, made with it for `cost` runs; they belong to the pilot from here
/// on.
void learn_from_lines(const RareEventOptions& options, Plan& plan, const std::vector<LineResult>& lines,
                      std::uint64_t cost);

/// Gaussian mixture fitted to failing points: the roots of `lines`, each a little deepened, the population of
/// subset simulation, and the failures of its own rounds. It begins at the regions' nearest points where
/// there are none of the former.
Plan pilot_mixture(EstimatorSession& session, const SearchResult& search, const Plan& lines);

/// N(m, I) at each region's nearest failing point, weighted by Phi(-|m|).
Plan pilot_mean_shift(EstimatorSession& session, const SearchResult& search);

Plan pilot_rays(EstimatorSession& session, const SearchResult& search);

}  // namespace flare::analysis
