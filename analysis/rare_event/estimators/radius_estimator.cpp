#include "analysis/rare_event/estimators/radius_estimator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

namespace flare::analysis {
namespace {

constexpr std::size_t pilot_runs = 100;
constexpr double least_effective_share = 0.1;  // of the runs: where direction matters this is not the method

// Are the failing points' distances from the origin rare by themselves, as rare as half of what failing is?
bool far_by_radius(const SubsetResult& subset) {
  const auto half = 0.5 * static_cast<double>(subset.failing.cols());
  const double radius2 = subset.failing.rowwise().squaredNorm().mean();
  const double either_side =
      std::min(boost::math::gamma_q(half, 0.5 * radius2), boost::math::gamma_p(half, 0.5 * radius2));
  return std::log(either_side + 1e-300) < 0.5 * subset.log_p;
}

}  // namespace

void RadiusEstimator::pilot(Findings& findings) {
  EstimatorSession& session = findings.session;
  if (findings.search.subset && !far_by_radius(*findings.search.subset)) return note_pilot(session);
  proposal_.emplace(session.ledger().dimension());
  std::vector<double> radii, weights;
  if (findings.search.subset) {
    for (const auto& row : findings.search.subset->failing.rowwise()) radii.push_back(row.norm());
    weights.assign(radii.size(), 1.0);
    proposal_->fit(radii, weights, 1.5);
  }
  for (int round = 0; round < 2; ++round) {
    const WeightedSample sample =
        sample_radii(session.ledger(), *proposal_, pilot_runs, session.random(), Purpose::pilot);
    double best = -1e300;
    for (std::size_t i = 0; i < sample.outcomes.size(); ++i)
      if (sample.outcomes[i].failed) best = std::max(best, sample.log_weights[i]);
    radii.clear();
    weights.clear();
    for (std::size_t i = 0; i < sample.outcomes.size(); ++i) {
      if (!sample.outcomes[i].failed) continue;
      radii.push_back(sample.points.row(static_cast<Eigen::Index>(i)).norm());
      weights.push_back(std::exp(sample.log_weights[i] - best));
    }
    forecast_.usable = false;
    if (radii.size() < 5) break;
    judge(session.options(), {importance_stratum(sample, best)}, best, pilot_runs);
    proposal_->fit(radii, weights, 1.2);
  }
  note_pilot(session);
}

std::vector<Stratum> RadiusEstimator::draw(EstimatorSession& session,
                                           const std::vector<std::size_t>& counts) {
  const WeightedSample sample =
      sample_radii(session.ledger(), *proposal_, counts[0], session.random(), Purpose::estimate);
  return {importance_stratum(sample, forecast_.log_p)};
}

std::string RadiusEstimator::objection(const Sampled& sampled) const {
  const double effective = sampled.estimate.effective_samples;
  if (effective >= least_effective_share * sampled.values) return {};
  return fmt::format("effective sample size {:.0f} of {:.0f} radii: failures lie in few directions",
                     effective, sampled.values);
}

}  // namespace flare::analysis
