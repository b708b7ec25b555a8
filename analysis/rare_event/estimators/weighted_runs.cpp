#include "analysis/rare_event/estimators/weighted_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/rare_event/estimators/sample_checks.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr std::size_t least_own_failures = 4;  // fewer say nothing about a region

}  // namespace

std::vector<Stratum> WeightedRunEstimator::draw(EstimatorSession& session,
                                                const std::vector<std::size_t>& counts) {
  const WeightedSample sample =
      sample_mixture(session.ledger(), proposal_, counts[0], session.random(), Purpose::estimate);
  failing_.resize(regions_.size(), 0);
  drawn_.add(sample);
  for (std::size_t i = 0; i < sample.outcomes.size(); ++i)
    if (sample.outcomes[i].failed)
      ++failing_[furthest_along(regions_, sample.points.row(static_cast<Eigen::Index>(i)))];
  return {importance_stratum(sample, forecast_.log_p)};
}

std::vector<LineRegion> WeightedRunEstimator::sampled_regions() const {
  return with_failures_of_their_own(regions_, failing_);
}

std::string WeightedRunEstimator::asked_objection(EstimatorSession& session, const Sampled& sampled) const {
  return moved_out_objection(session, drawn_, proposal_, sampled.estimate.log_p, sampled.values);
}

std::string WeightedRunEstimator::objection(const Sampled& sampled) const {
  if (hardly_draws_population(sampled.estimate.log_p, sampled.values))
    return "failures that the search met lie where hardly a run is drawn";
  if (!sampled.hardly_counts()) return {};
  return fmt::format("effective sample size {:.0f} of {:.0f} runs: the proposal is far from the failures",
                     sampled.estimate.effective_samples, sampled.values);
}

void WeightedRunEstimator::ask_population(const SearchResult& search) {
  if (search.subset) population_ = search.subset->failing;
}

bool WeightedRunEstimator::hardly_draws_population(double log_p, double runs) const {
  const double heavy = log_value_that_decides(log_p, runs);
  Eigen::Index hardly = 0;
  for (const auto& row : population_.rowwise())
    hardly += proposal_.log_weight(row.transpose()) > heavy ? 1 : 0;
  return 2 * hardly > population_.rows();
}

std::vector<LineRegion> with_failures_of_their_own(const std::vector<LineRegion>& regions,
                                                   const std::vector<std::size_t>& failing) {
  std::vector<LineRegion> sampled;
  for (std::size_t k = 0; k < failing.size(); ++k)
    if (failing[k] >= least_own_failures) sampled.push_back(regions[k]);
  return sampled;
}

double log_sum_of_tails(const std::vector<LineRegion>& regions) {
  double total = -1e300;
  for (const LineRegion& region : regions) total = log_sum(total, log_upper_tail(region.root.offset));
  return total;
}

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

}  // namespace flare::analysis
