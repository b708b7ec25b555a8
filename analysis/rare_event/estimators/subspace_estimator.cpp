#include "analysis/rare_event/estimators/subspace_estimator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/rare_event/core/point_rows.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr int most_rounds = 5;
constexpr double narrowest = 0.09, widest = 30.0;  // variance of a component along any axis
constexpr double least_own_failures = 4.0;
constexpr double most_unreached = 0.1;   // of the failing population
constexpr double steepest_weight = 5.0;  // a round's weights are cut at this multiple of their mean

std::size_t runs_a_round(std::size_t components) { return std::max<std::size_t>(150, 4 * components); }

// Weights of failing rows in units of their mean, cut where a few would decide the fit.
std::vector<double> cut_weights(const WeightedSample& sample, const std::vector<Eigen::Index>& failing) {
  double best = -1e300;
  for (const Eigen::Index i : failing) best = std::max(best, sample.log_weights[static_cast<std::size_t>(i)]);
  std::vector<double> weights;
  weights.reserve(failing.size());
  for (const Eigen::Index i : failing)
    weights.push_back(std::exp(sample.log_weights[static_cast<std::size_t>(i)] - best));
  const double mean = std::accumulate(weights.begin(), weights.end(), 0.0) /
                      static_cast<double>(std::max<std::size_t>(1, weights.size()));
  for (double& w : weights) w = std::min(w / mean, steepest_weight);
  return weights;
}

std::vector<Eigen::Index> failing_rows(const WeightedSample& sample) {
  std::vector<Eigen::Index> failing;
  for (std::size_t i = 0; i < sample.outcomes.size(); ++i)
    if (sample.outcomes[i].failed) failing.push_back(static_cast<Eigen::Index>(i));
  return failing;
}

double largest_log_weight(const WeightedSample& sample, const std::vector<Eigen::Index>& failing) {
  double best = -1e300;
  for (const Eigen::Index i : failing) best = std::max(best, sample.log_weights[static_cast<std::size_t>(i)]);
  return best;
}

}  // namespace

void SubspaceEstimator::begin(const std::vector<SubspaceStart>& starts) {
  starts_ = starts;
  double total = -1e300;
  for (const SubspaceStart& start : starts_) {
    proposal_.components.emplace_back(start.basis, start.point);
    origins_.push_back(start.basis.transpose() * start.point);
    total = log_sum(total, log_upper_tail(start.point.norm()));
    classes_ = std::max(classes_, start.shape_class + 1);
  }
  for (const SubspaceStart& start : starts_)
    proposal_.weights.push_back(std::exp(log_upper_tail(start.point.norm()) - total));
}

// What a class's failing rows, counted from where their own components began, have in common.
void SubspaceEstimator::reshape(std::size_t shape_class, const std::vector<Eigen::Index>& rows,
                                const std::vector<std::size_t>& owners, const std::vector<double>& weights,
                                const Matrix& points) {
  std::vector<Vector> moved;
  std::vector<double> own_weights;
  for (std::size_t j = 0; j < rows.size(); ++j) {
    const std::size_t k = owners[j];
    if (starts_[k].shape_class != shape_class) continue;
    moved.push_back(proposal_.components[k].coordinates(points.row(rows[j])) - origins_[k]);
    own_weights.push_back(weights[j]);
  }
  if (moved.empty()) return;
  const Matrix deviations = as_rows(moved, moved.front().size());
  const Eigen::Index r = deviations.cols();
  WeightedMoments moments;
  if (!weighted_moments(deviations, own_weights, Matrix::Identity(r, r), static_cast<double>(r), moments))
    return;
  for (std::size_t k = 0; k < starts_.size(); ++k)
    if (starts_[k].shape_class == shape_class)
      proposal_.components[k].shape(origins_[k] + moments.mean, moments.covariance, narrowest, widest);
}

// Each component's own share of the weight, half of it evened out over its class.
void SubspaceEstimator::reweigh(const std::vector<std::size_t>& owners, const std::vector<double>& weights) {
  std::vector<double> own(starts_.size(), 0.0), of_class(classes_, 0.0), members(classes_, 0.0);
  for (std::size_t j = 0; j < owners.size(); ++j) own[owners[j]] += weights[j];
  for (std::size_t k = 0; k < starts_.size(); ++k) {
    of_class[starts_[k].shape_class] += own[k];
    members[starts_[k].shape_class] += 1.0;
  }
  const double total = std::accumulate(own.begin(), own.end(), 0.0);
  double sum = 0.0;
  for (std::size_t k = 0; k < starts_.size(); ++k) {
    const std::size_t c = starts_[k].shape_class;
    const double even = of_class[c] / members[c], begun = proposal_.weights[k];
    // A tenth stays where it was: a component that saw nothing in one round is not given up.
    proposal_.weights[k] = 0.9 * 0.5 * (own[k] + even) / total + 0.1 * begun;
    sum += proposal_.weights[k];
  }
  for (double& weight : proposal_.weights) weight /= sum;
}

bool SubspaceEstimator::learn(const WeightedSample& sample) {
  const std::vector<Eigen::Index> failing = failing_rows(sample);
  if (failing.size() < 8) return false;
  const std::vector<double> weights = cut_weights(sample, failing);
  std::vector<std::size_t> owners;
  owners.reserve(failing.size());
  for (const Eigen::Index i : failing) owners.push_back(proposal_.owner(sample.points.row(i)));
  for (std::size_t c = 0; c < classes_; ++c) reshape(c, failing, owners, weights, sample.points);
  reweigh(owners, weights);
  return true;
}

void SubspaceEstimator::learn_in_rounds(EstimatorSession& session, const Matrix& population) {
  const std::size_t runs = runs_a_round(proposal_.components.size());
  SubspaceMixture best = proposal_;
  double cheapest = 1e300;
  for (int round = 0; round < most_rounds; ++round) {
    const WeightedSample sample =
        sample_mixture(session.ledger(), proposal_, runs, session.random(), Purpose::pilot);
    const std::vector<Eigen::Index> failing = failing_rows(sample);
    if (failing.size() < 8) break;
    const double scale = largest_log_weight(sample, failing);
    const Forecast before = forecast_;
    judge(session.options(), {importance_stratum(sample, scale)}, scale, runs);
    const double cost = forecast_.usable ? forecast_.runs() : 1e299;
    if (cost < cheapest) {
      cheapest = cost;
      best = proposal_;
    } else if (before.usable) {
      forecast_ = before;
      break;
    }
    if (cost < 2.0 * static_cast<double>(runs) || !learn(sample)) break;
  }
  proposal_ = best;
  describe_regions_as_lines();
  std::size_t unreached = 0;
  const double little = 0.25 * std::abs(forecast_.log_p);
  for (const auto& row : population.rowwise())
    if (proposal_.log_reach(row) < little) ++unreached;
  if (population.rows() > 0)
    unreached_share_ = static_cast<double>(unreached) / static_cast<double>(population.rows());
  // At least some runs for every component, so that none rests on nothing.
  forecast_.values_needed =
      std::max(forecast_.values_needed, 6.0 * static_cast<double>(proposal_.components.size()));
  note_pilot(session);
}

// For the audit, which knows regions by a direction and a distance.
void SubspaceEstimator::describe_regions_as_lines() {
  regions_.clear();
  for (std::size_t k = 0; k < starts_.size(); ++k) {
    LineRegion region(starts_[k].point, starts_[k].point.norm());
    region.root.spread = 0.2;
    regions_.push_back(std::move(region));
  }
}

std::vector<Stratum> SubspaceEstimator::draw(EstimatorSession& session,
                                             const std::vector<std::size_t>& counts) {
  WeightedSample sample =
      sample_mixture(session.ledger(), proposal_, counts[0], session.random(), Purpose::estimate);
  failing_.resize(starts_.size(), 0);
  for (const Eigen::Index i : failing_rows(sample)) ++failing_[proposal_.owner(sample.points.row(i))];
  Stratum stratum = importance_stratum(sample, forecast_.log_p);
  drawn_.push_back(std::move(sample));
  return {std::move(stratum)};
}

void SubspaceEstimator::relearn(EstimatorSession& session, std::uint64_t cost) {
  for (const WeightedSample& sample : drawn_) {
    const std::vector<Eigen::Index> failing = failing_rows(sample);
    if (failing.size() < 8) continue;
    const double scale = largest_log_weight(sample, failing);
    judge(session.options(), {importance_stratum(sample, scale)}, scale, cost);
    learn(sample);
  }
  drawn_.clear();
  failing_.clear();
}

// Like regions stand for one another: moved copies of one, each looked at where it begins. Their kind has failed often
// enough to be known.
std::vector<LineRegion> SubspaceEstimator::sampled_regions() const {
  std::vector<double> failing(classes_, 0.0), members(classes_, 0.0);
  for (std::size_t k = 0; k < failing_.size(); ++k) {
    failing[starts_[k].shape_class] += static_cast<double>(failing_[k]);
    members[starts_[k].shape_class] += 1.0;
  }
  std::vector<LineRegion> sampled;
  for (std::size_t k = 0; k < failing_.size(); ++k) {
    const std::size_t c = starts_[k].shape_class;
    if (failing[c] >= least_own_failures * std::min(members[c], 8.0)) sampled.push_back(regions_[k]);
  }
  return sampled;
}

// Of each kind by itself: of one that holds little of the estimate hardly a failure is among a few of all.
std::string SubspaceEstimator::asked_objection(EstimatorSession& session, const Sampled& sampled) const {
  std::vector<FailuresDrawn> of_class(classes_);
  for (const WeightedSample& sample : drawn_)
    for (const Eigen::Index i : failing_rows(sample)) {
      const Vector x = sample.points.row(i);
      of_class[starts_[proposal_.owner(x)].shape_class].add(x,
                                                            sample.log_weights[static_cast<std::size_t>(i)]);
    }
  of_class.resize(std::min(classes_, most_asked_classes));
  for (const FailuresDrawn& drawn : of_class) {
    std::string found =
        moved_out_objection(session, drawn, proposal_, sampled.estimate.log_p, sampled.values);
    if (!found.empty()) return found;
  }
  return {};
}

std::string SubspaceEstimator::objection(const Sampled& sampled) const {
  if (sampled.hardly_counts()) {
    return fmt::format("effective sample size {:.0f} of {:.0f} runs: the directions found miss what matters",
                       sampled.estimate.effective_samples, sampled.values);
  }
  if (unreached_share_ > most_unreached) {
    return fmt::format(
        "{:.0f} % of the failures that subset simulation met lie where the proposal does not look",
        100.0 * unreached_share_);
  }
  return {};
}

}  // namespace flare::analysis
