#include "analysis/rare_event/search/deepened_arc.hpp"

#include <algorithm>
#include <cmath>

namespace flare::analysis {

using engine::Vector;

DeepenedArc::DeepenedArc(const Vector& from, const Vector& to)
    : from_norm_(from.norm()), to_norm_(to.norm()), a_(from / from_norm_), b_(to / to_norm_) {
  angle_ = std::acos(std::clamp(a_.dot(b_), -1.0, 1.0));
}

Vector DeepenedArc::at(double t) const {
  constexpr double deepened = 0.15;
  const double norm = (1.0 - t) * from_norm_ + t * to_norm_ + deepened;
  return norm / std::sin(angle_) * (std::sin((1.0 - t) * angle_) * a_ + std::sin(t * angle_) * b_);
}

double DeepenedArc::first_predicted(const std::vector<LineRegion>& regions) const {
  constexpr int looks = 100;
  for (int i = 0; i < looks; ++i) {
    const double t = i / static_cast<double>(looks);
    if (predicted_to_fail(regions, at(t))) return t;
  }
  return 1.0;
}

}  // namespace flare::analysis
