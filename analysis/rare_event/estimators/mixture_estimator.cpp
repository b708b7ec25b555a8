#include "analysis/rare_event/estimators/mixture_estimator.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/rare_event/core/point_rows.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

// The region each point reaches furthest along.
std::vector<std::size_t> cells(const Matrix& points, const std::vector<LineRegion>& regions) {
  std::vector<std::size_t> assignment;
  for (Eigen::Index i = 0; i < points.rows(); ++i)
    assignment.push_back(furthest_along(regions, points.row(i)));
  return assignment;
}

// Failing points with weights, what a mixture is fitted to.
struct FailingPool {
  Matrix points;
  std::vector<double> weights;

  void add(const Matrix& more, const std::vector<double>& more_weights) {
    append_rows(more, points);
    weights.insert(weights.end(), more_weights.begin(), more_weights.end());
  }
};

// The population of subset simulation and, at the same weight, the pilot's roots, each a little deepened.
FailingPool failing_pool(Findings& findings) {
  EstimatorSession& session = findings.session;
  const SearchResult& search = findings.search;
  FailingPool pool;
  pool.points.resize(0, session.ledger().dimension());
  if (search.subset) {
    const Eigen::Index n = search.subset->failing.rows();
    pool.add(search.subset->failing,
             std::vector<double>(static_cast<std::size_t>(n), 1.0 / static_cast<double>(n)));
  }
  if (!findings.roots) return pool;
  const Findings::Roots& begun = *findings.roots;
  double total = -1e300;
  for (const LineResult& line : begun.lines) total = log_sum(total, line.log_value);
  std::vector<Vector> points;
  std::vector<double> weights;
  for (const LineResult& line : begun.lines) {
    if (!std::isfinite(line.log_value)) continue;
    points.push_back(behind_root(line, begun.regions[line.region], session.random()));
    weights.push_back(std::exp(line.log_value - total));
  }
  pool.add(as_rows(points, session.ledger().dimension()), weights);
  return pool;
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
  std::vector<double> weights;
  weights.reserve(failing.size());
  for (const Eigen::Index i : failing)
    weights.push_back(2.0 * pool_sum / sum *
                      std::exp(sample.log_weights[static_cast<std::size_t>(i)] - log_scale));
  pool.add(sample.points(failing, Eigen::all), weights);
}

}  // namespace

void MixtureEstimator::pilot(Findings& findings) {
  EstimatorSession& session = findings.session;
  regions_ = findings.roots ? findings.roots->regions : findings.search.regions;
  ask_population(findings.search);
  FailingPool pool = failing_pool(findings);
  for (int round = 0; round < 3; ++round) {
    MixtureProposal mixture =
        pool.points.rows() == 0
            ? shifted_to(regions_, session.ledger().dimension())
            : fit_mixture(pool.points, pool.weights, cells(pool.points, regions_), regions_.size(), 0.2);
    if (mixture.components.empty()) break;
    proposal_ = guarded(std::move(mixture), regions_, session.ledger().dimension());
    const WeightedSample sample =
        sample_mixture(session.ledger(), proposal_, pilot_runs, session.random(), Purpose::pilot);
    double best = -1e300;
    std::vector<Eigen::Index> failing;
    for (std::size_t i = 0; i < sample.outcomes.size(); ++i) {
      if (!sample.outcomes[i].failed) continue;
      failing.push_back(static_cast<Eigen::Index>(i));
      best = std::max(best, sample.log_weights[i]);
    }
    if (failing.size() < 5) break;
    const double previous = round > 0 ? forecast_.runs() : 1e300;
    judge(session.options(), {importance_stratum(sample, best)}, best, pilot_runs);
    if (forecast_.usable && forecast_.runs() > 0.7 * previous) break;
    add_failures(pool, sample, failing, best);
  }
  // Refused before runs are spent on it.
  if (hardly_draws_population(forecast_.log_p, forecast_.values_needed)) forecast_.usable = false;
  note_pilot(session);
}

}  // namespace flare::analysis
