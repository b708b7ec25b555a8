#include "analysis/rare_event/estimators/line_population.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "analysis/rare_event/core/point_rows.hpp"
#include "analysis/rare_event/estimators/sample_checks.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr std::size_t most_asked = 20;    // points of the population, and as many other failures
constexpr double clearly_short = 0.1;     // of a root, sigma: a failure that the search along its line missed
constexpr double log_negligible = -4.6;   // of what a line holds: a hundredth
constexpr double hardly_important = 2.0;  // of ln, below the median of the population
constexpr double most_heavy = 0.1;        // of the population, on lines that carry more
constexpr double least_of_expected = 0.02;  // of a mean value over the population

// Rows that differ, evenly chosen, each with the rows that it stands for: chains repeat themselves.
struct Distinct {
  std::vector<engine::Vector> points;
  std::vector<std::size_t> stands_for;
};

Distinct distinct_rows(const engine::Matrix& rows, std::size_t most) {
  Distinct all;
  for (const auto& row : rows.rowwise()) {
    const engine::Vector x = row;
    const auto same = std::find(all.points.begin(), all.points.end(), x);
    if (same == all.points.end()) {
      all.points.push_back(x);
      all.stands_for.push_back(1);
    } else {
      ++all.stands_for[static_cast<std::size_t>(same - all.points.begin())];
    }
  }
  const std::size_t n = all.points.size(), count = std::min(n, most);
  Distinct chosen;
  for (std::size_t i = 0; i < count; ++i) {
    chosen.points.push_back(all.points[i * n / count]);
    chosen.stands_for.push_back(all.stands_for[i * n / count]);
  }
  return chosen;
}

std::vector<LineResult> repeated(const std::vector<LineResult>& lines,
                                 const std::vector<std::size_t>& times) {
  std::vector<LineResult> all;
  for (std::size_t i = 0; i < times.size(); ++i) all.insert(all.end(), times[i], lines[i]);
  return all;
}

// ln P of what lies on a line from `at` on away from the origin: a failure on the other side of it has that side's tail.
double log_behind(double at) { return log_upper_tail(std::abs(at)); }

// Failures short of where their line is expected to fail, and as important as `least`: those first whose lines would
// have the largest values.
std::vector<engine::Vector> least_expected(const std::vector<engine::Vector>& failures,
                                           const std::vector<LineRegion>& regions, double least,
                                           std::size_t most) {
  std::vector<std::pair<double, const engine::Vector*>> all;
  for (const engine::Vector& point : failures) {
    const LineRegion& region = regions[furthest_along(regions, point)];
    const double expected = region.root.predict(region.law.project(point));
    if (expected > region.direction.dot(point) + clearly_short && log_importance(regions, point) > least)
      all.emplace_back(log_value_through(regions, point), &point);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& u, const auto& v) { return u.first > v.first; });
  std::vector<engine::Vector> chosen;
  for (const auto& [value, point] : all) {
    if (chosen.size() == most) break;
    if (chosen.empty() || *point != chosen.back()) chosen.push_back(*point);
  }
  return chosen;
}

double share_of_heavy(const std::vector<LineRegion>& regions, std::vector<LineResult> lines,
                      const std::vector<double>& counts, double log_p) {
  std::size_t heavy = 0;
  weigh_again(regions, lines);
  for (const LineResult& line : lines)
    heavy += line.log_value > log_value_that_decides(log_p, counts[line.region]) ? 1 : 0;
  return lines.empty() ? 0.0 : static_cast<double>(heavy) / static_cast<double>(lines.size());
}

}  // namespace

double log_importance(const std::vector<LineRegion>& regions, const engine::Vector& x) {
  const LineRegion& region = regions[furthest_along(regions, x)];
  return -0.5 * region.law.project(x).squaredNorm() + log_behind(region.direction.dot(x));
}

double log_value_through(const std::vector<LineRegion>& regions, const engine::Vector& x) {
  const LineRegion& region = regions[furthest_along(regions, x)];
  return region.law.log_weight(region.law.project(x)) + log_behind(region.direction.dot(x));
}

double median_importance(const engine::Matrix& failures, const std::vector<LineRegion>& regions) {
  std::vector<double> all;
  for (const auto& row : failures.rowwise()) all.push_back(log_importance(regions, row.transpose()));
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

bool LinePopulation::ask(EvaluationLedger& ledger, const engine::Matrix& population,
                         std::vector<LineRegion>& regions, double log_p, NormalStream& random) {
  const Distinct typical = distinct_rows(population, most_asked);
  std::vector<engine::Vector> asked = typical.points;
  const double least = median_importance(population, regions) - hardly_important;
  for (engine::Vector& x : least_expected(ledger.met_failures(), regions, least, most_asked))
    asked.push_back(std::move(x));
  const engine::Matrix points = as_rows(asked, ledger.dimension());
  LineOptions options;
  options.log_scale = log_p;
  met_ = lines_through(ledger, regions, points, options, random, Purpose::pilot);
  const bool changed = count_missed(points, regions);
  const auto first_other = met_.begin() + static_cast<std::ptrdiff_t>(typical.points.size());
  others_.assign(first_other, met_.end());
  met_ = repeated(met_, typical.stands_for);
  return changed;
}

bool LinePopulation::count_missed(const engine::Matrix& points, std::vector<LineRegion>& regions) {
  std::vector<std::size_t> missed(regions.size(), 0);
  for (std::size_t i = 0; i < met_.size(); ++i) {
    LineResult& line = met_[i];
    const double at = regions[line.region].direction.dot(points.row(static_cast<Eigen::Index>(i)));
    if (!(line.root > at + std::max(clearly_short, line.root_error))) continue;
    if (at < 0.0 && log_behind(at) < log_upper_tail(line.root) + log_negligible) continue;
    line.root = at;
    line.log_value = line.log_weight + log_behind(at);
    ++missed[line.region];
  }
  bool changed = false;
  for (std::size_t k = 0; k < regions.size(); ++k)
    if (missed[k] > 1 && !regions[k].in_pieces) regions[k].in_pieces = changed = true;
  return changed;
}

std::vector<LineResult> LinePopulation::lines() const {
  std::vector<LineResult> lines = met_;
  lines.insert(lines.end(), others_.begin(), others_.end());
  return lines;
}

double LinePopulation::heavy_share(const std::vector<LineRegion>& regions, const std::vector<double>& counts,
                                   double log_p) const {
  return share_of_heavy(regions, met_, counts, log_p);
}

bool LinePopulation::hardly_drawn(const std::vector<LineRegion>& regions, const std::vector<double>& counts,
                                  double log_p) const {
  return heavy_share(regions, counts, log_p) > most_heavy ||
         share_of_heavy(regions, others_, counts, log_p) * static_cast<double>(others_.size()) > 1.5;
}

// Over lines through failures drawn from P the mean value is E v^2 / P of the lines drawn.
bool LinePopulation::decides_nothing(const std::vector<LineRegion>& regions,
                                     const std::vector<LineResult>& drawn, const std::vector<double>& counts,
                                     double log_p) const {
  if (regions.front().direction.size() > most_to_fit) return false;
  double sum = 0.0, squares = 0.0, through_met = 0.0;
  for (const LineResult& line : drawn) {
    const double value = std::exp(line.log_value - log_p);
    sum += value / counts[line.region];
    squares += value * value / counts[line.region];
  }
  std::vector<LineResult> met = met_;
  weigh_again(regions, met);
  for (const LineResult& line : met) through_met += std::exp(line.log_value - log_p);
  return through_met * sum < least_of_expected * squares * static_cast<double>(met.size());
}

}  // namespace flare::analysis
