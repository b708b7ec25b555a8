// The frozen law of the shared estimator's fresh runs: a mixture of normal laws along one axis, with a component
// wherever a question is decided; across the axis N(0, I), moved where the stand-in tilts. Weights do not depend on
// the dimension, and a defensive share bounds them.
#pragma once

#include <vector>

#include "analysis/output_tails/tail_surrogate.hpp"
#include "analysis/rare_event/core/normal_stream.hpp"

namespace flare::analysis {

class AxisProposal {
 public:
  /// `axis`: a unit vector; `places`: where the questions are decided.
  AxisProposal(engine::Vector axis, const std::vector<TailSurrogate::Place>& places);

  /// count x d. The shares of the components are met as evenly as they can be.
  engine::Matrix draw(Eigen::Index count, NormalStream& random) const;
  /// ln phi - ln q.
  double log_weight(const engine::Vector& x) const;

 private:
  static constexpr double defense = 0.1;
  struct Component {
    double mean;
    double sd;
    double share;
    engine::Vector across;  // orthogonal to the axis
  };
  engine::Vector axis_;
  std::vector<Component> components_;
};

}  // namespace flare::analysis
