#include "analysis/rare_event/auto_estimator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/rare_event/core/estimator_session.hpp"
#include "analysis/rare_event/estimate_audit.hpp"
#include "analysis/rare_event/estimators/race.hpp"
#include "analysis/rare_event/last_resort.hpp"
#include "analysis/rare_event/sampling/plain_monte_carlo.hpp"
#include "analysis/rare_event/sampling/subset_simulation.hpp"
#include "analysis/rare_event/search/failure_search.hpp"
#include "analysis/rare_event/search/plain_look.hpp"
#include "analysis/tails/interval.hpp"

namespace flare::analysis {
namespace {

constexpr std::uint64_t for_remembered = 60;  // runs kept back to explain failures that were met before
constexpr double negligible_share = 0.02;     // of P: not worth a second search
constexpr Eigen::Index most_ray_dimensions = 12;

class AutoEstimator {
 public:
  AutoEstimator(EvaluationLedger& ledger, const RareEventOptions& options, std::string_view label)
      : session_(ledger, options, label) {}

  RareEventSummary run() {
    RareEventSummary summary = guarded([&] { return estimate(); });
    if (summary.status == TailStatus::refused && !stopped_) summary = last_resort(std::move(summary));
    summary.draws = session_.made_draws();
    summary.diagnostics.unseen_share = search_.unseen_share;
    release_kept();
    if (session_.ledger().saw_unknown() && !stopped_ && !summary.bracketed)
      summary = bracket(std::move(summary));
    summary.diagnostics.search = session_.notes();
    return summary;
  }

 private:
  template <class F>
  RareEventSummary guarded(F step) {
    RareEventSummary summary;
    try {
      return step();
    } catch (const BudgetSpent& error) {
      summary.reason = error.what();
    } catch (const StopRequested& error) {
      stopped_ = true;
      summary.reason = error.what();
    }
    return summary;
  }

  RareEventSummary estimate() {
    EvaluationLedger& ledger = session_.ledger();
    if (session_.options().method == RareEventMethod::radial_sampling &&
        ledger.dimension() > most_ray_dimensions)
      return too_many_for_rays();
    const SeenRuns& seen = session_.options().seen;
    ledger.remember_seen(seen.points, seen.responses);
    look_ = look_around(session_);
    if (ledger.counts().unknown == ledger.counts().total() && !ledger.margins()) return without_answers();
    if (ledger.saw_unknown()) ledger.hold_back(for_unknown());
    if (crude_suffices()) return monte_carlo();
    search_failures(session_, look_, search_);
    if (!search_.regions.empty() && !look_.origin.failed)
      look_for_noise(session_, search_.regions.front().most_probable_point, look_);
    search_.noise = look_.relative_noise();
    return estimate_regions();
  }

  // What passes again beyond a shell lies in a layer that few looks along a ray meet.
  RareEventSummary too_many_for_rays() {
    stopped_ = true;
    RareEventSummary summary;
    summary.reason =
        fmt::format("rays are for at most {} dimensions: in more, automatic weighs distances instead",
                    most_ray_dimensions);
    return summary;
  }

  // Nothing to go by, and more runs would most likely tell nothing either.
  RareEventSummary without_answers() {
    stopped_ = true;
    RareEventSummary summary;
    summary.reason =
        fmt::format("none of the first {} runs gave an answer", session_.ledger().counts().total());
    return summary;
  }

  // The same again with every unknown run read as a failure, from the same search plus the unknown points.
  RareEventSummary estimate_with_unknown_failing() {
    look_.read_unknown_as_failed();
    if (crude_suffices()) return monte_carlo();
    search_unknown_points(session_, look_, search_);
    return estimate_regions();
  }

  RareEventSummary estimate_regions() {
    if (search_.regions.empty()) return nothing_found();
    if (hopeless()) {
      RareEventSummary summary;
      summary.reason = unseen_objection(search_);
      return summary;
    }
    Audited audited = run_estimators();
    if (asks_for_search(audited.finding) && can_search_again(audited)) {
      search_again(session_, look_, audited.finding.unexplained, search_);
      audited = run_estimators();
    }
    RareEventSummary summary = std::move(audited.summary);
    allow_for_missing(session_, audited.regions, audited.finding, summary);
    if (audited.finding.shows_bends()) widen_for_bends(summary);
    allow_for_a_part(audited.finding, summary);
    if (search_.log_p_behind_jumps) allow_for_jumps(*search_.log_p_behind_jumps, summary);
    audit_against_rays(search_, summary);
    audit_against_subset(search_, summary);
    audit_against_others(search_, summary);
    std::sort(summary.regions.begin(), summary.regions.end(),
              [](const FailureRegion& a, const FailureRegion& b) { return a.share > b.share; });
    return summary;
  }

  struct Audited {
    RareEventSummary summary;
    AuditFinding finding;
    std::vector<LineRegion> regions;  // that the estimate knew
    std::uint64_t cost = 0;           // runs of pilots, estimate and audit
  };

  static bool asks_for_search(const AuditFinding& finding) {
    return finding.unseen_share() > negligible_share ||
           finding.unexplained.size() > finding.unexplained_draws;
  }

  bool can_search_again(const Audited& audited) const {
    const std::uint64_t search = search_.planar ? session_.options().max_runs / 3 : 100;
    return session_.ledger().remaining() > audited.cost + audited.cost / 4 + search;
  }

  // An estimate that has seen what lies behind the jump says at least as much.
  void allow_for_jumps(double log_p_at_most, RareEventSummary& summary) {
    if (summary.status != TailStatus::estimated || summary.log_p_high >= log_p_at_most) return;
    session_.note("the interval reaches to what may lie behind the jump");
    summary.log_p_high = std::min(0.0, log_p_at_most);
  }

  void widen_for_bends(RareEventSummary& summary) {
    if (summary.status != TailStatus::estimated) return;
    session_.note(
        "failures were met where the boundary bends away from its regions: the interval is doubled");
    double_interval(summary);
  }

  Audited run_estimators() {
    Audited audited;
    const bool chosen = session_.options().method == RareEventMethod::automatic;
    const std::uint64_t before = session_.ledger().counts().total();
    audited.summary.reason =
        look_.noisy() ? "the margins are noisy, and what may be used with noise saw too few failures to go on"
                      : "no engine's pilot saw enough failures to go on";
    Findings findings{session_, look_, search_};
    for (const std::unique_ptr<Estimator>& estimator : chosen ? race(findings) : as_asked(findings)) {
      if (chosen && findings.in_pieces()) keep_for_chains();
      if (chosen && estimator->is_comfortable(session_.ledger())) release_what_chains_cannot_use();
      audited = estimate_and_audit(*estimator, findings);
      if (audited.summary.status == TailStatus::estimated) break;
      session_.note(fmt::format("{} refused: {}", estimator->name(), audited.summary.reason));
    }
    audited.cost = session_.ledger().counts().total() - before;
    return audited;
  }

  Audited estimate_and_audit(Estimator& estimator, Findings& findings) {
    EvaluationLedger& ledger = session_.ledger();
    const std::uint64_t runs = audit_runs(session_, look_, estimator);
    const std::uint64_t kept = std::min(runs + runs / 2 + for_remembered, ledger.remaining() / 4);
    ledger.hold_back(kept);
    Audited audited;
    audited.summary = estimator.estimate(findings);
    audited.regions = estimator.sampled_regions();
    ledger.release(kept);
    if (runs > 0 && audited.summary.status == TailStatus::estimated)
      audited.finding = audit_regions(session_, search_, audited.regions, runs, audited.summary.log_p,
                                      [&](const engine::Vector& x) { return estimator.accounts_for(x); });
    search_.remember_unexplained(audited.finding.unexplained);
    note_estimate(audited.summary, search_);
    return audited;
  }

  // Estimates of regions in pieces are often refused. Repeats of subset simulation ask less of a failure set, and cannot
  // answer once lines have used up what they need: that stays theirs where it is at most half of what is left.
  void keep_for_chains() {
    EvaluationLedger& ledger = session_.ledger();
    if (search_.kept > 0 || search_.planar || !search_.subset) return;
    const std::uint64_t runs = search_.runs_for_chains();
    if (ledger.remaining() < 2 * runs) return;
    session_.note(fmt::format("{} of {} runs left are kept for subset simulation", runs, ledger.remaining()));
    search_.kept = runs;
    ledger.hold_back(runs);
  }

  // The search keeps back for chains, in many dimensions, before it knows their levels. Where that cannot be enough it is
  // better spent on an estimate whose pilot promises one.
  void release_what_chains_cannot_use() {
    if (search_.kept == 0 || !search_.subset) return;
    const std::uint64_t runs = search_.runs_for_chains();
    if (runs <= search_.kept) return;
    session_.note(
        fmt::format("{} runs are not kept for subset simulation, which needs {}", search_.kept, runs));
    release_kept();
  }

  void release_kept() {
    session_.ledger().release(search_.kept);
    search_.kept = 0;
  }

  // Runs kept for the second reading of unknown ones.
  std::uint64_t for_unknown() const { return session_.options().max_runs * 45 / 100; }

  bool crude_suffices() const {
    if (look_.often_fails()) return true;
    return look_.failures * 20 >= look_.runs() && monte_carlo_runs() <= session_.ledger().remaining();
  }
  std::uint64_t monte_carlo_runs() const {
    return look_.monte_carlo_runs(session_.options().target_half_width);
  }

  RareEventSummary monte_carlo() {
    EvaluationLedger& ledger = session_.ledger();
    return plain_monte_carlo(ledger, std::min(monte_carlo_runs(), ledger.remaining()), session_.random(),
                             Purpose::estimate);
  }

  RareEventSummary nothing_found() {
    EvaluationLedger& ledger = session_.ledger();
    if (look_.failures > 0)
      return plain_monte_carlo(ledger, ledger.remaining(), session_.random(), Purpose::estimate);
    return ledger.saw_failure() ? bound_without_failure(session_, look_) : nothing_seen();
  }

  // No engine that samples around regions will be believed, and rays are for fewer dimensions.
  bool hopeless() const {
    return session_.options().method == RareEventMethod::automatic && session_.ledger().margins() &&
           session_.ledger().dimension() > 12 && !unseen_objection(search_).empty();
  }

  // Methods that were asked for by name refuse instead.
  RareEventSummary last_resort(RareEventSummary refused) {
    release_kept();
    if (!session_.ledger().saw_failure()) return guarded([&] { return nothing_seen(); });
    if (session_.options().method != RareEventMethod::automatic) return refused;
    return guarded([&] { return engines_at_last(session_, look_, search_, refused); });
  }

  // No run has failed yet, whatever it was made for.
  RareEventSummary nothing_seen() {
    const std::vector<engine::Vector> failing = look_far_out(session_);
    if (failing.empty()) return bound_without_failure(session_, look_);
    search_again(session_, look_, failing, search_);
    return estimate_regions();
  }

  // `passing` is the estimate with every unknown run read as a pass; the result reaches to the one with all
  // of them read as failures.
  RareEventSummary bracket(RareEventSummary passing) {
    EvaluationLedger& ledger = session_.ledger();
    ledger.release(for_unknown());
    ledger.set_unknown_as(UnknownAs::fail);
    session_.note("again, with unknown runs read as failures");
    RareEventSummary failing = guarded([&] { return estimate_with_unknown_failing(); });
    if (stopped_) return failing;
    if (failing.status == TailStatus::refused) failing = crude_limit();
    RareEventSummary summary = std::move(passing);
    if (summary.status == TailStatus::refused) {
      summary.log_p_low = -std::numeric_limits<double>::infinity();
      summary.log_p_unknown_pass = summary.log_p_low;
      summary.reason = "only an upper limit: " + summary.reason;
    } else {
      summary.log_p_unknown_pass = summary.log_p;
    }
    allow_for_more_unknown(summary, failing);
    const bool two_sided = summary.status == TailStatus::estimated;
    summary.status = two_sided ? TailStatus::estimated : TailStatus::bound;
    summary.bracketed = true;
    summary.log_p_unknown_fail = failing.log_p;
    summary.log_p = two_sided ? failing.log_p : failing.log_p_high;
    summary.log_p_high = failing.log_p_high;
    return summary;
  }

  // Unknown runs here and there are not met everywhere: as many more as their number allows may lie among the failures,
  // and among all runs.
  void allow_for_more_unknown(RareEventSummary& passing, RareEventSummary& failing) {
    const EvaluationLedger& ledger = session_.ledger();
    passing.log_p_low +=
        std::log1p(-std::min(0.99, clopper_pearson(ledger.counts().unknown, ledger.counts().total()).high));
    if (ledger.plain_unknown() == 0) return;
    const double most = std::log(clopper_pearson(ledger.plain_unknown(), ledger.plain_runs()).high);
    failing.log_p_high = std::max(failing.log_p_high, most);
  }

  // The binomial limit of what is left of the budget, spent on plain runs.
  RareEventSummary crude_limit() {
    return guarded([&] {
      const std::uint64_t count = std::min<std::uint64_t>(session_.ledger().remaining(), 2000);
      if (count >= 50)
        return plain_monte_carlo(session_.ledger(), count, session_.random(), Purpose::estimate);
      RareEventSummary summary;
      summary.log_p = summary.log_p_high = std::log(clopper_pearson(look_.failures, look_.runs()).high);
      return summary;
    });
  }

  EstimatorSession session_;
  PlainLook look_;
  SearchResult search_;
  bool stopped_ = false;
};

}  // namespace

RareEventSummary estimate_automatically(EvaluationLedger& ledger, const RareEventOptions& options,
                                        std::string_view label) {
  return AutoEstimator(ledger, options, label).run();
}

}  // namespace flare::analysis
