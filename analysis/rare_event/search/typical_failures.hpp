// Failing points brought to where failures of their kind typically lie.
//
// A failure that was met at an inflated sigma is far out in every coordinate, also in those that have nothing to do with
// its failing: its density says little. Short chains from it leave N(0, I) restricted to failing points as it is: blocks of
// coordinates, or the way along the direction of the region they belong to, are drawn anew, or moved a little, with the rest as
// it was; what still fails is kept.
#pragma once

#include <functional>
#include <vector>

#include "analysis/rare_event/core/normal_stream.hpp"
#include "analysis/rare_event/sampling/line_sampling.hpp"

namespace flare::analysis {

struct ChainRules {
  int steps = 24;
  std::function<bool(const engine::Vector&)>
      known;  // true: the point needs no further look, its chain ends; or none
};

/// The ends of chains from `failing`, in step, at most `steps` runs each. Points that are no farther from the origin than
/// typical failures at the distance of the nearest region stay where they are.
std::vector<engine::Vector> typical_failures(EvaluationLedger& ledger, std::vector<engine::Vector> failing,
                                             const std::vector<LineRegion>& regions, const ChainRules& rules,
                                             NormalStream& random, Purpose purpose);

/// Such chains of `steps` from every point, wherever it lies: the states of each, rows, repeated where a move passed.
std::vector<engine::Matrix> failing_chains(EvaluationLedger& ledger, std::vector<engine::Vector> failing,
                                           const std::vector<LineRegion>& regions, int steps,
                                           NormalStream& random, Purpose purpose);

}  // namespace flare::analysis
