#include "analysis/rare_event/plan_estimate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/rare_event/estimators/noisy_lines.hpp"
#include "analysis/rare_event/estimators/radial_sampling.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr int max_stages = 4;
constexpr double least_to_judge = 60.0;         // values: fewer say nothing about the plan
constexpr double least_effective_share = 0.03;  // of weighted runs

double half_width(const WeightedEstimate& estimate) {
  return 0.5 * (upper_tail_quantile(estimate.log_low) - upper_tail_quantile(estimate.log_high));
}

// Sample sizes in proportion to the strata's spreads, at least 8 each, at most `affordable` together.
std::vector<std::size_t> allocate(const std::vector<double>& spreads, double wanted, double affordable) {
  const double total = std::accumulate(spreads.begin(), spreads.end(), 0.0);
  const double floor = spreads.size() <= 8 ? 10.0 : 8.0;
  const double free =
      std::max(0.0, std::min(wanted, affordable) - floor * static_cast<double>(spreads.size()));
  std::vector<std::size_t> counts;
  for (const double spread : spreads)
    counts.push_back(static_cast<std::size_t>(floor + free * spread / total));
  return counts;
}

LineOptions line_options(const Plan& plan) {
  LineOptions options;
  options.log_scale = plan.log_p;
  options.log_negligible = plan.log_p - 9.0;
  options.check_share = plan.check_share;
  options.tolerance = 0.01;
  return options;
}

struct Sampled {
  std::vector<Stratum> strata;    // one a region for lines, one in all for the other engines
  std::vector<LineResult> lines;  // where they are lines
  WeightedEstimate estimate;
  double values = 0.0;    // lines, rays or runs behind it
  bool given_up = false;  // early, with half of the budget left
};

// Fresh values of the plan.
void draw(EstimatorSession& session, const Plan& plan, const std::vector<std::size_t>& counts,
          Sampled& sampled) {
  const LineOptions options = line_options(plan);
  std::vector<Stratum> fresh;
  if (plan.method == RareEventMethod::line_sampling) {
    const std::vector<LineResult> lines =
        sample_lines(session.ledger(), plan.regions, counts, options, session.random(), Purpose::estimate);
    fresh = line_strata(lines, plan.regions.size(), options.log_scale);
    sampled.lines.insert(sampled.lines.end(), lines.begin(), lines.end());
  } else if (plan.method == RareEventMethod::radial_sampling) {
    fresh = {
        sample_rays(session.ledger(), plan.regions, counts[0], options, session.random(), Purpose::estimate)};
  } else {
    fresh = {importance_stratum(
        sample_mixture(session.ledger(), plan.mixture, counts[0], session.random(), Purpose::estimate),
        options.log_scale)};
  }
  sampled.strata.resize(fresh.size());
  for (std::size_t i = 0; i < fresh.size(); ++i)
    sampled.strata[i].values.insert(sampled.strata[i].values.end(), fresh[i].values.begin(),
                                    fresh[i].values.end());
  for (const std::size_t n : counts) sampled.values += static_cast<double>(n);
}

// `may_give_up`: keeps half of what is left back from the first stage, and stops after it where the sample
// may not be believed.
Sampled sample_to_target(EstimatorSession& session, const Plan& plan, bool may_give_up) {
  EvaluationLedger& ledger = session.ledger();
  const double target = session.options().target_half_width;
  const auto least = 8.0 * static_cast<double>(plan.spreads.size());
  double wanted = std::max(plan.values_needed, 15.0 * static_cast<double>(plan.spreads.size()));
  double each = 1.25 * plan.runs_each + 0.5;
  const std::uint64_t before = ledger.counts().estimate;
  Sampled sampled;
  for (int stage = 0; stage < max_stages; ++stage) {
    double affordable = static_cast<double>(ledger.remaining()) / each;
    const bool first_half = stage == 0 && may_give_up && 0.5 * affordable >= std::max(least_to_judge, least);
    if (first_half) affordable *= 0.5;
    if (affordable < least) break;
    try {
      draw(session, plan, allocate(plan.spreads, wanted, affordable), sampled);
    } catch (const BudgetSpent&) {
      break;
    }
    each = 1.1 * static_cast<double>(ledger.counts().estimate - before) / sampled.values;
    sampled.estimate = summarize(sampled.strata, plan.log_p);
    const double half = half_width(sampled.estimate);
    const bool believable = sampled.estimate.objection().empty();
    if (half <= target && believable) break;
    if (first_half && !believable && sampled.values >= least_to_judge) {
      sampled.given_up = true;
      break;
    }
    const double ratio = std::pow(half / (0.92 * target), 2);
    wanted =
        std::max(20.0, sampled.values * (std::isfinite(ratio) ? std::clamp(ratio - 1.0, 0.3, 4.0) : 1.0));
  }
  return sampled;
}

// Lines may be given up once.
Sampled sample_or_refit(EstimatorSession& session, Plan& plan) {
  EvaluationLedger& ledger = session.ledger();
  if (plan.method != RareEventMethod::line_sampling) return sample_to_target(session, plan, false);
  const std::uint64_t before = ledger.counts().estimate;
  const Sampled first = sample_to_target(session, plan, true);
  if (!first.given_up) return first;
  const std::uint64_t cost = ledger.counts().estimate - before;
  ledger.count_estimate_as_pilot(cost);
  session.note(
      fmt::format("{}: {} runs become one more pilot: {}", plan.name, cost, first.estimate.objection()));
  learn_from_lines(session.options(), plan, first.lines, cost);
  return sample_to_target(session, plan, false);
}

// Why the sample may not be believed; empty where it may.
std::string objection(const EvaluationLedger& ledger, const SearchResult& search, const Plan& plan,
                      const Sampled& sampled) {
  if (sampled.values == 0.0) return "the budget does not cover an estimate after exploring";
  const std::string own = sampled.estimate.objection();
  if (!own.empty()) return own;
  // In many dimensions a law fitted to few points can be too tight where the boundary bends, and a sample too
  // small to show it looks good.
  const double effective = sampled.estimate.effective_samples;
  if (ledger.dimension() > 60 && effective < std::min(100.0, 0.6 * sampled.values)) {
    return fmt::format("effective sample size {:.0f} of {:.0f} is too small to trust in {} dimensions",
                       effective, sampled.values, ledger.dimension());
  }
  const bool weighted_runs =
      plan.method == RareEventMethod::mixture_importance || plan.method == RareEventMethod::mean_shift;
  if (weighted_runs && effective < std::min(100.0, least_effective_share * sampled.values)) {
    return fmt::format("effective sample size {:.0f} of {:.0f} runs: the proposal is far from the failures",
                       effective, sampled.values);
  }
  return plan.method == RareEventMethod::radial_sampling ? std::string() : unseen_objection(search);
}

}  // namespace

RareEventSummary estimate_with(EstimatorSession& session, const SearchResult& search, Plan& plan) {
  if (plan.noise > 0.0) return estimate_in_noise(session, plan.regions.front(), plan.noise);
  const Sampled sampled = sample_or_refit(session, plan);
  RareEventSummary summary;
  summary.method = plan.method;
  summary.reason = objection(session.ledger(), search, plan, sampled);
  if (sampled.values == 0.0) return summary;
  const WeightedEstimate& estimate = sampled.estimate;
  summary.diagnostics.effective_samples = estimate.effective_samples;
  summary.diagnostics.max_weight_share = estimate.max_weight_share;
  summary.diagnostics.pareto_k = estimate.pareto_k;
  summary.diagnostics.coefficient_of_variation = estimate.coefficient_of_variation;
  if (plan.method == RareEventMethod::line_sampling) {
    for (std::size_t k = 0; k < plan.regions.size(); ++k) {
      const engine::Vector& point = plan.regions[k].most_probable_point;
      summary.regions.push_back({point, point.norm(), estimate.shares[k]});
    }
  }
  if (!summary.reason.empty()) return summary;
  summary.status = TailStatus::estimated;
  summary.log_p = estimate.log_p;
  summary.log_p_low = estimate.log_low;
  summary.log_p_high = estimate.log_high;
  // Rays know nothing of regions, so they can miss none.
  if (plan.method != RareEventMethod::radial_sampling)
    summary.log_p_high = std::min(0.0, summary.log_p_high + std::log1p(search.unseen_allowance()));
  return summary;
}

}  // namespace flare::analysis
