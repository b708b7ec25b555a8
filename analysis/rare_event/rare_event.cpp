#include "analysis/rare_event/rare_event.hpp"

#include <stdexcept>

#include "analysis/rare_event/auto_estimator.hpp"
#include "analysis/rare_event/core/estimator_session.hpp"
#include "analysis/rare_event/core/met_chance.hpp"
#include "analysis/rare_event/estimators/estimator_list.hpp"
#include "analysis/tails/interval.hpp"

namespace flare::analysis {
namespace {

bool searches(RareEventMethod method) {
  return method == RareEventMethod::automatic || named_estimator(method).searches;
}

// A method that needs no search, with the present reading of unknown runs and what is left of the budget.
RareEventSummary estimate_directly(EstimatorSession& session) {
  const PlainLook look;
  SearchResult search;
  Findings findings{session, look, search};
  const Estimators asked = named_estimator(session.options().method).make(findings);
  asked.front()->pilot(findings);
  return asked.front()->estimate(findings);
}

// Once with unknown runs read as passes and, where there were any, once with them read as failures.
RareEventSummary estimate_both_ways(EvaluationLedger& ledger, const RareEventOptions& options) {
  EstimatorSession session(ledger, options, "rare event/direct");
  // Half the budget is kept for the second reading where a few plain runs already show unknown ones.
  ledger.count_draws(
      1.0, ledger.evaluate(session.random().normal_matrix(50, ledger.dimension()), Purpose::explore));
  if (ledger.counts().unknown == ledger.counts().total()) {
    RareEventSummary summary;
    summary.reason = "none of the first runs gave an answer";
    return summary;
  }
  const std::uint64_t kept = ledger.counts().unknown == 0 ? 0 : ledger.remaining() - ledger.remaining() / 2;
  ledger.hold_back(kept);
  RareEventSummary passing = estimate_directly(session);
  ledger.release(kept);
  if (ledger.counts().unknown == 0 || passing.bracketed) return passing;
  ledger.set_unknown_as(UnknownAs::fail);
  RareEventSummary failing = estimate_directly(session);
  if (passing.status == TailStatus::refused) return passing;
  if (failing.status == TailStatus::refused) return failing;
  passing.bracketed = true;
  passing.log_p_unknown_pass = passing.log_p;
  passing.log_p_unknown_fail = passing.log_p = failing.log_p;
  passing.log_p_high = failing.log_p_high;
  if (failing.status == TailStatus::bound) passing.status = TailStatus::bound;
  return passing;
}

}  // namespace

RareEventSummary estimate_failure_probability(std::size_t dimension, const BatchEvaluator& evaluator,
                                              const RareEventOptions& options, std::stop_token stop) {
  std::string error;
  if (!options.is_valid(dimension, &error)) throw std::invalid_argument("rare event: " + error);
  if (!evaluator) throw std::invalid_argument("rare event: the evaluator is empty");
  EvaluationLedger ledger(dimension, evaluator, options.max_runs, std::move(stop));
  RareEventSummary summary;
  if (searches(options.method)) {
    summary = estimate_automatically(ledger, options, "rare event");
  } else {
    try {
      summary = estimate_both_ways(ledger, options);
    } catch (const BudgetSpent& spent) {
      summary.reason = spent.what();
    } catch (const StopRequested& stopped) {
      summary.reason = stopped.what();
    }
  }
  summary.runs = ledger.counts();
  summary.looks = ledger.looks();
  summary.unknown_share_high = clopper_pearson(ledger.plain_unknown(), ledger.plain_runs()).high;
  if (summary.status == TailStatus::refused) {
    refuse(summary, std::move(summary.reason));
    summary.method = options.method;  // none gave a number
  }
  summary.met = chance_met(summary.looks, summary.log_p);
  summary.target_met =
      summary.status == TailStatus::estimated && summary.half_width() <= options.target_half_width;
  return summary;
}

}  // namespace flare::analysis
