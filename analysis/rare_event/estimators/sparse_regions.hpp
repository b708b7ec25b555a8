// Regions that need few of many coordinates to fail, and their likes in other places: the worst of many cells, with die-level
// variables above their mismatch or without.
//
//   prune      a failing point keeps the coordinates without which it passes, the others become 0: about 10 runs;
//   complete   where margins have a gradient, one (d + 1 runs) adds what the pruning missed and turns the point to the
//              most probable one; where they have none (jumps, corners), each coordinate shrinks while the point
//              fails;
//   translate  like cells stand at equal distances in the vector of inputs: the point's own coordinates, moved by every offset,
//              are tried (one or two runs each). What two regions share (the die) stays in place.
//
// All of it is a guess that fresh runs test: it shapes a proposal and says how many failing starts it explains.
#pragma once

#include "analysis/rare_event/core/estimator_session.hpp"

namespace flare::analysis {

struct SparseRegion {
  std::vector<Eigen::Index> support;  // coordinates, rising
  std::vector<Eigen::Index> axes;     // the same in the order of the region that it is a copy of
  engine::Vector point;               // failing, 0 outside the support
  std::size_t like = 0;               // regions of the same number are moved copies of one
  Eigen::Index offset = 0;            // by which it was moved
};

struct SparseRegions {
  std::vector<SparseRegion> regions;  // empty where failures do not prune
  std::size_t starts = 0;             // failing points asked whether a region explains them
  std::size_t unexplained = 0;        // of these
};

/// `failing`: starts as different as they come, scarcely inflated. Purpose::pilot throughout.
SparseRegions find_sparse_regions(EstimatorSession& session, const std::vector<engine::Vector>& failing);

}  // namespace flare::analysis
