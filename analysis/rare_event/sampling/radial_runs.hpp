// Radial importance sampling (after Harbitz 1986, "An efficient sampling method for probability of failure
// calculation", and Grooteman 2008): x = r u, u uniform on the unit sphere, as it is under phi; r from a frozen
// proposal q in place of its chi law. One run a direction, and
//     P = E[ I(r u fails) chi_d(r) / q(r) ]
// whatever the failure set is: a pass or fail is enough, failures may lie inside a sphere, outside of one, or in a thin
// shell, in any dimension. Good where direction matters little.
#pragma once

#include <vector>

#include "analysis/rare_event/core/evaluation_ledger.hpp"
#include "analysis/rare_event/core/normal_stream.hpp"
#include "analysis/rare_event/sampling/importance_sampling.hpp"

namespace flare::analysis {

/// q(r): a normal around where failures were met, and a defensive uniform share over all radii that hold probability.
class RadiusProposal {
 public:
  explicit RadiusProposal(Eigen::Index dimension);

  /// Weighted radii of failing points; `widen` multiplies their spread. Nothing where they are fewer than 3.
  void fit(const std::vector<double>& radii, const std::vector<double>& weights, double widen);

  double draw(NormalStream& random) const;
  /// ln chi_d(r) - ln q(r); -infinity for a radius that holds no probability.
  double log_weight(double r) const;

 private:
  double log_chi(double r) const;

  double dimension_;
  double low_, high_;  // beyond them less than 1e-40 of the probability on either side
  double defense_ = 1.0;
  double mean_ = 0.0, sd_ = 1.0;
};

/// Directions at random, radii from the proposal; log_weights are ln(chi/q).
WeightedSample sample_radii(EvaluationLedger& ledger, const RadiusProposal& proposal, std::size_t count,
                            NormalStream& random, Purpose purpose);

}  // namespace flare::analysis
