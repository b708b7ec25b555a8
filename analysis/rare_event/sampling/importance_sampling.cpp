#include "analysis/rare_event/sampling/importance_sampling.hpp"

#include <cmath>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {

engine::Vector MixtureProposal::draw(NormalStream& random) const {
  double u = random.uniform();
  if (u < defense) return random.normal_vector(components.front().mean().size());
  u = (u - defense) / (1.0 - defense);
  std::size_t k = 0;
  while (k + 1 < components.size() && u >= weights[k]) u -= weights[k++];
  return components[k].draw_shaped(random);
}

double MixtureProposal::log_weight(const engine::Vector& x) const {
  double log_ratio = std::log(defense);
  for (std::size_t k = 0; k < components.size(); ++k) {
    if (!(weights[k] > 0.0)) continue;
    log_ratio = log_sum(log_ratio, std::log((1.0 - defense) * weights[k]) + components[k].log_shape_ratio(x));
  }
  return -log_ratio;
}

WeightedSample sample_mixture(EvaluationLedger& ledger, const MixtureProposal& proposal, std::size_t count,
                              NormalStream& random, Purpose purpose) {
  WeightedSample sample;
  sample.points.resize(static_cast<Eigen::Index>(count), ledger.dimension());
  for (Eigen::Index i = 0; i < sample.points.rows(); ++i) {
    const engine::Vector x = proposal.draw(random);
    sample.points.row(i) = x;
    sample.log_weights.push_back(proposal.log_weight(x));
  }
  sample.outcomes = ledger.evaluate(sample.points, purpose);
  return sample;
}

MixtureProposal fit_mixture(const engine::Matrix& points, const std::vector<double>& weights,
                            const std::vector<std::size_t>& assignment, std::size_t groups, double floor) {
  MixtureProposal proposal;
  double total = 0.0;
  for (const double w : weights) total += w;
  for (std::size_t k = 0; k < groups; ++k) {
    std::vector<Eigen::Index> rows;
    std::vector<double> own_weights;
    double share = 0.0;
    for (std::size_t i = 0; i < assignment.size(); ++i) {
      if (assignment[i] != k) continue;
      rows.push_back(static_cast<Eigen::Index>(i));
      own_weights.push_back(weights[i]);
      share += weights[i];
    }
    if (rows.size() < 4 || !(share > 0.0)) continue;
    engine::Matrix own(static_cast<Eigen::Index>(rows.size()), points.cols());
    for (std::size_t i = 0; i < rows.size(); ++i) own.row(static_cast<Eigen::Index>(i)) = points.row(rows[i]);
    ShapedNormal fitted(points.cols(), {}, 0.0);
    fitted.fit(own, own_weights, floor);
    ShapedNormal broad = fitted;
    broad.inflate(1.5);
    // A region is never starved by what the pilot happened to see: half by share, half evenly.
    proposal.components.push_back(std::move(fitted));
    proposal.weights.push_back(2.0 / 3.0 * (0.5 * share / total + 0.5 / static_cast<double>(groups)));
    proposal.components.push_back(std::move(broad));
    proposal.weights.push_back(0.5 * proposal.weights.back());
  }
  double sum = 0.0;
  for (const double w : proposal.weights) sum += w;
  for (double& w : proposal.weights) w /= sum;
  return proposal;
}

Stratum importance_stratum(const WeightedSample& sample, double log_scale) {
  Stratum stratum;
  for (std::size_t i = 0; i < sample.outcomes.size(); ++i)
    stratum.values.push_back(sample.outcomes[i].failed ? std::exp(sample.log_weights[i] - log_scale) : 0.0);
  return stratum;
}

}  // namespace flare::analysis
