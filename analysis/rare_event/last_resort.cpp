#include "analysis/rare_event/last_resort.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "analysis/rare_event/estimate_audit.hpp"
#include "analysis/rare_event/estimators/estimator_list.hpp"
#include "analysis/rare_event/estimators/race.hpp"
#include "analysis/rare_event/sampling/plain_monte_carlo.hpp"
#include "analysis/rare_event/sampling/subset_simulation.hpp"
#include "analysis/tails/interval.hpp"

namespace flare::analysis {
namespace {

// Far enough for six sigma in a direction that matters, and no farther than models of devices are made for.
constexpr std::array<double, 3> far_scales = {2.0, 3.0, 4.5};
constexpr std::uint64_t far_percent = 5;  // of what is left, at each scale
constexpr std::uint64_t most_far = 200;

// Chains rest on margins that lead to the failures. Noise that is fresh in every run is one more input to them, drawn
// anew with every move.
bool subset_may_answer(const EstimatorSession& session, const PlainLook& look) {
  return session.ledger().margins() && !look.origin.failed;
}

constexpr std::uint64_t worth_a_try = 600;    // runs left, below which only subset simulation is tried
constexpr std::uint64_t for_remembered = 60;  // runs to explain failures that were met before
constexpr double promising_pilot = 6.0;       // effective samples of it
constexpr double widest_doubled = 1.5 * widest_interval;

// Runs to an effective sample of 100, going by the pilot.
double runs_to_trust(const Forecast& forecast) {
  constexpr double useful = 0.12;  // CoV that values_useful are for
  return 100.0 * (1.0 + useful * useful * forecast.values_useful) * forecast.runs_each;
}

// A pilot worth believing promises an estimate for less than half of all that is left.
bool promises(const Forecast& forecast, std::uint64_t left) {
  return forecast.usable && forecast.effective >= promising_pilot &&
         runs_to_trust(forecast) < 0.5 * static_cast<double>(left);
}

// Half of what is left stays for subset simulation, where that is enough for it.
std::uint64_t for_chains(const Findings& findings) {
  const std::uint64_t half = findings.session.ledger().remaining() / 2;
  return half > findings.search.runs_for_chains() ? half : 0;
}

// One engine from pilot to audit; refused with a reason where it does not answer.
RareEventSummary try_engine(Findings& findings, Estimator& estimator) {
  EstimatorSession& session = findings.session;
  RareEventSummary summary;
  const std::uint64_t left = session.ledger().remaining();
  estimator.pilot(findings);
  note_pilot(estimator.forecast(), findings.search);
  summary.reason = "its pilot promises no answer";
  if (!promises(estimator.forecast(), left)) return summary;
  const std::uint64_t runs = audit_runs(session, findings.look, estimator);
  const std::uint64_t kept =
      std::min(runs + runs / 2 + for_remembered, session.ledger().remaining() / 4) + for_chains(findings);
  session.ledger().hold_back(kept);
  summary = estimator.estimate(findings);
  session.ledger().release(kept);
  if (summary.status != TailStatus::estimated) return summary;
  note_estimate(summary, findings.search);
  if (runs > 0) {
    const AuditFinding finding =
        audit_regions(session, findings.search, estimator.sampled_regions(), runs, summary.log_p,
                      [&](const engine::Vector& x) { return estimator.accounts_for(x); });
    findings.search.remember_unexplained(finding.unexplained);
    allow_for_missing(session, estimator.sampled_regions(), finding, summary);
    if (summary.status == TailStatus::estimated && finding.shows_bends()) double_interval(summary);
    allow_for_a_part(finding, summary);
  }
  audit_against_subset(findings.search, summary);
  audit_against_others(findings.search, summary);
  return summary;
}

RareEventSummary try_or_refuse(Findings& findings, Estimator& estimator) {
  RareEventSummary summary;
  try {
    summary = try_engine(findings, estimator);
  } catch (const BudgetSpent& spent) {
    summary.reason = spent.what();
  }
  if (summary.status != TailStatus::estimated)
    findings.session.note(fmt::format("{} refused: {}", estimator.name(), summary.reason));
  return summary;
}

// Its engines in turn, each from what the search found; what their audits met stays known.
RareEventSummary try_entrant(EstimatorSession& session, const PlainLook& look, SearchResult& search,
                             const Entrant& entrant) {
  RareEventSummary summary;
  SearchResult own = search;  // an engine may replace what the search found by what it finds itself
  own.unseen_share = 0.0;
  own.starts = 0;
  Findings findings{session, look, own};
  if (session.ledger().remaining() < worth_a_try || !entrant.enters(findings)) return summary;
  for (const std::unique_ptr<Estimator>& estimator : entrant.make(findings)) {
    summary = try_or_refuse(findings, *estimator);
    if (summary.status == TailStatus::estimated) break;
  }
  search.unexplained = std::move(own.unexplained);
  search.log_p_at_least = own.log_p_at_least;
  return summary;
}

RareEventSummary subset_at_last(EstimatorSession& session, const PlainLook& look, const SearchResult& search,
                                RareEventSummary refused) {
  EvaluationLedger& ledger = session.ledger();
  if (!subset_may_answer(session, look)) return refused;
  session.note(fmt::format("{} runs for subset simulation: {}", ledger.remaining(), refused.reason));
  const std::uint64_t kept = reach_runs(ledger.remaining());
  ledger.hold_back(kept);
  std::vector<engine::Matrix> reached;
  RareEventSummary summary =
      repeat_subset_simulation(ledger, ledger.remaining(), session.random(), Purpose::estimate,
                               search.subset ? search.subset->levels : 0, &reached);
  ledger.release(kept);
  if (summary.status == TailStatus::estimated) {
    const ChainReach reach = reach_of_chains(session, search, reached, kept);
    if (reach.by_some > 0) double_interval(summary);
    const double width = summary.log_p_high - summary.log_p_low;
    if (reach.by_none > 0) {
      refuse(summary,
             fmt::format("{} failures were met that no chain of subset simulation leads to", reach.by_none));
    } else if (width > widest_doubled || summary.log_p_high >= 0.0) {
      refuse(summary, "the repeats of subset simulation ended in different failures");
    }
    audit_against_others(search, summary);
    audit_against_subset(search, summary);
    if (summary.status == TailStatus::estimated) return summary;
  }
  refused.reason += "; " + summary.reason;
  refused.runs_wanted = summary.runs_wanted;
  return refused;
}

}  // namespace

RareEventSummary engines_at_last(EstimatorSession& session, const PlainLook& look, SearchResult& search,
                                 RareEventSummary refused) {
  for (const Entrant& entrant : last_entrants()) {
    const std::size_t open = search.unexplained.size();
    RareEventSummary summary = try_entrant(session, look, search, entrant);
    if (entrant.begins_again && search.unexplained.size() > open && summary.status != TailStatus::estimated)
      summary = try_entrant(session, look, search, entrant);
    if (summary.status == TailStatus::estimated) return summary;
  }
  return subset_at_last(session, look, search, std::move(refused));
}

std::vector<engine::Vector> look_far_out(EstimatorSession& session) {
  for (const double scale : far_scales) {
    const std::uint64_t count = std::min(session.ledger().remaining() * far_percent / 100, most_far);
    if (count == 0 || session.ledger().saw_unknown()) return {};
    const ReadDraws draws = session.draws_at(scale, static_cast<Eigen::Index>(count));
    std::vector<engine::Vector> failing;
    for (std::size_t i = 0; i < draws.outcomes.size(); ++i)
      if (draws.outcomes[i].failed) failing.push_back(draws.points.row(static_cast<Eigen::Index>(i)));
    session.note(
        fmt::format("{} draws at {:.1f} sigma, {} failed", draws.outcomes.size(), scale, failing.size()));
    if (!failing.empty()) return failing;
  }
  return {};
}

RareEventSummary bound_without_failure(EstimatorSession& session, const PlainLook& look) {
  EvaluationLedger& ledger = session.ledger();
  const std::uint64_t count = ledger.remaining();
  RareEventSummary summary = plain_monte_carlo(ledger, count, session.random(), Purpose::estimate);
  // One that fails after all is plain Monte Carlo's to answer; unknown runs are not passes.
  if (count > 0 && (summary.status == TailStatus::estimated || ledger.saw_unknown())) return summary;
  const std::uint64_t plain = count + look.runs();
  summary.status = TailStatus::bound;
  summary.reason = fmt::format("none of {} plain runs failed", plain);
  if (ledger.saw_failure()) {
    summary.reason += "; failures were met farther out, and no region of them could be placed";
  } else {
    summary.reason +=
        fmt::format(", and none of {} others that looked out to {:.1f} sigma",
                    ledger.counts().total() - std::min(ledger.counts().total(), plain), far_scales.back());
  }
  summary.log_p = summary.log_p_high = std::log(clopper_pearson(0, plain).high);
  summary.log_p_low = -std::numeric_limits<double>::infinity();
  return summary;
}

}  // namespace flare::analysis
