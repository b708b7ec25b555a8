// The few directions that a boundary of many dimensions bends in.
#pragma once

#include "analysis/rare_event/estimators/line_estimator.hpp"

namespace flare::analysis {

struct ActiveSubspace {
  engine::Matrix basis;  // d x r, orthonormal; r = 0 where no gradient could be had
  bool closed = false;   // two gradients more lay in it: the boundary bends in no other direction
};

/// Gradients by differences (d + 1 runs each) at boundary points as different as they come, until two lie in the span of those
/// before them, `most_runs` are spent or 9 directions are found. Not closed: the mean gradient alone.
ActiveSubspace find_active_subspace(EstimatorSession& session, const std::vector<engine::Vector>& boundary,
                                    std::uint64_t most_runs);

/// Adds up to 3 coordinates that the failing points need to fail beside the basis: a jump has no gradient.
void add_needed_coordinates(EstimatorSession& session, const std::vector<engine::Vector>& failing,
                            engine::Matrix& basis);

/// Lines whose law is shaped in an active subspace and N(0, I) elsewhere: for one boundary that bends in a few directions of
/// many (active subspace: Constantine 2015; after the idea of Uribe et al. 2021). Where every gradient is new it
/// bends in all of them; then lines along their mean, from a law that only its scale shapes. Not usable where failures
/// met elsewhere are not joined to the boundary by an arc of failures.
class ActiveSubspaceEstimator : public LineEstimator {
 public:
  ActiveSubspaceEstimator() : LineEstimator({}, "active subspace") {}
  void pilot(Findings& findings) override;
};

/// Failures that an estimate must account for, as rows: subset simulation's population, or all that were met.
engine::Matrix failing_population(const Findings& findings);

/// At most `most` of the points, as different in direction as they come.
std::vector<engine::Vector> most_different(const engine::Matrix& points, std::size_t most);

}  // namespace flare::analysis
