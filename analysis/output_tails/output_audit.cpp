#include "analysis/output_tails/output_audit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/output_tails/shared_estimate.hpp"

namespace flare::analysis {

void audit_outputs(OutputSession& session, const PlaneExploration& explored) {
  const std::vector<OutputTail>& tails = session.summary().tails;
  const auto answered = [](const OutputTail& tail) { return tail.status == TailStatus::estimated; };
  if (std::none_of(tails.begin(), tails.end(), answered)) return;
  const double scale = std::clamp(explored.farthest / 1.2, 2.0, 4.5);
  const auto count =
      static_cast<Eigen::Index>(std::min<std::uint64_t>(session.remaining(), output_audit_runs));
  if (count == 0) return;
  const engine::Matrix points = scale * session.random().normal_matrix(count, session.dimension());
  KnownOutputs seen;
  seen.add(points, session.evaluate(points, &RunCounts::audit));
  session.note(fmt::format("audit: {} draws at {:.1f} sigma", count, scale));
  const std::string objection = explored.surprise(session.questions(), seen, scale);
  if (!objection.empty()) session.refuse_all("audit: " + objection);
}

}  // namespace flare::analysis
