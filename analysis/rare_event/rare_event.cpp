#include "analysis/rare_event/rare_event.hpp"

#include <stdexcept>

#include "analysis/rare_event/auto_estimator.hpp"
#include "analysis/rare_event/core/estimator_session.hpp"
#include "analysis/rare_event/core/met_chance.hpp"
#include "analysis/rare_event/estimators/estimator_list.hpp"
#include "analysis/tails/interval.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

bool searches(RareEventMethod method) {
  return method == RareEventMethod::automatic || named_estimator(method).searches;
}

// ln P of an end of an interval around exp(log_p), `factor` times as far from it in sigma.
double moved_out(double log_end, double log_p, double factor) {
  if (!(log_end < 0.0) || !(log_p < 0.0)) return log_end;  // P may be 1: there is nothing beyond
  const double sigma = upper_tail_quantile(log_p);
  return log_upper_tail(sigma + factor * (upper_tail_quantile(log_end) - sigma));
}

// Where a coarse answer misses it is off by what matters, and it has room to be sure.
void be_sure_where_coarse(RareEventSummary& summary) {
  constexpr double coarse = 0.15;    // half-width, sigma
  constexpr double of_normal = 1.7;  // widths of 95 %: 99.9 %
  constexpr double of_chains = 1.3;  // Student's t of few repeats is wide already
  if (summary.status != TailStatus::estimated || !(summary.half_width() > coarse)) return;
  if (summary.bracketed) {
    // What unknown runs leave open lies between the ends; each has an error of its own.
    summary.log_p_low = moved_out(summary.log_p_low, summary.log_p_unknown_pass, of_normal);
    summary.log_p_high = moved_out(summary.log_p_high, summary.log_p_unknown_fail, of_normal);
  } else if (summary.method == RareEventMethod::subset_simulation) {
    summary.log_p_low = moved_out(summary.log_p_low, summary.log_p, of_chains);
    summary.log_p_high = moved_out(summary.log_p_high, summary.log_p, of_chains);
  }
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
  be_sure_where_coarse(summary);
  summary.met = chance_met(summary.looks, summary.log_p);
  summary.target_met =
      summary.status == TailStatus::estimated && summary.half_width() <= options.target_half_width;
  return summary;
}

}  // namespace flare::analysis
