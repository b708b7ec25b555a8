#include "analysis/rare_event/sampling/subset_simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace flare::analysis {
namespace {

// Runs of a chain that tell as much as one independent one: what the scatter of repeats on half-spaces and
// several regions shows.
constexpr double chain_correlation = 4.5;

// What orders the population: the margin, or plus/minus infinity where there is none.
double score(const Evaluated& outcome) {
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
    const std::vector<Evaluated> outcomes = ledger.evaluate(proposal, purpose);
    std::vector<double> proposed;
    proposed.reserve(outcomes.size());
    for (const Evaluated& outcome : outcomes) proposed.push_back(score(outcome));
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

struct NextLevel {
  double level = 0.0;
  std::size_t kept = 0;  // scores at or below it; 0: there is no further level
  bool last = false;     // it is failure itself
};

constexpr std::size_t least_kept = 4;
constexpr double most_kept =
    0.5;  // of a population: where more tie with a level, the next lower value is the level

// A level is met with "at or below", and all that tie with it are kept and counted. `order`: rows by score.
NextLevel choose_level(const std::vector<double>& scores, const std::vector<std::size_t>& order,
                       std::size_t seeds, std::size_t failed, double previous) {
  if (failed >= seeds) return {0.0, failed, true};
  const auto count = [&](auto is_met) {
    return static_cast<std::size_t>(std::count_if(scores.begin(), scores.end(), is_met));
  };
  double level = scores[order[seeds - 1]];
  std::size_t kept = count([&](double s) { return s <= level; });
  if (!(level < previous) || static_cast<double>(kept) > most_kept * static_cast<double>(scores.size())) {
    const double above = std::min(level, previous);
    kept = count([&](double s) { return s < above; });
    if (kept < least_kept) return {};
    level = scores[order[kept - 1]];
  }
  if (!std::isfinite(level)) return {};
  return level <= 0.0 ? NextLevel{0.0, failed, true} : NextLevel{level, kept, false};
}

}  // namespace

SubsetResult subset_simulation(EvaluationLedger& ledger, const SubsetOptions& options,
                               const engine::Matrix& initial, const std::vector<Evaluated>& initial_outcomes,
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
    for (const Evaluated& outcome : ledger.evaluate(fresh, purpose))
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
    const NextLevel next = choose_level(population.scores, order, seeds, failed, previous_level);
    if (next.kept == 0) return result;  // margins say nothing more
    const bool last = next.last;
    const double level = next.level;
    const std::size_t kept = next.kept;
    previous_level = level;
    const double share = static_cast<double>(kept) / size;
    result.log_p += std::log(share);
    variance += (1.0 - share) / (share * size) * (result.levels == 0 ? 1.0 : chain_correlation);
    Population chosen;
    chosen.points.resize(static_cast<Eigen::Index>(kept), d);
    // Chains advance in this order; shuffled, so that an incomplete round favours no level of margin.
    order.resize(kept);
    random.shuffle(order);
    for (std::size_t i = 0; i < kept; ++i) {
      chosen.points.row(static_cast<Eigen::Index>(i)) =
          population.points.row(static_cast<Eigen::Index>(order[i]));
      chosen.scores.push_back(population.scores[order[i]]);
    }
    if (last && !options.last_round) {
      result.reached = true;
      result.failing = std::move(chosen.points);
      break;
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

namespace {

constexpr std::size_t fewest_repeats = 4;
constexpr std::size_t most_repeats = 8;
constexpr double good_population = 150.0;
constexpr double least_population = 50.0;

// Runs of one repeat over those of its first level: each level after it keeps its seeds.
double populations_of(int levels) { return 1.0 + 0.85 * static_cast<double>(levels); }

// 95 % interval of the mean of lognormal values from few of them (Cox's, with Student's t: Zhou & Gao 1997).
// The estimate is the arithmetic mean: one repeat is close to unbiased, its logarithm is not.
struct LogMean {
  double log_mean = 0.0;
  double low = 0.0;
  double high = 0.0;
  double sd = 0.0;  // of one logarithm
};

LogMean mean_of(const std::vector<double>& logs, double least_variance) {
  const auto n = static_cast<double>(logs.size());
  const double scale = *std::max_element(logs.begin(), logs.end());
  double centre = 0.0, sum = 0.0, squares = 0.0;
  for (const double l : logs) centre += l / n;
  for (const double l : logs) squares += (l - centre) * (l - centre);
  for (const double l : logs) sum += std::exp(l - scale);
  const double variance = std::max(squares / (n - 1.0), least_variance);
  const double middle = centre + 0.5 * variance;
  const double t = quantile(boost::math::students_t_distribution<>(n - 1.0), 0.975);
  const double width = t * std::sqrt(variance / n + variance * variance / (2.0 * (n + 1.0)));
  LogMean mean{scale + std::log(sum / n), middle - width, std::min(0.0, middle + width), std::sqrt(variance)};
  mean.low = std::min(mean.low, mean.log_mean);
  mean.high = std::max(mean.high, mean.log_mean);
  return mean;
}

}  // namespace

std::uint64_t runs_for_repeats(int levels) {
  return static_cast<std::uint64_t>(static_cast<double>(fewest_repeats) * least_population *
                                    populations_of(levels + 2));
}

RareEventSummary repeat_subset_simulation(EvaluationLedger& ledger, std::uint64_t count, NormalStream& random,
                                          Purpose purpose, int levels, std::vector<engine::Matrix>* reached) {
  RareEventSummary summary;
  summary.method = RareEventMethod::subset_simulation;
  const std::uint64_t until = ledger.counts().total() + std::min(count, ledger.remaining());
  const auto left = [&] { return static_cast<double>(until) - static_cast<double>(ledger.counts().total()); };
  SubsetOptions options;
  options.last_round = false;
  if (levels == 0) {
    // A first, small one tells how many levels there are; it is not counted. Margins of few values need a larger one.
    SubsetResult first;
    for (const std::size_t size : {100, 300}) {
      if (first.reached || left() < 10.0 * static_cast<double>(size)) break;
      options.population = size;
      options.max_runs = until - ledger.counts().total();
      first = subset_simulation(ledger, options, {}, {}, random, Purpose::explore);
    }
    if (!first.reached) {
      summary.reason = "subset simulation did not reach the failure set";
      return summary;
    }
    levels = first.levels;
  }
  double each = populations_of(levels + 1);
  const double repeats = std::clamp(std::floor(left() / (good_population * each)),
                                    static_cast<double>(fewest_repeats), static_cast<double>(most_repeats));
  // None of the fewest may be lost to a level more than expected.
  const double roomier = populations_of(levels + 2);
  if (repeats == static_cast<double>(fewest_repeats) &&
      left() / (repeats * roomier + 0.85) >= least_population)
    each = roomier;
  const double population = std::floor(left() / (repeats * each + 0.85));
  summary.runs_wanted =
      ledger.counts().total() +
      static_cast<std::uint64_t>(static_cast<double>(most_repeats) * good_population * each);
  if (population < least_population) {
    summary.reason = fmt::format("{:.0f} runs are too few for {} repeats of subset simulation over {} levels",
                                 left(), fewest_repeats, levels);
    return summary;
  }
  options.population = static_cast<std::size_t>(population);
  std::vector<double> logs;
  double expected = 0.0;  // sum of the variances that the repeats expect of themselves
  // Whether one more is begun depends on those before it, never on how far it would have to go itself: cutting
  // the long ones off would leave the large estimates.
  while (logs.size() < 3 * most_repeats / 2 && left() >= population * populations_of(levels + 1)) {
    options.max_runs = static_cast<std::uint64_t>(left());
    const SubsetResult result = subset_simulation(ledger, options, {}, {}, random, purpose);
    if (!result.reached) {
      summary.reason =
          fmt::format("a repeat of subset simulation, of {} runs a level, did not reach the failure set",
                      options.population);
      return summary;
    }
    logs.push_back(result.log_p);
    if (reached != nullptr) reached->push_back(result.failing);
    expected += result.log_sd * result.log_sd;
    levels = std::max(levels, result.levels);
  }
  if (logs.size() < fewest_repeats) {
    summary.reason = fmt::format("{} repeats of subset simulation are too few: {} are needed", logs.size(),
                                 fewest_repeats);
    return summary;
  }
  // Few repeats may agree by chance, and then miss by what matters: their scatter counts for no less than the chains
  // themselves let expect. With half of that 3 in 100 of the narrower intervals miss, without it a fifth of those of corners.
  const LogMean mean = mean_of(logs, expected / static_cast<double>(logs.size()));
  summary.diagnostics.coefficient_of_variation =
      std::sqrt(std::expm1(mean.sd * mean.sd) / static_cast<double>(logs.size()));
  summary.diagnostics.effective_samples = static_cast<double>(logs.size());
  if (mean.high - mean.low > widest_interval || mean.high >= 0.0) {
    summary.reason = fmt::format(
        "the repeats of subset simulation scatter by a factor of {:.0f}",
        std::exp(*std::max_element(logs.begin(), logs.end()) - *std::min_element(logs.begin(), logs.end())));
    return summary;
  }
  summary.status = TailStatus::estimated;
  summary.log_p = mean.log_mean;
  summary.log_p_low = mean.low;
  summary.log_p_high = mean.high;
  return summary;
}

}  // namespace flare::analysis
