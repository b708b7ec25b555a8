#include "analysis/rare_event/estimate_audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <numeric>
#include <optional>

#include "analysis/rare_event/core/met_chance.hpp"
#include "analysis/rare_event/core/point_rows.hpp"
#include "analysis/rare_event/population_audit.hpp"
#include "analysis/rare_event/search/failure_regions.hpp"
#include "analysis/rare_event/search/typical_failures.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr std::size_t most_explained = 6;   // of the draws that fail: looked into
constexpr std::size_t most_remembered = 8;  // of the failures met before
constexpr std::size_t most_unreached = 6;   // of them, after an estimate by chains
constexpr std::size_t most_repeats = 4;     // asked for each of them, where all are joined to it
constexpr int short_chain = 24;             // where there is less to spend
constexpr std::size_t newcomer_lines = 16;  // through a region that the estimate does not know
constexpr double wanted_chance = 0.95;      // that an unknown half-space is met
constexpr double least_own_lines = 4.0;     // effective ones, of these
constexpr double same_way = 0.98;           // cosine
constexpr double clearly_passes = 0.5;      // short of a root, sigma
constexpr int most_steps = 4;               // of this size
constexpr std::size_t most_chained = 1;     // of those that an arc joins: more of them found nothing more
constexpr int chain_steps = 48;             // to where failures typically lie
constexpr double most_missing = 0.15;       // of P: more than this is not a matter of a wider interval
constexpr double part_not_told = 0.25;      // of P
constexpr double little_of_p = 0.05;        // cannot be what an estimate lacks

double audit_scale(const std::vector<LineRegion>& regions) {
  return std::clamp(nearest_offset(regions) / 1.3, 1.5, 4.5);
}

// Draws that all regions let pass; fewer than `count` where nearly every draw is predicted to fail. `skipped`
// counts those that were.
Matrix passing_draws(EstimatorSession& session, const std::vector<LineRegion>& regions, std::size_t count,
                     std::size_t& skipped) {
  const double scale = audit_scale(regions);
  std::vector<Vector> passing;
  for (std::size_t tries = 0; tries < 50 * count && passing.size() < count; ++tries) {
    Vector x = scale * session.random().normal_vector(session.ledger().dimension());
    if (predicted_to_fail(regions, x)) {
      ++skipped;
    } else {
      passing.push_back(std::move(x));
    }
  }
  return as_rows(passing, session.ledger().dimension());
}

// A boundary point where the plane with its bend, as accurate as it is, says that the boundary is.
bool on_bent_plane(const SearchResult& search, const Vector& boundary) {
  if (!search.planar || search.plane->error > 0.1 * search.plane->at_origin) return false;
  return !search.plane->is_surprised_by(boundary);
}

// From x back along its region's direction to where region and plane predict a clear pass; x where they do at x.
Vector stepped_back(const SearchResult& search, const std::vector<LineRegion>& regions, const Vector& x) {
  const LineRegion& region = regions[furthest_along(regions, x)];
  const double along = region.direction.dot(x);
  const double expected = region.root.predict(x - along * region.direction);
  const double clear = expected - std::max(clearly_passes, 4.0 * std::max(region.root.spread, search.noise));
  Vector back = x + std::min(0.0, clear - along) * region.direction;
  for (int i = 0; i < most_steps && on_bent_plane(search, back); ++i)
    back -= clearly_passes * region.direction;
  return back;
}

// Without those that fail just short of where their region is expected to, where a step back shows the end of its failures:
// they are no evidence against it. Where it does not, the point there takes their place.
std::vector<Vector> clearly_short(EstimatorSession& session, const SearchResult& search,
                                  const std::vector<LineRegion>& regions, std::vector<Vector> failing) {
  if (regions.empty()) return failing;
  std::vector<Vector> rest;
  for (Vector& x : failing) {
    Vector back = stepped_back(search, regions, x);
    if (back == x || session.ledger().evaluate_one(back, Purpose::audit).failed)
      rest.push_back(std::move(back));
  }
  return rest;
}

// What lies no nearer to the origin than x holds of all probability at most.
double most_beyond(const Vector& x) {
  return boost::math::gamma_q(0.5 * static_cast<double>(x.size()), 0.5 * x.squaredNorm());
}

// Where the search found one plane only, arcs of failures lead to it from nearly everywhere far out, where every coordinate
// is large. Those that its region clearly lets pass must also, brought to where such failures typically lie, fail as
// expected there: what bends away from the plane does. Where a chain ends so far out that little of P can lie there, it says
// nothing.
std::vector<Vector> beside_the_plane(EstimatorSession& session, const SearchResult& search,
                                     const std::vector<LineRegion>& regions, std::vector<Vector> failing) {
  const double nearest = nearest_offset(regions);
  const auto expected = [&](const Vector& x) {
    return predicted_to_fail(regions, x) || stepped_back(search, regions, x) != x;
  };
  failing = typical_failures(session.ledger(), std::move(failing), regions, {chain_steps, expected},
                             session.random(), Purpose::audit);
  std::erase_if(failing, [&](const Vector& x) {
    return expected(x) || most_beyond(x) < little_of_p * normal_tail(nearest);
  });
  return failing;
}

// The boundary points on the rays of `failing` that no region accounts for.
std::vector<Vector> explain(EstimatorSession& session, const SearchResult& search,
                            const std::vector<LineRegion>& regions, std::vector<Vector> failing,
                            std::size_t& bent) {
  RegionFinder finder(session.ledger(), session.random(), true, session.options().max_regions,
                      Purpose::audit);
  finder.regions() = regions;
  finder.expect_noise(search.noise, true);
  // An arc does for those that fail near where their region is expected to, and where there are several regions.
  std::vector<Vector> clear, near;
  for (Vector& x : failing) {
    const bool passes = search.planar && !regions.empty() && stepped_back(search, regions, x) == x;
    (passes ? clear : near).push_back(std::move(x));
  }
  std::vector<Vector> open = finder.unexplained(near);
  std::vector<Vector> ends;
  std::size_t by_arc = 0;
  for (Vector& x : finder.unexplained_by_regions(clear)) {
    const bool joined = finder.joined_by_arc(x);
    by_arc += joined ? 1 : 0;
    if (!joined) {
      open.push_back(std::move(x));
    } else if (ends.size() < most_chained) {
      ends.push_back(std::move(x));
    }
  }
  if (by_arc > 0) ends = beside_the_plane(session, search, regions, std::move(ends));
  bent += by_arc - ends.size();
  open.insert(open.end(), ends.begin(), ends.end());
  bent += finder.bent();
  std::erase_if(open, [&](const Vector& x) {
    if (!predicted_to_fail(regions, x) && !on_bent_plane(search, x)) return false;
    return regions.empty() ||
           !session.ledger().evaluate_one(stepped_back(search, regions, x), Purpose::audit).failed;
  });
  return open;
}

double cosine(const Vector& a, const Vector& b) { return a.dot(b) / (a.norm() * b.norm()); }

// As different in direction as they come, and one of each: the differences around a point, and a walk to it, are of one failure.
std::vector<Vector> different(const std::vector<const Vector*>& points, std::size_t most) {
  std::vector<Vector> chosen;
  std::vector<double> nearest(points.size(), -2.0);  // cosine to those chosen
  while (chosen.size() < std::min(most, points.size())) {
    const auto next =
        static_cast<std::size_t>(std::min_element(nearest.begin(), nearest.end()) - nearest.begin());
    if (nearest[next] > same_way) break;
    chosen.push_back(*points[next]);
    for (std::size_t i = 0; i < points.size(); ++i)
      nearest[i] = std::max(nearest[i], cosine(*points[i], chosen.back()));
  }
  return chosen;
}

// Failures met before that no region predicts: first those that it lets pass clearly.
std::vector<Vector> open_failures(const EvaluationLedger& ledger, const SearchResult& search,
                                  const std::vector<LineRegion>& regions) {
  std::vector<const Vector*> clear, near;
  for (const Vector& x : ledger.met_failures()) {
    if (!(x.norm() > 0.0) || predicted_to_fail(regions, x) || on_bent_plane(search, x)) continue;
    (regions.empty() || stepped_back(search, regions, x) == x ? clear : near).push_back(&x);
  }
  std::vector<Vector> open = different(clear, most_remembered);
  for (Vector& x : different(near, most_remembered - open.size())) open.push_back(std::move(x));
  return open;
}

// The rows whose directions are nearest to that of x.
std::vector<Vector> nearest_rows(const Matrix& rows, const Vector& x, std::size_t count) {
  std::vector<Eigen::Index> order(static_cast<std::size_t>(rows.rows()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  count = std::min(count, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
      [&](Eigen::Index a, Eigen::Index b) { return cosine(rows.row(a), x) > cosine(rows.row(b), x); });
  std::vector<Vector> nearest;
  for (std::size_t i = 0; i < count; ++i) nearest.push_back(rows.row(order[i]));
  return nearest;
}

// The region's own lines: what they say it holds, nothing where they see too little of it.
std::optional<double> weigh(const std::vector<LineResult>& lines, std::size_t region, double log_scale) {
  double sum = 0.0, squares = 0.0, count = 0.0;
  for (const LineResult& line : lines) {
    if (line.region != region) continue;
    const double value = std::exp(line.log_value - log_scale);
    sum += value;
    squares += value * value;
    count += 1.0;
  }
  if (!(sum > 0.0) || sum * sum / squares < least_own_lines) return std::nullopt;
  return sum / count;
}

}  // namespace

std::uint64_t audit_runs(const EstimatorSession& session, const PlainLook& look, const Estimator& estimator) {
  if (look.origin.failed || !estimator.needs_regions()) return 0;
  const std::uint64_t used = session.ledger().counts().total();
  // As many as meet, with all looks so far, a half-space as far out as the nearest region.
  const std::vector<LineRegion>& regions = estimator.regions();
  const std::uint64_t wanted = regions.empty()
                                   ? 0
                                   : draws_to_meet(session.ledger().looks(), nearest_offset(regions),
                                                   audit_scale(regions), wanted_chance);
  return std::min(std::max(std::clamp<std::uint64_t>(used / 12, 30, 150), wanted),
                  session.ledger().remaining() / 5);
}

AuditFinding audit_regions(EstimatorSession& session, const SearchResult& search,
                           const std::vector<LineRegion>& regions, std::uint64_t runs, double log_p,
                           const AccountsFor& accounts_for) {
  AuditFinding finding;
  const std::uint64_t before = session.ledger().counts().total();
  std::vector<Vector> remembered = open_failures(session.ledger(), search, regions);
  drop_accounted(accounts_for, remembered);
  if (!search.planar && regions.size() == 1)
    finding.beside =
        static_cast<std::size_t>(std::count_if(remembered.begin(), remembered.end(), [&](const Vector& x) {
          return stepped_back(search, regions, x) == x;
        }));
  try {
    const Matrix points = passing_draws(session, regions, runs, finding.predicted);
    const std::vector<Evaluated> outcomes = session.ledger().evaluate(points, Purpose::audit);
    session.ledger().count_draws(audit_scale(regions), outcomes);
    std::vector<Vector> failing;
    for (std::size_t i = 0; i < outcomes.size(); ++i)
      if (outcomes[i].failed) failing.push_back(points.row(static_cast<Eigen::Index>(i)));
    finding.passing = outcomes.size();
    finding.failures = failing.size();
    drop_accounted(accounts_for, failing);
    if (failing.size() > most_explained) failing.resize(most_explained);
    finding.examined = failing.size();
    // Unexplained until they are explained, should the budget end on the way.
    finding.unexplained = failing;
    finding.unexplained.insert(finding.unexplained.end(), remembered.begin(), remembered.end());
    finding.unexplained_draws = failing.size();
    const auto explained = [&](const std::vector<Vector>& asked) {
      std::vector<Vector> open =
          explain(session, search, regions, clearly_short(session, search, regions, asked), finding.bent);
      drop_accounted(accounts_for, open);
      return open;
    };
    const std::vector<Vector> fresh = explained(failing);
    const std::vector<Vector> old = explained(remembered);
    const Forgotten forgotten = forgotten_failures(session, search, regions, log_p, accounts_for);
    finding.forgotten_share = forgotten.share;
    finding.forgotten = !forgotten.points.empty();
    finding.unexplained_draws = fresh.size();
    finding.unexplained = fresh;
    finding.unexplained.insert(finding.unexplained.end(), forgotten.points.begin(), forgotten.points.end());
    finding.unexplained.insert(finding.unexplained.end(), old.begin(), old.end());
  } catch (const BudgetSpent&) {
    session.note("the budget ended during the audit");
  }
  session.note(fmt::format(
      "audit: {} runs, {} draws at {:.1f} sigma that every region lets pass, {} failed, {} unexplained; of "
      "{} failures "
      "met before that no region predicts, {} unexplained",
      session.ledger().counts().total() - before, finding.passing, audit_scale(regions), finding.failures,
      finding.unexplained_draws, remembered.size(), finding.unexplained.size() - finding.unexplained_draws));
  return finding;
}

namespace {

// Does an arc of failures lead from x to where that repeat ended?
bool reaches(RegionFinder& finder, const Matrix& ends, const Vector& x) {
  const std::vector<Vector> near = nearest_rows(ends, x, 1);
  return !near.empty() && finder.connected(x, near.front());
}

// Among many like regions each repeat finds a few; then most ends are joined to none of other repeats.
bool ends_stand_apart(EstimatorSession& session, RegionFinder& finder, const std::vector<Matrix>& ends) {
  std::size_t apart = 0;
  for (std::size_t i = 0; i < most_unreached; ++i) {
    const Matrix& own = ends[i % ends.size()];
    const Vector end =
        own.row(static_cast<Eigen::Index>(session.random().pick(static_cast<std::size_t>(own.rows()))));
    apart += std::none_of(ends.begin(), ends.end(),
                          [&](const Matrix& other) { return &other != &own && reaches(finder, other, end); });
  }
  return 2 * apart >= most_unreached;
}

}  // namespace

std::uint64_t reach_runs(std::uint64_t left) {
  return std::clamp<std::uint64_t>(left / 20, least_reach_runs,
                                   least_reach_runs + most_unreached * short_chain);
}

ChainReach reach_of_chains(EstimatorSession& session, const SearchResult& search,
                           const std::vector<Matrix>& ends, std::uint64_t runs) {
  RegionFinder finder(session.ledger(), session.random(), true, session.options().max_regions,
                      Purpose::audit);
  std::vector<const Vector*> met, open;
  for (const Vector& x : search.unexplained) open.push_back(&x);
  for (const Vector& x : session.ledger().met_failures())
    if (x.norm() > 0.0) met.push_back(&x);
  std::vector<Vector> asked = different(open, most_unreached / 2);
  std::vector<Vector> others = different(met, most_unreached - asked.size());
  const auto steps = static_cast<int>((runs - std::min(runs, least_reach_runs)) / most_unreached);
  if (!search.regions.empty())
    others = typical_failures(session.ledger(), std::move(others), search.regions, {steps, nullptr},
                              session.random(), Purpose::audit);
  for (Vector& x : others) asked.push_back(std::move(x));
  ChainReach reach;
  for (const Vector& x : finder.to_boundary(asked)) {
    std::size_t joined = 0, apart = 0;
    for (std::size_t i = 0; i < ends.size() && joined < most_repeats && (joined == 0 || apart == 0); ++i)
      ++(reaches(finder, ends[i], x) ? joined : apart);
    reach.by_none += joined == 0 ? 1 : 0;
    reach.by_some += joined > 0 && apart > 0 ? 1 : 0;
  }
  if (reach.by_none + reach.by_some > 0 && ends_stand_apart(session, finder, ends)) return {};
  return reach;
}

double AuditFinding::unseen_share() const {
  if (examined == 0) return 0.0;
  const double unexplained_failures =
      static_cast<double>(failures) * static_cast<double>(unexplained_draws) / static_cast<double>(examined);
  return unexplained_failures / static_cast<double>(predicted + failures);
}

void allow_for_a_part(const AuditFinding& finding, RareEventSummary& summary) {
  if (summary.status == TailStatus::estimated && finding.may_lack_a_part())
    summary.log_p_high = std::min(0.0, summary.log_p_high + std::log1p(part_not_told));
}

double missing_share(EstimatorSession& session, const std::vector<LineRegion>& regions,
                     const AuditFinding& finding, double log_p) {
  RegionFinder finder(session.ledger(), session.random(), true, session.options().max_regions + 4,
                      Purpose::audit);
  finder.regions() = regions;
  finder.count_found(1);
  // Among many like regions a population ends in a few: there lines tell more.
  if (regions.size() < many_regions && finding.forgotten_share > 0.0)
    return finding.forgotten_share / (1.0 - std::min(0.99, finding.forgotten_share));
  try {
    finder.add(finding.unexplained, true, 4);
    const bool built = finder.regions().size() > regions.size();
    if (!finder.all_placed() || (finding.forgotten && !built)) return 1.0;
    std::vector<std::size_t> counts(finder.regions().size(), newcomer_lines);
    std::fill_n(counts.begin(), regions.size(), 0);
    LineOptions options;
    options.log_scale = log_p;
    const std::vector<LineResult> lines =
        sample_lines(session.ledger(), finder.regions(), counts, options, session.random(), Purpose::audit);
    double missing = 0.0;
    for (std::size_t k = regions.size(); k < counts.size(); ++k)
      missing += weigh(lines, k, log_p).value_or(1.0);
    return missing;
  } catch (const BudgetSpent&) {
    return 1.0;
  }
}

void audit_against_rays(const SearchResult& search, RareEventSummary& summary) {
  if (!search.rays || summary.status != TailStatus::estimated) return;
  const double noise =
      std::hypot(search.rays->coefficient_of_variation, summary.diagnostics.coefficient_of_variation);
  if (noise < 0.5 && search.rays->log_p > summary.log_p + 3.0 * noise)
    refuse(summary, "rays see clearly more: a region was missed");
}

void allow_for_missing(EstimatorSession& session, const std::vector<LineRegion>& regions,
                       const AuditFinding& finding, RareEventSummary& summary) {
  if (!finding.contradicts()) return;
  const double missing = missing_share(session, regions, finding, summary.log_p);
  session.note(fmt::format("what the audit met may hold {:.3f} of P", missing));
  if (missing > most_missing)
    return refuse(summary, fmt::format("{} failures were met that belong to no region of the estimate",
                                       finding.unexplained.size()));
  summary.log_p_high = std::min(0.0, summary.log_p_high + std::log1p(2.0 * missing));
}

void note_estimate(const RareEventSummary& summary, SearchResult& search) {
  if (summary.status == TailStatus::estimated)
    search.log_p_at_least = std::max(search.log_p_at_least, summary.log_p_low);
}

void audit_against_others(const SearchResult& search, RareEventSummary& summary) {
  if (summary.status == TailStatus::estimated && summary.log_p_high < search.log_p_at_least)
    refuse(summary, "an estimate by another engine saw clearly more");
}

void audit_against_subset(const SearchResult& search, RareEventSummary& summary) {
  if (!search.subset) return;
  summary.diagnostics.subset_log10_p = search.subset->log_p / std::log(10.0);
  if (summary.status != TailStatus::estimated) return;
  const double gap = search.subset->log_p - summary.log_p;
  const double own = 0.25 * (summary.log_p_high - summary.log_p_low);  // standard deviation
  summary.diagnostics.subset_alarm = std::abs(gap) > 3.0 * std::hypot(search.subset->log_sd, own);
  if (summary.diagnostics.subset_alarm && gap > 0.0)
    refuse(summary, "subset simulation sees clearly more: a region was missed");
}

}  // namespace flare::analysis
