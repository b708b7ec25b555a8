#include "analysis/rare_event/sampling/radial_runs.hpp"

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr double log_root_two_pi = 0.9189385332046727;
constexpr double negligible = 1e-40;
constexpr double defensive_share = 0.2;

}  // namespace

RadiusProposal::RadiusProposal(Eigen::Index dimension)
    : dimension_(static_cast<double>(dimension)),
      low_(std::sqrt(2.0 * boost::math::gamma_p_inv(0.5 * dimension_, negligible))),
      high_(std::sqrt(2.0 * boost::math::gamma_q_inv(0.5 * dimension_, negligible))) {}

void RadiusProposal::fit(const std::vector<double>& radii, const std::vector<double>& weights, double widen) {
  if (radii.size() < 3) return;
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double mean = 0.0, variance = 0.0;
  for (std::size_t i = 0; i < radii.size(); ++i) mean += weights[i] / total * radii[i];
  for (std::size_t i = 0; i < radii.size(); ++i)
    variance += weights[i] / total * (radii[i] - mean) * (radii[i] - mean);
  mean_ = mean;
  sd_ = std::max(widen * std::sqrt(variance), 1e-4 * (high_ - low_));
  defense_ = defensive_share;
}

double RadiusProposal::log_chi(double r) const {
  const double half = 0.5 * dimension_;
  return (dimension_ - 1.0) * std::log(r) - 0.5 * r * r - (half - 1.0) * std::log(2.0) -
         boost::math::lgamma(half);
}

double RadiusProposal::draw(NormalStream& random) const {
  if (random.uniform() >= defense_) return std::abs(mean_ + sd_ * random.normal());
  return low_ + (high_ - low_) * random.uniform();
}

double RadiusProposal::log_weight(double r) const {
  if (!(r > 0.0)) return -std::numeric_limits<double>::infinity();
  double log_q = r >= low_ && r <= high_ ? std::log(defense_ / (high_ - low_)) : -1e300;
  if (defense_ < 1.0) {
    // |mean + sd z|: folded at zero.
    for (const double z : {(r - mean_) / sd_, (r + mean_) / sd_})
      log_q = log_sum(log_q, std::log1p(-defense_) - 0.5 * z * z - log_root_two_pi - std::log(sd_));
  }
  return log_chi(r) - log_q;
}

WeightedSample sample_radii(EvaluationLedger& ledger, const RadiusProposal& proposal, std::size_t count,
                            NormalStream& random, Purpose purpose) {
  WeightedSample sample;
  sample.points.resize(static_cast<Eigen::Index>(count), ledger.dimension());
  for (Eigen::Index i = 0; i < sample.points.rows(); ++i) {
    const engine::Vector u = random.normal_vector(ledger.dimension());
    const double r = proposal.draw(random);
    sample.points.row(i) = u * (r / u.norm());
    sample.log_weights.push_back(proposal.log_weight(r));
  }
  sample.outcomes = ledger.evaluate(sample.points, purpose);
  return sample;
}

}  // namespace flare::analysis
