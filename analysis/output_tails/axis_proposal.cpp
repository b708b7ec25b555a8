#include "analysis/output_tails/axis_proposal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {

using engine::Matrix;
using engine::Vector;

AxisProposal::AxisProposal(Vector axis, const std::vector<TailSurrogate::Place>& places)
    : axis_(std::move(axis)) {
  components_.push_back({0.0, 1.0, defense, Vector::Zero(axis_.size())});
  // Half to everyone alike, half where more runs are needed. A component is not narrower than what M may be
  // wrong by without its error showing.
  const auto width = [](const TailSurrogate::Place& place) { return std::max(0.05, 1.3 * place.sd); };
  const auto need = [&](const TailSurrogate::Place& place) {
    return place.variance * width(place) / place.sd;
  };
  double total = 0.0;
  for (const TailSurrogate::Place& place : places) total += need(place);
  for (const TailSurrogate::Place& place : places) {
    const double share =
        (1.0 - defense) * (0.5 * need(place) / total + 0.5 / static_cast<double>(places.size()));
    components_.push_back({place.mean, width(place), 0.65 * share, place.across});
    components_.push_back({place.mean, std::max(1.0, 2.5 * place.sd), 0.35 * share, place.across});
  }
}

Matrix AxisProposal::draw(Eigen::Index count, NormalStream& random) const {
  Matrix points(count, axis_.size());
  for (Eigen::Index i = 0; i < count; ++i) {
    // A uniform in stratum i of count picks the component.
    double u = (static_cast<double>(i) + random.uniform()) / static_cast<double>(count);
    std::size_t j = 0;
    while (j + 1 < components_.size() && u >= components_[j].share) u -= components_[j++].share;
    const double c = components_[j].mean + components_[j].sd * random.normal();
    const Vector x = random.normal_vector(axis_.size());
    points.row(i) = x + components_[j].across + (c - axis_.dot(x)) * axis_;
  }
  return points;
}

double AxisProposal::log_weight(const Vector& x) const {
  const double c = axis_.dot(x);
  double log_q = -std::numeric_limits<double>::infinity();
  for (const Component& component : components_) {
    const double z = (c - component.mean) / component.sd;
    log_q = log_sum(log_q, std::log(component.share / component.sd) - 0.5 * z * z + component.across.dot(x) -
                               0.5 * component.across.squaredNorm());
  }
  return -0.5 * c * c - log_q;
}

}  // namespace flare::analysis
