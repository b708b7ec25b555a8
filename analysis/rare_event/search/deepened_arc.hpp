// The way from one failing point to another, from the direction of the one to that of the other.
#pragma once

#include <vector>

#include "analysis/rare_event/sampling/line_sampling.hpp"

namespace flare::analysis {

/// At every t of [0, 1] a little (0.15 sigma) farther out than the line between the distances of its ends.
class DeepenedArc {
 public:
  /// Neither end is the origin.
  DeepenedArc(const engine::Vector& from, const engine::Vector& to);

  double angle() const { return angle_; }
  /// Where the angle is neither 0 nor pi.
  engine::Vector at(double t) const;
  /// The first t, in steps of a hundredth, at which a region is predicted to fail; 1 where none is.
  double first_predicted(const std::vector<LineRegion>& regions) const;

 private:
  double from_norm_, to_norm_;
  engine::Vector a_, b_;  // unit
  double angle_ = 0.0;
};

}  // namespace flare::analysis
