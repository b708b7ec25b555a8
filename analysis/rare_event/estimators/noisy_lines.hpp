// Line sampling where a margin changes when its run is repeated, near a plane.
//
// A root found in noise is not the boundary, and weighted failures, unbiased as they are, see too few: with
// noise of standard deviation s (in units of x along the plane's normal) at distance b their relative
// variance cannot fall below (E sqrt Phi((u - b)/s))^2 / P^2 - 1, which is 780 a run at b = 6, s = 0.5. The
// margins know more. One run a line, at t, gives the noisy root c = t + margin / steepness, and where noise
// adds to a margin that is linear along the line,
//     P = E Phi(-c).
// Its plain mean serves where it is believable (little noise). Else ln E Phi(-c) is expanded in the cumulants
// of c to the fourth about the normal law (the saddle point at theta = mean/(1 + variance) makes that theta^k
// kappa_k / k!), with the sampling errors of all four in the interval. Refused where the runs do not reach
// the noise that matters, where it is far from normal, or where c bends or spreads along the lines (then
// noise does not just add). The steepness is that of the same runs: c must not change with t.
#pragma once

#include "analysis/rare_event/estimators/estimator.hpp"

namespace flare::analysis {

/// Around the one plane that explains the margin. Makes its pilot as part of the estimate.
class NoisyLineEstimator : public Estimator {
 public:
  std::string_view name() const override { return "noisy lines"; }
  bool needs_regions() const override { return true; }
  void pilot(Findings& findings) override;
  RareEventSummary estimate(Findings& findings) override;
};

}  // namespace flare::analysis
