#include "analysis/rare_event/estimate_audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "analysis/rare_event/search/failure_regions.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr std::size_t most_explained = 6;  // failures that are looked into

double audit_scale(const SearchResult& search) {
  return std::clamp(nearest_offset(search.regions) / 1.3, 1.5, 4.5);
}

// Some region's root model says that x fails.
bool predicted(const std::vector<LineRegion>& regions, const Vector& x) {
  return std::any_of(regions.begin(), regions.end(), [&](const LineRegion& region) {
    const double along = region.direction.dot(x);
    const Vector across = x - along * region.direction;
    return along > region.root.predict(across) - 3.0 * region.root.spread;
  });
}

// Draws that all regions let pass; fewer than `count` where nearly every draw is predicted to fail. `skipped`
// counts those that were.
Matrix passing_draws(EstimatorSession& session, const SearchResult& search,
                     const std::vector<LineRegion>& regions, std::size_t count, std::size_t& skipped) {
  const double scale = audit_scale(search);
  std::vector<Vector> passing;
  for (std::size_t tries = 0; tries < 50 * count && passing.size() < count; ++tries) {
    Vector x = scale * session.random().normal_vector(session.ledger().dimension());
    if (predicted(regions, x)) {
      ++skipped;
    } else {
      passing.push_back(std::move(x));
    }
  }
  Matrix points(static_cast<Eigen::Index>(passing.size()), session.ledger().dimension());
  for (std::size_t i = 0; i < passing.size(); ++i) points.row(static_cast<Eigen::Index>(i)) = passing[i];
  return points;
}

// A boundary point where the plane with its bend, as accurate as it is, says that the boundary is.
bool on_bent_plane(const SearchResult& search, const Vector& boundary) {
  if (!search.planar || search.plane->error > 0.1 * search.plane->at_origin) return false;
  return !search.plane->is_surprised_by(boundary);
}

// The boundary points on the rays of `failing` that no region accounts for.
std::vector<Vector> explain(EstimatorSession& session, const SearchResult& search,
                            const std::vector<LineRegion>& regions, const std::vector<Vector>& failing) {
  RegionFinder finder(session.ledger(), session.random(), true, session.options().max_regions,
                      Purpose::audit);
  finder.regions() = regions;
  std::vector<Vector> open = finder.unexplained(failing);
  std::erase_if(open, [&](const Vector& x) { return predicted(regions, x) || on_bent_plane(search, x); });
  return open;
}

}  // namespace

std::uint64_t audit_runs(const EstimatorSession& session, const PlainLook& look, const Estimator& estimator) {
  if (look.origin.failed || !estimator.needs_regions()) return 0;
  const std::uint64_t used = session.ledger().counts().total();
  return std::min(std::clamp<std::uint64_t>(used / 12, 30, 150), session.ledger().remaining() / 5);
}

AuditFinding audit_regions(EstimatorSession& session, const SearchResult& search,
                           const std::vector<LineRegion>& regions, std::uint64_t runs) {
  AuditFinding finding;
  const std::uint64_t before = session.ledger().counts().total();
  try {
    const Matrix points = passing_draws(session, search, regions, runs, finding.predicted);
    const std::vector<Outcome> outcomes = session.ledger().evaluate(points, Purpose::audit);
    std::vector<Vector> failing;
    for (std::size_t i = 0; i < outcomes.size(); ++i)
      if (outcomes[i].failed) failing.push_back(points.row(static_cast<Eigen::Index>(i)));
    finding.passing = outcomes.size();
    finding.failures = failing.size();
    if (failing.size() > most_explained) failing.resize(most_explained);
    finding.examined = failing.size();
    finding.unexplained = explain(session, search, regions, failing);
  } catch (const BudgetSpent&) {
    session.note("the budget ended during the audit");
  }
  session.note(fmt::format(
      "audit: {} runs, {} draws at {:.1f} sigma that every region lets pass, {} failed, {} unexplained",
      session.ledger().counts().total() - before, finding.passing, audit_scale(search), finding.failures,
      finding.unexplained.size()));
  return finding;
}

double AuditFinding::unseen_share() const {
  if (examined == 0) return 0.0;
  const double unexplained_failures =
      static_cast<double>(failures) * static_cast<double>(unexplained.size()) / static_cast<double>(examined);
  return unexplained_failures / static_cast<double>(predicted + failures);
}

double missing_share(EstimatorSession& session, const std::vector<LineRegion>& regions,
                     const AuditFinding& finding, double log_p) {
  RegionFinder finder(session.ledger(), session.random(), true, session.options().max_regions + 4,
                      Purpose::audit);
  finder.regions() = regions;
  finder.count_found(1);
  try {
    finder.add(finding.unexplained, true, 4);
  } catch (const BudgetSpent&) {
    return 1.0;
  }
  if (!finder.all_placed()) return 1.0;
  double by_distance = 0.0;
  for (std::size_t k = regions.size(); k < finder.regions().size(); ++k)
    by_distance += std::exp(log_upper_tail(finder.regions()[k].root.offset) - log_p);
  // Inflated spread overrates what lies far out: not more than ten times its distance's worth.
  return std::min(std::max(finding.unseen_share(), by_distance), 10.0 * by_distance);
}

void audit_against_rays(const SearchResult& search, RareEventSummary& summary) {
  if (!search.rays || summary.status != TailStatus::estimated) return;
  const double noise =
      std::hypot(search.rays->coefficient_of_variation, summary.diagnostics.coefficient_of_variation);
  if (noise < 0.5 && search.rays->log_p > summary.log_p + 3.0 * noise)
    refuse(summary, "rays see clearly more: a region was missed");
}

void audit_against_subset(const SearchResult& search, RareEventSummary& summary) {
  if (!search.subset) return;
  summary.diagnostics.subset_log10_p = search.subset->log_p / std::log(10.0);
  if (summary.status != TailStatus::estimated) return;
  const double gap = search.subset->log_p - summary.log_p;
  summary.diagnostics.subset_alarm = std::abs(gap) > 3.0 * search.subset->log_sd;
  if (summary.diagnostics.subset_alarm && gap > 0.0)
    refuse(summary, "subset simulation sees clearly more: a region was missed");
}

}  // namespace flare::analysis
