#include "analysis/output_tails/plane_exploration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace flare::analysis {
namespace {

std::string look(OutputSession& session, PlaneExploration& found) {
  const OutputDraws plain =
      session.draws(1.0, std::max<Eigen::Index>(60, (14 * session.dimension()) / 10 + 30));
  found.near.add(plain.points, plain.values);
  const KnownOutputs near = found.near.finite();
  if (2 * near.count() < plain.points.rows()) return "most runs give no number";
  std::optional<LinearModel> plane = fit_linear(near.points, near.y());
  if (!plane || !(plane->r2 > 0.85)) return "the output is not close to one plane at 1 sigma";
  found.plane = std::move(*plane);
  double nearest = std::numeric_limits<double>::infinity();
  for (const TailQuestion& question : session.questions()) {
    const double spread = std::hypot(found.plane.slope.norm(), question.noise);
    const double distance = -question.excess(found.plane.at_origin) / spread;
    nearest = std::min(nearest, distance);
    found.farthest = std::max(found.farthest, distance);
  }
  if (!(nearest > 0.0)) return "the output is beyond a limit without any variation";
  const OutputDraws far = session.draws(std::clamp(found.farthest / 1.5, 1.5, 3.0), 60);
  found.far.add(far.points, far.values);
  const KnownOutputs bent = found.far.finite();
  if (2 * bent.count() < far.points.rows()) return "most runs at an inflated sigma give no number";
  const double r2 = fit_bend(found.plane, bent.points, bent.y());
  session.note(
      fmt::format("a plane explains {:.3f} of the variance at 1 sigma, with a bend {:.3f} at {:.1f} sigma",
                  found.plane.r2, r2, far.scale));
  if (r2 < 0.9) return "the output is not close to one plane at an inflated sigma";
  found.far_scale = far.scale;
  return found.surprise(session.questions(), found.far, far.scale);
}

}  // namespace

// What a plane leaves out grows as the square of the scale.
std::string PlaneExploration::surprise(const std::vector<TailQuestion>& questions, const KnownOutputs& seen,
                                       double scale) const {
  const double error = plane.error * std::pow(std::max(1.0, scale / far_scale), 2);
  for (const TailQuestion& question : questions) {
    const double certain = 3.0 * error + 0.05 * std::abs(question.excess(plane.at_origin));
    for (Eigen::Index i = 0; i < seen.count(); ++i) {
      if (question.excess(seen.values[static_cast<std::size_t>(i)]) < 0.0) continue;
      if (question.excess(plane.predict(seen.points.row(i))) < -certain) {
        return "a failure was met where the output's plane predicts none";
      }
    }
  }
  return {};
}

PlaneExploration explore_plane(OutputSession& session) {
  PlaneExploration found;
  found.objection = look(session, found);
  return found;
}

}  // namespace flare::analysis
