#include "analysis/rare_event/estimators/frozen_estimator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/rare_event/estimators/sample_checks.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr int max_stages = 4;
constexpr double least_to_judge = 60.0;  // values: fewer say nothing about the proposal
constexpr double useful_cov = 0.12;
constexpr double most_apart = 4.5;      // halves of a sample, standard errors
constexpr double hopeless_share = 0.5;  // of what is left: others have use for that

// Coefficient of variation that gives the wanted half-width in sigma, with something in hand.
double target_cov(const RareEventOptions& options, double log_p) {
  const double sigma = upper_tail_quantile(std::min(log_p, -1e-6));
  return 0.85 * options.target_half_width * normal_hazard(sigma) / 1.96;
}

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
  counts.reserve(spreads.size());
  for (const double spread : spreads)
    counts.push_back(static_cast<std::size_t>(floor + free * spread / total));
  return counts;
}

// In many dimensions a law fitted to few points can be too tight where the boundary bends, and a sample too small to
// show it looks good.
constexpr Eigen::Index many_dimensions = 60;
constexpr double trusted_effective = 100.0, trusted_share = 0.6;  // samples, or of the values

bool large_enough(const EstimatorSession& session, const Sampled& sampled) {
  return session.ledger().dimension() <= many_dimensions ||
         sampled.estimate.effective_samples >= std::min(trusted_effective, trusted_share * sampled.values);
}

// Further values until an effective sample of the size that is trusted.
double values_to_trust(const Sampled& sampled) {
  return 1.2 * sampled.values * (trusted_effective / std::max(1.0, sampled.estimate.effective_samples) - 1.0);
}

// At the rate so far an effective sample that may be believed would take more than half of what is left, and others have use
// for that.
bool hopeless(const EstimatorSession& session, const Sampled& sampled, double runs_each) {
  if (session.options().method != RareEventMethod::automatic) return false;
  const double more =
      sampled.values * (least_effective / std::max(1.0, sampled.estimate.effective_samples) - 1.0);
  return more * runs_each > hopeless_share * static_cast<double>(session.ledger().remaining());
}

void add(const std::vector<Stratum>& fresh, std::vector<Stratum>& strata) {
  strata.resize(fresh.size());
  for (std::size_t i = 0; i < fresh.size(); ++i)
    strata[i].values.insert(strata[i].values.end(), fresh[i].values.begin(), fresh[i].values.end());
}

}  // namespace

std::string FrozenEstimator::objection(const Sampled& /*sampled*/) const { return {}; }
std::string FrozenEstimator::asked_objection(EstimatorSession& /*session*/,
                                             const Sampled& /*sampled*/) const {
  return {};
}
void FrozenEstimator::relearn(EstimatorSession& /*session*/, std::uint64_t /*cost*/) {}
void FrozenEstimator::describe_regions(const WeightedEstimate& /*estimate*/,
                                       RareEventSummary& /*summary*/) const {}

void FrozenEstimator::judge(const RareEventOptions& options, const std::vector<Stratum>& strata,
                            double log_scale, std::uint64_t cost) {
  const WeightedEstimate estimate = summarize(strata, log_scale);
  double made = 0.0, spread_sum = 0.0, mean_sum = 0.0;
  forecast_.spreads.clear();
  for (const Stratum& stratum : strata) {
    const auto n = static_cast<double>(stratum.values.size());
    const double mean = std::accumulate(stratum.values.begin(), stratum.values.end(), 0.0) / n;
    double squares = 0.0;
    for (const double v : stratum.values) squares += (v - mean) * (v - mean);
    forecast_.spreads.push_back(std::sqrt(squares / (n - 1.0)) + 0.1 * std::abs(mean));
    spread_sum += forecast_.spreads.back();
    mean_sum += mean;
    made += n;
  }
  forecast_.log_p = estimate.log_p;
  forecast_.cov = estimate.coefficient_of_variation;
  forecast_.effective = estimate.effective_samples;
  forecast_.usable = std::isfinite(estimate.log_p) && estimate.effective_samples > 4.0;
  forecast_.runs_each = static_cast<double>(cost) / made;
  const double relative = mean_sum > 0.0 ? spread_sum / mean_sum : 1e150;
  forecast_.values_needed =
      std::max(strata.size() == 1 ? 40.0 : 60.0, std::pow(relative / target_cov(options, estimate.log_p), 2));
  forecast_.values_useful = std::pow(relative / useful_cov, 2);
}

void FrozenEstimator::note_pilot(EstimatorSession& session) const {
  if (!forecast_.usable) return session.note(fmt::format("pilot, {}: not usable", name()));
  session.note(fmt::format(
      "pilot, {}: {} regions, log10 P = {:.2f}, CoV {:.2f}, about {:.0f} runs to the target", name(),
      regions().size(), forecast_.log_p / std::log(10.0), forecast_.cov, forecast_.runs()));
}

// `may_give_up`: keeps half of what is left back from the first stage, and stops after it where the sample
// may not be believed.
Sampled FrozenEstimator::sample_to_target(EstimatorSession& session, bool may_give_up) {
  EvaluationLedger& ledger = session.ledger();
  const double target = session.options().target_half_width;
  const auto least = 8.0 * static_cast<double>(forecast_.spreads.size());
  double wanted = std::max(forecast_.values_needed, 15.0 * static_cast<double>(forecast_.spreads.size()));
  double each = 1.25 * forecast_.runs_each + 0.5;
  const std::uint64_t before = ledger.counts().estimate;
  Sampled sampled;
  for (int stage = 0; stage < max_stages; ++stage) {
    double affordable = static_cast<double>(ledger.remaining()) / each;
    const bool first_half = stage == 0 && may_give_up && 0.5 * affordable >= std::max(least_to_judge, least);
    if (first_half) affordable *= 0.5;
    if (affordable < least) break;
    try {
      const std::vector<std::size_t> counts = allocate(forecast_.spreads, wanted, affordable);
      add(draw(session, counts), sampled.strata);
      for (const std::size_t n : counts) sampled.values += static_cast<double>(n);
    } catch (const BudgetSpent&) {
      break;
    }
    each = 1.1 * static_cast<double>(ledger.counts().estimate - before) / sampled.values;
    sampled.estimate = summarize(sampled.strata, forecast_.log_p);
    const double half = half_width(sampled.estimate);
    const bool believable = sampled.estimate.objection().empty() && !has_changed();
    const bool trusted = large_enough(session, sampled);
    if (half <= target && believable && trusted) break;
    if (first_half && !believable && sampled.values >= least_to_judge) {
      sampled.given_up = true;
      break;
    }
    const double ratio = std::pow(half / (0.92 * target), 2);
    if (!first_half && !believable && hopeless(session, sampled, each)) break;
    wanted =
        std::max(20.0, sampled.values * (std::isfinite(ratio) ? std::clamp(ratio - 1.0, 0.3, 4.0) : 1.0));
    if (!trusted) wanted = std::max(wanted, values_to_trust(sampled));
  }
  return sampled;
}

Sampled FrozenEstimator::sample_or_relearn(EstimatorSession& session) {
  EvaluationLedger& ledger = session.ledger();
  if (!can_relearn()) return sample_to_target(session, false);
  const std::uint64_t before = ledger.counts().estimate;
  Sampled first = sample_to_target(session, true);
  if (!first.given_up) return first;
  const std::uint64_t cost = ledger.counts().estimate - before;
  ledger.count_estimate_as_pilot(cost);
  const std::string why = has_changed() ? "lines fail in pieces" : first.estimate.objection();
  session.note(fmt::format("{}: {} runs become one more pilot: {}", name(), cost, why));
  relearn(session, cost);
  return sample_to_target(session, false);
}

std::string FrozenEstimator::all_objections(const Findings& findings, const Sampled& sampled) const {
  if (sampled.values == 0.0) return "the budget does not cover an estimate after exploring";
  std::string found = sampled.estimate.objection();
  if (!found.empty()) return found;
  if (halves_apart(sampled.strata) > most_apart)
    return "the two halves of the estimate's runs contradict each other";
  if (!large_enough(findings.session, sampled)) {
    return fmt::format("effective sample size {:.0f} of {:.0f} is too small to trust in {} dimensions",
                       sampled.estimate.effective_samples, sampled.values,
                       findings.session.ledger().dimension());
  }
  found = objection(sampled);
  if (found.empty() && needs_regions()) found = unseen_objection(findings.search);
  if (found.empty()) found = asked_objection(findings.session, sampled);
  return found;
}

RareEventSummary FrozenEstimator::estimate(Findings& findings) {
  EvaluationLedger& ledger = findings.session.ledger();
  const std::uint64_t kept = std::min(runs_to_ask(), ledger.remaining() / 4);
  ledger.hold_back(kept);
  const Sampled sampled = sample_or_relearn(findings.session);
  ledger.release(kept);
  RareEventSummary summary;
  summary.method = method();
  summary.reason = all_objections(findings, sampled);
  if (sampled.values == 0.0) return summary;
  const WeightedEstimate& estimate = sampled.estimate;
  summary.diagnostics.effective_samples = estimate.effective_samples;
  summary.diagnostics.max_weight_share = estimate.max_weight_share;
  summary.diagnostics.pareto_k = estimate.pareto_k;
  summary.diagnostics.coefficient_of_variation = estimate.coefficient_of_variation;
  describe_regions(estimate, summary);
  if (!summary.reason.empty()) return summary;
  summary.status = TailStatus::estimated;
  summary.log_p = estimate.log_p;
  summary.log_p_low = estimate.log_low;
  summary.log_p_high = estimate.log_high;
  if (needs_regions()) {
    const double unseen = findings.search.unseen_allowance(regions_.size());
    summary.log_p_high = std::min(0.0, summary.log_p_high + std::log1p(unseen));
  }
  return summary;
}

}  // namespace flare::analysis
