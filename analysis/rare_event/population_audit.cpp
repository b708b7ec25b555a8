#include "analysis/rare_event/population_audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/rare_event/core/point_rows.hpp"
#include "analysis/rare_event/estimators/line_population.hpp"
#include "analysis/rare_event/search/typical_failures.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr Eigen::Index few_dimensions = 60;
constexpr double most_forgotten = 0.15;  // of the population
constexpr std::size_t most_asked = 8;
constexpr double least_share = 0.005;   // of what the population says of a region
constexpr double least_carried = 0.3;   // of the share of P that they stand for, by lines
constexpr double largest_value = 10.0;  // of a line, in units of P
constexpr double clearly_short = 0.1;   // of a root, sigma
constexpr double far_short = 0.3;       // of where a line is expected to fail
constexpr int chain_steps = 24;
constexpr double hardly_important = 4.0;  // of ln, below the median of the population

// Evenly chosen among those that differ: chains repeat themselves.
std::vector<Vector> evenly_chosen(std::vector<Vector> points) {
  std::vector<Vector> different;
  for (Vector& x : points)
    if (std::find(different.begin(), different.end(), x) == different.end())
      different.push_back(std::move(x));
  const std::size_t n = different.size(), count = std::min(n, most_asked);
  std::vector<Vector> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(different[i * n / count]);
  return chosen;
}

// Over failures drawn from P itself the mean of a line's value is no less than what the lines hold (E v = (1 + CoV^2) P by
// Jensen's inequality): lines through them that carry clearly less do not see what they stand for.
bool carry_too_little(const std::vector<LineResult>& lines, double share, double log_p) {
  double sum = 0.0;
  for (const LineResult& line : lines) sum += std::exp(line.log_value - log_p);
  return sum / static_cast<double>(lines.size()) < least_carried * share;
}

// Those on lines whose search passes the failure by, or which would decide the estimate alone.
std::vector<Vector> unaccounted(EstimatorSession& session, const std::vector<LineRegion>& regions,
                                const std::vector<Vector>& asked, double share, double log_p) {
  LineOptions options;
  options.log_scale = log_p;
  const std::vector<LineResult> lines =
      lines_through(session.ledger(), regions, as_rows(asked, session.ledger().dimension()), options,
                    session.random(), Purpose::audit);
  if (carry_too_little(lines, share, log_p)) return asked;
  std::vector<Vector> rest;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const LineResult& line = lines[i];
    const double at = regions[line.region].direction.dot(asked[i]);
    const bool missed = line.root > at + std::max(clearly_short, line.root_error);
    if (missed || std::exp(line.log_value - log_p) > largest_value) rest.push_back(asked[i]);
  }
  return rest;
}

bool same_way(const Vector& a, const Vector& b) { return a.dot(b) > 0.98 * a.norm() * b.norm(); }

// How far short of where its line is expected to fail a point lies, sigma.
double shortfall(const std::vector<LineRegion>& regions, const Vector& x) {
  const LineRegion& region = regions[furthest_along(regions, x)];
  const double along = region.direction.dot(x);
  return region.root.predict(x - along * region.direction) - along;
}

// Failures that no region predicts, those first that are farthest short of it; one of each ray.
std::vector<Vector> least_expected(const EvaluationLedger& ledger, const std::vector<LineRegion>& regions,
                                   std::size_t most) {
  std::vector<std::pair<double, const Vector*>> all;
  for (const Vector& x : ledger.met_failures()) {
    if (predicted_to_fail(regions, x) || shortfall(regions, x) < far_short) continue;
    if (std::none_of(all.begin(), all.end(), [&](const auto& other) { return same_way(x, *other.second); }))
      all.emplace_back(shortfall(regions, x), &x);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& u, const auto& v) { return u.first > v.first; });
  std::vector<Vector> chosen;
  for (std::size_t i = 0; i < std::min(most, all.size()); ++i) chosen.push_back(*all[i].second);
  return chosen;
}

// Failures that were met far out, brought to where such failures typically lie, where they matter there.
std::vector<Vector> brought_to_typical(EstimatorSession& session, const SearchResult& search,
                                       const std::vector<LineRegion>& regions) {
  EvaluationLedger& ledger = session.ledger();
  std::vector<Vector> points = least_expected(ledger, regions, most_asked);
  if (points.empty() || ledger.remaining() < points.size() * (chain_steps + 10)) return {};
  const auto expected = [&](const Vector& x) { return shortfall(regions, x) < clearly_short; };
  points = typical_failures(ledger, std::move(points), regions, {chain_steps, expected}, session.random(),
                            Purpose::audit);
  const double least = median_importance(search.subset->failing, regions) - hardly_important;
  std::erase_if(points, [&](const Vector& x) {
    return predicted_to_fail(regions, x) || log_importance(regions, x) < least;
  });
  return points;
}

// Of the population, in each region's cell.
std::vector<double> shares_of(const Matrix& population, const std::vector<LineRegion>& regions) {
  std::vector<double> shares(regions.size(), 0.0);
  if (regions.empty()) return shares;
  for (const auto& row : population.rowwise())
    shares[furthest_along(regions, row.transpose())] += 1.0 / static_cast<double>(population.rows());
  return shares;
}

// The estimate gives the region of x far less than the population does. Among many like regions a population ends in a
// few, and that says nothing.
bool holds_little(const std::vector<LineRegion>& regions, const std::vector<double>& in_region,
                  const Vector& x) {
  if (regions.empty() || regions.size() >= many_regions) return false;
  const std::size_t k = furthest_along(regions, x);
  return regions[k].share < least_share * in_region[k];
}

// Of an estimate exp(log_p): the points in it that lines of the regions do not account for.
Forgotten of_population(EstimatorSession& session, const SearchResult& search,
                        const std::vector<LineRegion>& regions, double log_p,
                        const AccountsFor& accounts_for) {
  std::vector<Vector> open;
  const std::vector<double> in_region = shares_of(search.subset->failing, regions);
  for (const auto& row : search.subset->failing.rowwise()) {
    Vector x = row;
    if (!predicted_to_fail(regions, x) || holds_little(regions, in_region, x)) open.push_back(std::move(x));
  }
  drop_accounted(accounts_for, open);
  const double share = static_cast<double>(open.size()) / static_cast<double>(search.subset->failing.rows());
  if (share <= most_forgotten) return {};
  const std::vector<Vector> asked = evenly_chosen(std::move(open));
  Forgotten forgotten;
  forgotten.points = regions.empty() ? asked : unaccounted(session, regions, asked, share, log_p);
  forgotten.share = share * static_cast<double>(forgotten.points.size()) / static_cast<double>(asked.size());
  session.note(
      fmt::format("{:.0f} % of the search's population is predicted to fail by no region; of {} asked "
                  "{} are not in the estimate",
                  100.0 * share, asked.size(), forgotten.points.size()));
  return forgotten.share > most_forgotten ? forgotten : Forgotten{};
}

Forgotten of_met(EstimatorSession& session, const SearchResult& search,
                 const std::vector<LineRegion>& regions, double log_p, const AccountsFor& accounts_for) {
  std::vector<Vector> asked = brought_to_typical(session, search, regions);
  drop_accounted(accounts_for, asked);
  if (asked.empty()) return {};
  Forgotten forgotten{0.0, unaccounted(session, regions, asked, 0.0, log_p)};
  session.note(fmt::format(
      "of {} failures met far out and brought to where such failures lie {} are not in the estimate",
      asked.size(), forgotten.points.size()));
  return forgotten;
}

}  // namespace

void drop_accounted(const AccountsFor& accounts_for, std::vector<Vector>& points) {
  if (accounts_for) std::erase_if(points, accounts_for);
}

Forgotten forgotten_failures(EstimatorSession& session, const SearchResult& search,
                             const std::vector<LineRegion>& regions, double log_p,
                             const AccountsFor& accounts_for) {
  if (!search.subset || session.ledger().dimension() > few_dimensions) return {};
  Forgotten forgotten = of_population(session, search, regions, log_p, accounts_for);
  if (forgotten.points.empty() && !regions.empty())
    forgotten = of_met(session, search, regions, log_p, accounts_for);
  return forgotten;
}

}  // namespace flare::analysis
