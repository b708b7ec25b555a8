#include "analysis/rare_event/search/other_directions.hpp"

#include "analysis/rare_event/search/failure_regions.hpp"

namespace flare::analysis {
namespace {

using engine::Vector;

void find_plane(EstimatorSession& session, SearchResult& search) {
  EvaluationLedger& ledger = session.ledger();
  if (search.plane || static_cast<std::uint64_t>(ledger.dimension()) * 4 >= ledger.remaining()) return;
  const Gradient gradient = finite_difference(ledger, Vector::Zero(ledger.dimension()), 0.1, Purpose::pilot);
  if (gradient.slope.size() > 0) search.plane = LinearModel{gradient.margin, gradient.slope};
}

void add_direction(const SearchResult& search, const Vector& direction, double steepness,
                   std::vector<LineRegion>& others) {
  if (!(direction.norm() > 0.0)) return;
  const Vector a = direction / direction.norm();
  const double reach =
      search.subset ? (search.subset->failing * a).mean() : search.regions.front().root.offset;
  LineRegion region(a, reach);
  region.steepness = steepness;
  region.root.spread = 0.5;
  if (search.subset) {
    const auto n = static_cast<std::size_t>(search.subset->failing.rows());
    region.law.fit(search.subset->failing, std::vector<double>(n, 1.0), 0.02, 4.0);
  }
  others.push_back(std::move(region));
}

}  // namespace

std::vector<LineRegion> other_directions(EstimatorSession& session, SearchResult& search) {
  std::vector<LineRegion> others;
  if (search.subset) {
    add_direction(search, search.subset->failing.colwise().mean().transpose(),
                  search.regions.front().steepness, others);
  }
  if (session.ledger().margins()) {
    find_plane(session, search);
    if (search.plane) add_direction(search, -search.plane->slope, search.plane->slope.norm(), others);
  }
  return others;
}

}  // namespace flare::analysis
