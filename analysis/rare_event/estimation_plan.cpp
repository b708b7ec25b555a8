#include "analysis/rare_event/estimation_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/rare_event/estimators/radial_sampling.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr std::size_t mixture_pilot_runs = 120;
constexpr std::size_t ray_pilot = 40;
constexpr double largest_pilot = 0.25;  // share of what is left when it begins
constexpr double useful_cov = 0.12;
constexpr double estimate_per_pilot = 4.0;  // of line sampling: runs of the estimate to runs of its pilots

// Coefficient of variation that gives the wanted half-width in sigma, with something in hand.
double target_cov(const RareEventOptions& options, double log_p) {
  const double sigma = upper_tail_quantile(std::min(log_p, -1e-6));
  return 0.85 * options.target_half_width * normal_hazard(sigma) / 1.96;
}

// Reads a pilot's strata into the plan.
void judge(const RareEventOptions& options, Plan& plan, const std::vector<Stratum>& strata, double log_scale,
           std::uint64_t cost) {
  const WeightedEstimate estimate = summarize(strata, log_scale);
  double made = 0.0, spread_sum = 0.0, mean_sum = 0.0;
  plan.spreads.clear();
  for (const Stratum& stratum : strata) {
    const auto n = static_cast<double>(stratum.values.size());
    const double mean = std::accumulate(stratum.values.begin(), stratum.values.end(), 0.0) / n;
    double squares = 0.0;
    for (const double v : stratum.values) squares += (v - mean) * (v - mean);
    plan.spreads.push_back(std::sqrt(squares / (n - 1.0)) + 0.1 * std::abs(mean));
    spread_sum += plan.spreads.back();
    mean_sum += mean;
    made += n;
  }
  plan.log_p = estimate.log_p;
  plan.cov = estimate.coefficient_of_variation;
  plan.effective = estimate.effective_samples;
  plan.usable = std::isfinite(estimate.log_p) && estimate.effective_samples > 4.0;
  plan.runs_each = static_cast<double>(cost) / made;
  const double relative = mean_sum > 0.0 ? spread_sum / mean_sum : 1e150;
  plan.values_needed =
      std::max(strata.size() == 1 ? 40.0 : 60.0, std::pow(relative / target_cov(options, estimate.log_p), 2));
  plan.values_useful = std::pow(relative / useful_cov, 2);
}

std::string pilot_note(const Plan& plan) {
  if (!plan.usable) return fmt::format("pilot, {}: not usable", plan.name);
  return fmt::format("pilot, {}: {} regions, log10 P = {:.2f}, CoV {:.2f}, about {:.0f} runs to the target",
                     plan.name, plan.regions.size(), plan.log_p / std::log(10.0), plan.cov, plan.runs());
}

double nearest(const std::vector<LineRegion>& regions) {
  double distance = 1e300;
  for (const LineRegion& region : regions) distance = std::min(distance, region.root.offset);
  return distance;
}

std::size_t lines_each(std::size_t regions) {
  if (regions == 1) return 24;
  if (regions <= 4) return 20;
  return regions <= 8 ? 14 : 7;
}

// The region each point reaches furthest along.
std::vector<std::size_t> cells(const Matrix& points, const std::vector<LineRegion>& regions) {
  std::vector<std::size_t> assignment;
  for (Eigen::Index i = 0; i < points.rows(); ++i) {
    std::size_t best = 0;
    for (std::size_t k = 1; k < regions.size(); ++k)
      if (regions[k].direction.dot(points.row(i)) > regions[best].direction.dot(points.row(i))) best = k;
    assignment.push_back(best);
  }
  return assignment;
}

// Failing points with weights, what a mixture is fitted to.
struct FailingPool {
  Matrix points;
  std::vector<double> weights;

  void add(const Matrix& more, const std::vector<double>& more_weights) {
    Matrix grown(points.rows() + more.rows(), std::max(points.cols(), more.cols()));
    if (points.rows() > 0) grown.topRows(points.rows()) = points;
    grown.bottomRows(more.rows()) = more;
    points = std::move(grown);
    weights.insert(weights.end(), more_weights.begin(), more_weights.end());
  }
};

// The population of subset simulation and, at the same weight, the pilot's roots, each a little deepened.
FailingPool failing_pool(EstimatorSession& session, const SearchResult& search, const Plan& lines) {
  FailingPool pool;
  pool.points.resize(0, session.ledger().dimension());
  if (search.subset) {
    const Eigen::Index n = search.subset->failing.rows();
    pool.add(search.subset->failing,
             std::vector<double>(static_cast<std::size_t>(n), 1.0 / static_cast<double>(n)));
  }
  double total = -1e300;
  for (const LineResult& line : lines.lines) total = log_sum(total, line.log_value);
  std::vector<Vector> points;
  std::vector<double> weights;
  for (const LineResult& line : lines.lines) {
    if (!std::isfinite(line.log_value)) continue;
    const double beyond = -std::log(1.0 - session.random().uniform()) / std::max(1.0, std::abs(line.root));
    points.push_back(line.x + (line.root + beyond) * lines.regions[line.region].direction);
    weights.push_back(std::exp(line.log_value - total));
  }
  Matrix roots(static_cast<Eigen::Index>(points.size()), session.ledger().dimension());
  for (std::size_t i = 0; i < points.size(); ++i) roots.row(static_cast<Eigen::Index>(i)) = points[i];
  pool.add(roots, weights);
  return pool;
}

double log_sum_of_tails(const std::vector<LineRegion>& regions) {
  double total = -1e300;
  for (const LineRegion& region : regions) total = log_sum(total, log_upper_tail(region.root.offset));
  return total;
}

// N(m, I) at each region's nearest failing point, weighted by Phi(-|m|).
MixtureProposal shifted_to(const std::vector<LineRegion>& regions, Eigen::Index dimension) {
  MixtureProposal mixture;
  const double total = log_sum_of_tails(regions);
  for (const LineRegion& region : regions) {
    ShapedNormal shifted(dimension, {}, 0.0);
    shifted.set_mean(region.most_probable_point);
    mixture.components.push_back(std::move(shifted));
    mixture.weights.push_back(std::exp(log_upper_tail(region.root.offset) - total));
  }
  return mixture;
}

// A fit to few points can be too tight: a share goes to N(m, I) at each region's nearest failing point.
MixtureProposal guarded(MixtureProposal fitted, const std::vector<LineRegion>& regions,
                        Eigen::Index dimension) {
  constexpr double share = 0.25;
  const MixtureProposal guard = shifted_to(regions, dimension);
  for (double& weight : fitted.weights) weight *= 1.0 - share;
  for (std::size_t k = 0; k < guard.components.size(); ++k) {
    fitted.components.push_back(guard.components[k]);
    fitted.weights.push_back(share *
                             (0.5 * guard.weights[k] + 0.5 / static_cast<double>(guard.weights.size())));
  }
  return fitted;
}

// A round's failures beside the pool, at twice its weight.
void add_failures(FailingPool& pool, const WeightedSample& sample, const std::vector<Eigen::Index>& failing,
                  double log_scale) {
  double sum = 0.0;
  for (const Eigen::Index i : failing)
    sum += std::exp(sample.log_weights[static_cast<std::size_t>(i)] - log_scale);
  const double pool_sum =
      pool.weights.empty() ? 1.0 : std::accumulate(pool.weights.begin(), pool.weights.end(), 0.0);
  Matrix points(static_cast<Eigen::Index>(failing.size()), pool.points.cols());
  std::vector<double> weights;
  for (std::size_t j = 0; j < failing.size(); ++j) {
    points.row(static_cast<Eigen::Index>(j)) = sample.points.row(failing[j]);
    weights.push_back(2.0 * pool_sum / sum *
                      std::exp(sample.log_weights[static_cast<std::size_t>(failing[j])] - log_scale));
  }
  pool.add(points, weights);
}

}  // namespace

void learn_from_lines(const RareEventOptions& options, Plan& plan, const std::vector<LineResult>& lines,
                      std::uint64_t cost) {
  double best = -1e300;
  for (const LineResult& line : lines) {
    best = std::max(best, line.log_value);
    // A contradiction: from here on every line is checked.
    if (line.correction != 0.0) plan.check_share = 1.0;
  }
  plan.lines.insert(plan.lines.end(), lines.begin(), lines.end());
  if (!(best > -1e299)) {  // no line fails
    plan.usable = false;
    plan.log_p = -std::numeric_limits<double>::infinity();
    return;
  }
  judge(options, plan, line_strata(lines, plan.regions.size(), best), best, cost);
  adapt_regions(plan.regions, plan.lines);
}

Plan pilot_lines(EstimatorSession& session, std::vector<LineRegion> regions, std::string name,
                 int max_rounds) {
  EvaluationLedger& ledger = session.ledger();
  Plan plan;
  plan.name = std::move(name);
  plan.regions = std::move(regions);
  const std::size_t k = plan.regions.size();
  std::size_t each = lines_each(k);
  const double enough = std::max(40.0, static_cast<double>(k * each));
  const std::uint64_t start = ledger.counts().pilot;
  const double allowed = largest_pilot * static_cast<double>(ledger.remaining());
  for (int round = 0; round < max_rounds; ++round) {
    LineOptions options;
    options.check_share = plan.check_share;
    options.log_scale = log_upper_tail(nearest(plan.regions));
    const std::uint64_t before = ledger.counts().pilot;
    const std::vector<LineResult> lines = sample_lines(
        ledger, plan.regions, std::vector<std::size_t>(k, each), options, session.random(), Purpose::pilot);
    learn_from_lines(session.options(), plan, lines, ledger.counts().pilot - before);
    if (!std::isfinite(plan.log_p)) return plan;
    // Worth going on while the estimate would cost much more than all pilots so far.
    const auto spent = static_cast<double>(ledger.counts().pilot - start);
    const bool paid = round > 0 && plan.runs() < estimate_per_pilot * spent;
    if (plan.usable && (paid || plan.values_needed <= enough)) break;
    if (!plan.usable && k == 1) each *= 2;
    if (spent + plan.runs_each * static_cast<double>(k * each) > allowed) break;
  }
  session.note(pilot_note(plan));
  return plan;
}

Plan pilot_mixture(EstimatorSession& session, const SearchResult& search, const Plan& lines) {
  Plan plan;
  plan.method = RareEventMethod::mixture_importance;
  plan.name = "mixture";
  plan.regions = lines.regions;
  FailingPool pool = failing_pool(session, search, lines);
  for (int round = 0; round < 3; ++round) {
    MixtureProposal mixture = pool.points.rows() == 0
                                  ? shifted_to(plan.regions, session.ledger().dimension())
                                  : fit_mixture(pool.points, pool.weights, cells(pool.points, plan.regions),
                                                plan.regions.size(), 0.2);
    if (mixture.components.empty()) break;
    plan.mixture = guarded(std::move(mixture), plan.regions, session.ledger().dimension());
    const WeightedSample sample =
        sample_mixture(session.ledger(), plan.mixture, mixture_pilot_runs, session.random(), Purpose::pilot);
    double best = -1e300;
    std::vector<Eigen::Index> failing;
    for (std::size_t i = 0; i < sample.outcomes.size(); ++i) {
      if (!sample.outcomes[i].failed) continue;
      failing.push_back(static_cast<Eigen::Index>(i));
      best = std::max(best, sample.log_weights[i]);
    }
    if (failing.size() < 5) break;
    const double previous = round > 0 ? plan.runs() : 1e300;
    judge(session.options(), plan, {importance_stratum(sample, best)}, best, mixture_pilot_runs);
    if (plan.usable && plan.runs() > 0.7 * previous) break;
    add_failures(pool, sample, failing, best);
  }
  session.note(pilot_note(plan));
  return plan;
}

Plan pilot_mean_shift(EstimatorSession& session, const SearchResult& search) {
  Plan plan;
  plan.method = RareEventMethod::mean_shift;
  plan.name = "mean shift";
  plan.regions = search.regions;
  plan.mixture = shifted_to(search.regions, session.ledger().dimension());
  const double total = log_sum_of_tails(search.regions);
  const WeightedSample sample =
      sample_mixture(session.ledger(), plan.mixture, mixture_pilot_runs, session.random(), Purpose::pilot);
  judge(session.options(), plan, {importance_stratum(sample, total)}, total, mixture_pilot_runs);
  session.note(pilot_note(plan));
  return plan;
}

Plan pilot_rays(EstimatorSession& session, const SearchResult& search) {
  Plan plan;
  plan.method = RareEventMethod::radial_sampling;
  plan.name = "rays";
  plan.regions = search.regions;
  const std::uint64_t before = session.ledger().counts().pilot;
  LineOptions options;
  options.check_share = plan.check_share = 0.6;
  options.log_scale = log_upper_tail(nearest(plan.regions));
  const Stratum stratum =
      sample_rays(session.ledger(), plan.regions, ray_pilot, options, session.random(), Purpose::pilot);
  judge(session.options(), plan, {stratum}, options.log_scale, session.ledger().counts().pilot - before);
  session.note(pilot_note(plan));
  return plan;
}

}  // namespace flare::analysis
