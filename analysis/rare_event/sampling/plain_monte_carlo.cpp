#include "analysis/rare_event/sampling/plain_monte_carlo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "analysis/tails/interval.hpp"
#include "analysis/tails/normal_tail.hpp"
#include "engine/base/sampling.hpp"

namespace flare::analysis {
namespace {

constexpr std::uint64_t largest_batch = 4096;
constexpr std::uint64_t shifts = 16;

std::uint64_t failures(const std::vector<Evaluated>& outcomes) {
  return static_cast<std::uint64_t>(
      std::count_if(outcomes.begin(), outcomes.end(), [](const Evaluated& o) { return o.failed; }));
}

}  // namespace

std::uint64_t monte_carlo_runs_for(double p, double half_width) {
  const double sigma = upper_tail_quantile(std::log(p));
  const double density = std::exp(-0.5 * sigma * sigma) * 0.3989422804014327;
  const double runs = p * (1.0 - p) / std::pow(half_width * density / 1.96, 2);
  return static_cast<std::uint64_t>(std::clamp(1.1 * runs, 100.0, 1e15));
}

RareEventSummary plain_monte_carlo(EvaluationLedger& ledger, std::uint64_t count, NormalStream& random,
                                   Purpose purpose) {
  std::uint64_t hits = 0, unknown = 0;
  for (std::uint64_t done = 0; done < count;) {
    const std::uint64_t batch = std::min(largest_batch, count - done);
    const engine::Matrix points = random.normal_matrix(static_cast<Eigen::Index>(batch), ledger.dimension());
    const std::vector<Evaluated> outcomes = ledger.evaluate(points, purpose);
    ledger.count_draws(1.0, outcomes);
    for (const Evaluated& outcome : outcomes) {
      hits += outcome.failed ? 1 : 0;
      unknown += outcome.unknown && !outcome.failed ? 1 : 0;
    }
    done += batch;
  }
  // The same runs give both ends of the bracket.
  const BinomialInterval limits{clopper_pearson(hits, count).low,
                                clopper_pearson(hits + unknown, count).high};
  RareEventSummary summary;
  summary.method = RareEventMethod::monte_carlo;
  summary.log_p_low = std::log(limits.low);
  summary.log_p_high = std::log(limits.high);
  if (hits == 0 || hits == count) {
    summary.status = TailStatus::bound;
    summary.reason =
        fmt::format("{} of {} runs failed, {} unknown", hits == 0 ? "none" : "all", count, unknown);
    summary.log_p = hits == 0 ? summary.log_p_high : summary.log_p_low;
    return summary;
  }
  const double runs = static_cast<double>(count), failed = static_cast<double>(hits);
  summary.status = TailStatus::estimated;
  summary.log_p = std::log((failed + static_cast<double>(unknown)) / runs);
  if (unknown > 0) {
    summary.bracketed = true;
    summary.log_p_unknown_pass = std::log(failed / runs);
    summary.log_p_unknown_fail = summary.log_p;
  }
  summary.diagnostics.effective_samples = failed;
  summary.diagnostics.max_weight_share = 1.0 / failed;
  summary.diagnostics.coefficient_of_variation = std::sqrt((1.0 - failed / runs) / failed);
  return summary;
}

RareEventSummary quasi_monte_carlo(EvaluationLedger& ledger, std::uint64_t count, std::uint64_t seed,
                                   Purpose purpose) {
  const std::uint64_t each = count / shifts;
  std::vector<double> shares;
  std::uint64_t fewest = each;
  for (std::uint64_t s = 0; s < shifts; ++s) {
    const engine::SampleSource source{seed, fmt::format("rare event/sobol shift {}", s),
                                      engine::Design::sobol, 0};
    std::uint64_t hits = 0;
    for (std::uint64_t done = 0; done < each;) {
      const std::uint64_t batch = std::min(largest_batch, each - done);
      hits += failures(ledger.evaluate(
          engine::draw(source, done, batch, static_cast<std::size_t>(ledger.dimension())), purpose));
      done += batch;
    }
    shares.push_back(static_cast<double>(hits) / static_cast<double>(each));
    fewest = std::min(fewest, hits);
  }
  RareEventSummary summary;
  summary.method = RareEventMethod::quasi_monte_carlo;
  if (fewest < 5) {
    summary.reason = fmt::format("a shift of {} points saw {} failures; 5 are needed", each, fewest);
    return summary;
  }
  double mean = 0.0, squares = 0.0;
  for (const double share : shares) mean += share / static_cast<double>(shifts);
  for (const double share : shares) squares += (share - mean) * (share - mean);
  const double error = std::sqrt(squares / static_cast<double>(shifts * (shifts - 1)));
  const double cov = error / mean;
  const double t = quantile(boost::math::students_t_distribution<>(static_cast<double>(shifts - 1)), 0.975);
  const double width = t * std::sqrt(std::log1p(cov * cov));
  summary.status = TailStatus::estimated;
  summary.log_p = std::log(mean);
  summary.log_p_low = summary.log_p - width;
  summary.log_p_high = std::min(0.0, summary.log_p + width);
  summary.diagnostics.coefficient_of_variation = cov;
  summary.diagnostics.effective_samples = static_cast<double>(shifts);
  return summary;
}

}  // namespace flare::analysis
