#include "analysis/subset_simulation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/interval.hpp"

namespace flare::analysis {
namespace {

// Runs of a chain that tell as much as one independent one: what the scatter of repeats on half-spaces and
// several regions shows.
constexpr double chain_correlation = 4.5;

// What orders the population: the margin, or plus/minus infinity where there is none.
double score(const Outcome& outcome) {
  if (outcome.has_margin) return outcome.margin;
  return outcome.failed ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
}

struct Population {
  engine::Matrix points;
  std::vector<double> scores;
};

// Chains from the seeds, all in step, until the population is full. Adapts the step towards an acceptance of
// 0.3: at 0.4 the moves are too short for corners, whose estimates then come out far too low.
Population next_level(EvaluationLedger& ledger, const Population& seeds, double level, std::size_t size,
                      double& step, NormalStream& random, Purpose purpose) {
  const auto chains = static_cast<std::size_t>(seeds.points.rows());
  Population population;
  population.points.resize(static_cast<Eigen::Index>(size), seeds.points.cols());
  population.points.topRows(seeds.points.rows()) = seeds.points;
  population.scores = seeds.scores;
  engine::Matrix current = seeds.points;
  std::vector<double> scores = seeds.scores;
  std::size_t filled = chains;
  while (filled < size) {
    const std::size_t batch = std::min(chains, size - filled);
    engine::Matrix proposal(static_cast<Eigen::Index>(batch), current.cols());
    const double keep = std::sqrt(1.0 - step * step);
    for (Eigen::Index i = 0; i < proposal.rows(); ++i)
      proposal.row(i) = keep * current.row(i) + step * random.normal_vector(current.cols()).transpose();
    const std::vector<Outcome> outcomes = ledger.evaluate(proposal, purpose);
    std::vector<double> proposed;
    for (const Outcome& outcome : outcomes) proposed.push_back(score(outcome));
    double accepted = 0.0;
    for (std::size_t i = 0; i < batch; ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      if (proposed[i] <= level) {
        current.row(row) = proposal.row(row);
        scores[i] = proposed[i];
        accepted += 1.0;
      }
      population.points.row(static_cast<Eigen::Index>(filled)) = current.row(row);
      population.scores.push_back(scores[i]);
      ++filled;
    }
    step = std::clamp(step * std::exp(accepted / static_cast<double>(batch) - 0.3), 0.05, 1.0);
  }
  return population;
}

}  // namespace

SubsetResult subset_simulation(EvaluationLedger& ledger, const SubsetOptions& options,
                               const engine::Matrix& initial, const std::vector<Outcome>& initial_outcomes,
                               NormalStream& random, Purpose purpose) {
  const std::uint64_t start = ledger.counts().total();
  SubsetResult result;
  Population population;
  const Eigen::Index d = ledger.dimension();
  const auto have = std::min(options.population, static_cast<std::size_t>(initial.rows()));
  population.points.resize(static_cast<Eigen::Index>(options.population), d);
  population.points.topRows(static_cast<Eigen::Index>(have)) =
      initial.topRows(static_cast<Eigen::Index>(have));
  for (std::size_t i = 0; i < have; ++i) population.scores.push_back(score(initial_outcomes[i]));
  if (have < options.population) {
    const engine::Matrix fresh =
        random.normal_matrix(static_cast<Eigen::Index>(options.population - have), d);
    population.points.bottomRows(fresh.rows()) = fresh;
    for (const Outcome& outcome : ledger.evaluate(fresh, purpose))
      population.scores.push_back(score(outcome));
  }

  double step = 0.8;
  double variance = 0.0;
  double previous_level = std::numeric_limits<double>::infinity();
  const auto size = static_cast<double>(options.population);
  const auto seeds = static_cast<std::size_t>(std::max(4.0, std::round(size * options.level_share)));
  for (result.levels = 0; result.levels < options.max_levels; ++result.levels) {
    std::vector<std::size_t> order(options.population);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return population.scores[a] < population.scores[b];
    });
    const auto failed = static_cast<std::size_t>(
        std::count_if(population.scores.begin(), population.scores.end(), [](double s) { return s <= 0.0; }));
    const bool last = failed >= seeds;
    const double level = last ? 0.0 : population.scores[order[seeds - 1]];
    if (!last && (!(level < previous_level) || !std::isfinite(level)))
      return result;  // margins say nothing more
    previous_level = level;
    std::size_t kept = last ? failed : seeds;
    const double share = static_cast<double>(kept) / size;
    result.log_p += std::log(share);
    variance += (1.0 - share) / (share * size) * (result.levels == 0 ? 1.0 : chain_correlation);
    Population chosen;
    chosen.points.resize(static_cast<Eigen::Index>(kept), d);
    // Chains advance in this order; shuffled, so that an incomplete round favours no level of margin.
    order.resize(kept);
    for (std::size_t i = kept; i > 1; --i) std::swap(order[i - 1], order[random.pick(i)]);
    for (std::size_t i = 0; i < kept; ++i) {
      chosen.points.row(static_cast<Eigen::Index>(i)) =
          population.points.row(static_cast<Eigen::Index>(order[i]));
      chosen.scores.push_back(population.scores[order[i]]);
    }
    if (last) {
      // One more round of chains, all inside the failure set.
      result.reached = true;
      result.failing = next_level(ledger, chosen, level, options.population, step, random, purpose).points;
      break;
    }
    if (ledger.counts().total() + options.population > start + options.max_runs) return result;
    population = next_level(ledger, chosen, level, options.population, step, random, purpose);
  }
  result.log_sd = std::sqrt(variance);
  return result;
}

RareEventSummary repeat_subset_simulation(EvaluationLedger& ledger, std::uint64_t count, NormalStream& random,
                                          Purpose purpose) {
  constexpr std::size_t repeats = 8;
  RareEventSummary summary;
  summary.method = RareEventMethod::subset_simulation;
  // A first, small one tells how many levels there are; it is not counted.
  SubsetOptions options;
  options.population = 100;
  const SubsetResult first = subset_simulation(ledger, options, {}, {}, random, Purpose::explore);
  if (!first.reached) {
    summary.reason = "subset simulation did not reach the failure set";
    return summary;
  }
  const std::uint64_t share = std::min(count, ledger.remaining()) / repeats;
  options.population = std::max<std::size_t>(100, share / static_cast<std::uint64_t>(first.levels + 3));
  options.max_runs = share;
  std::vector<double> logs;
  for (std::size_t i = 0; i < repeats && ledger.remaining() > share / 2; ++i) {
    try {
      const SubsetResult result = subset_simulation(ledger, options, {}, {}, random, purpose);
      if (result.reached) logs.push_back(result.log_p);
    } catch (const BudgetSpent&) {
      break;
    }
  }
  if (logs.size() < 4) {
    summary.reason = "fewer than 4 repeats reached the failure set within the budget";
    return summary;
  }
  const double scale = *std::max_element(logs.begin(), logs.end());
  Stratum values;
  for (const double log_p : logs) values.values.push_back(std::exp(log_p - scale));
  const WeightedEstimate estimate = summarize({values}, scale);
  summary.diagnostics.coefficient_of_variation = estimate.coefficient_of_variation;
  summary.diagnostics.effective_samples = estimate.effective_samples;
  if (*std::min_element(logs.begin(), logs.end()) < scale - 3.0) {
    summary.reason = "the repeats scatter by more than a factor of 20";
    return summary;
  }
  summary.status = EstimateStatus::estimated;
  summary.log_p = estimate.log_p;
  summary.log_p_low = estimate.log_low;
  summary.log_p_high = estimate.log_high;
  return summary;
}

}  // namespace flare::analysis
