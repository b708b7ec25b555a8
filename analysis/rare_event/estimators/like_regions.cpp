#include "analysis/rare_event/estimators/like_regions.hpp"

#include <fmt/format.h>

#include "analysis/rare_event/estimators/active_subspace.hpp"
#include "analysis/rare_event/estimators/sparse_regions.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr std::size_t most_starts = 12;
constexpr std::size_t fewest_starts = 15;  // of the scan: fewer do not show that the regions are all

SubspaceStart start_of(const SparseRegion& region) {
  const auto rank = static_cast<Eigen::Index>(region.axes.size());
  SubspaceStart start{Matrix::Zero(region.point.size(), rank), region.point, region.like};
  for (Eigen::Index j = 0; j < rank; ++j) start.basis(region.axes[static_cast<std::size_t>(j)], j) = 1.0;
  return start;
}

// Two gradients, looks at moved copies, a scan and a round of runs against what is left.
bool affordable(const EvaluationLedger& ledger) {
  return 3.0 * static_cast<double>(ledger.dimension() + 1) + 600.0 <
         0.6 * static_cast<double>(ledger.remaining());
}

}  // namespace

void LikeRegionsEstimator::pilot(Findings& findings) {
  EstimatorSession& session = findings.session;
  if (!affordable(session.ledger())) return;
  const Matrix population = failing_population(findings);
  const SparseRegions found = find_sparse_regions(session, most_different(population, most_starts));
  const std::size_t few = found.starts < fewest_starts ? 1 : 0;
  findings.search.starts = found.starts;
  findings.search.unseen_share =
      found.starts == 0 ? 1.0
                        : static_cast<double>(found.unexplained + few) / static_cast<double>(found.starts);
  session.note(fmt::format("like regions: {} of few coordinates each, {} of {} failing starts unexplained",
                           found.regions.size(), found.unexplained, found.starts));
  if (found.regions.empty() || !unseen_objection(findings.search).empty()) return;
  std::vector<SubspaceStart> starts;
  for (const SparseRegion& region : found.regions) starts.push_back(start_of(region));
  begin(starts);
  learn_in_rounds(session, findings.search.subset ? population : Matrix(0, population.cols()));
}

}  // namespace flare::analysis
