// Looks for contradictions to an estimate that was made, with runs of its own.
//
// Fresh draws at inflated spread, of which only those are run that every known region says pass. A failure
// among them must belong to a known region all the same (its boundary bends), or the search has missed one.
// What failed before is asked the same: nothing that was met may be missing from the estimate. A region counts as
// known where its part of P rests on a sample of its own.
// Half-spaces are met in any dimension: one as far out as the nearest region fails about one such draw in
// ten, so 30 draws miss it one time in 20. Small bounded regions are met in few dimensions only.
#pragma once

#include "analysis/rare_event/core/estimator_session.hpp"
#include "analysis/rare_event/estimators/estimator.hpp"
#include "analysis/rare_event/population_audit.hpp"
#include "analysis/rare_event/search/failure_search.hpp"

namespace flare::analysis {

struct AuditFinding {
  std::size_t predicted = 0;          // draws that a known region says fail: not run
  std::size_t passing = 0;            // draws that all known regions let pass: run
  std::size_t failures = 0;           // of these
  std::size_t examined = 0;           // of these
  std::size_t bent = 0;               // failures, old and new, that only an arc joins to a region
  std::size_t unexplained_draws = 0;  // of these
  std::size_t beside = 0;             // failures met before that no region's model predicts
  bool forgotten = false;             // failures that lead to a region are not in its part of the estimate
  double forgotten_share = 0.0;       // of the search's population of failures
  /// Failing points of no sampled region, of the audit's draws and of all that was met before.
  std::vector<engine::Vector> unexplained;

  /// The boundary turns away from the model of its region where failures were met: the estimate's lines or runs have
  /// seen little of that part, and their scatter does not show it.
  bool shows_bends() const { return bent >= 3; }
  /// Failures lie beside the models of their regions, and something joins them: a mode of its own that holds some of P may be
  /// among them, which no question here tells from a bend.
  bool may_lack_a_part() const { return beside >= 2; }
  bool contradicts() const { return !unexplained.empty(); }
  /// Good-Turing on fresh draws: share of the failing ones that belong to no known region.
  double unseen_share() const;
};

/// Runs to keep back for the audit of an estimate; 0 where it has nothing to say (the origin fails,
/// or the estimate can miss no region).
std::uint64_t audit_runs(const EstimatorSession& session, const PlainLook& look, const Estimator& estimator);

/// Spends at most `runs` on the draws, and on explaining failures up to nine runs for each of 14. `regions`: those
/// that the estimate has a sample of. What it accounts for is asked no further.
AuditFinding audit_regions(EstimatorSession& session, const SearchResult& search,
                           const std::vector<LineRegion>& regions, std::uint64_t runs, double log_p,
                           const AccountsFor& accounts_for = {});

/// Of up to six failures met before: those that no arc of failures joins to where repeats of subset simulation ended, and
/// those that are joined to some repeats and not to others.
struct ChainReach {
  std::size_t by_none = 0;  // not in the estimate
  std::size_t by_some = 0;  // in some of its terms: their logarithms are not of one normal law
};

/// `ends`: rows of each repeat, of two at least; `runs` from reach_runs(). Half of those asked are what audits of other estimates
/// found in none of their regions; the others are brought, as far as `runs` go, to where such failures lie: from far out arcs
/// lead to a plane from nearly everywhere. Where most ends of a repeat are joined to none of others, among many like regions,
/// nothing is said.
ChainReach reach_of_chains(EstimatorSession& session, const SearchResult& search,
                           const std::vector<engine::Matrix>& ends, std::uint64_t runs);
/// Runs to keep back for that.
std::uint64_t reach_runs(std::uint64_t left);

/// A quarter of P more at the upper end where a part may be lacking.
void allow_for_a_part(const AuditFinding& finding, RareEventSummary& summary);

/// Share of P = exp(log_p) that the regions behind unexplained failures hold, by lines of their own. Makes runs; 1
/// where the budget ends, a failure leads to no region, or the lines through its region see too little of it.
double missing_share(EstimatorSession& session, const std::vector<LineRegion>& regions,
                     const AuditFinding& finding, double log_p);

/// What the audit met beside the estimate: a wider interval where it holds little (missing_share), no number where it holds much.
void allow_for_missing(EstimatorSession& session, const std::vector<LineRegion>& regions,
                       const AuditFinding& finding, RareEventSummary& summary);

/// Subset simulation's own number, where there is one: seeing clearly more than the estimate refuses it.
void audit_against_subset(const SearchResult& search, RareEventSummary& summary);

/// An estimate that no objection of its own was made to is evidence of what it saw, whatever an audit says that it lacks: an
/// answer that ends below it is refused, as below what a pilot saw (race.hpp).
void note_estimate(const RareEventSummary& summary, SearchResult& search);
void audit_against_others(const SearchResult& search, RareEventSummary& summary);

/// The rays' pilot, where there is one: seeing clearly more than the estimate refuses it.
void audit_against_rays(const SearchResult& search, RareEventSummary& summary);

}  // namespace flare::analysis
