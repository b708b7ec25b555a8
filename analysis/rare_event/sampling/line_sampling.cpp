#include "analysis/rare_event/sampling/line_sampling.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "analysis/rare_event/core/root_search.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double defense = 0.15;  // share of N(0, I) in the hyperplane
constexpr std::size_t scan_points = 12;

// Below it a standard normal holds less than 1e-15: a line that fails from here on fails all along.
constexpr double lowest = -8.0;

double cell_floor(const std::vector<LineRegion>& regions, std::size_t k, const engine::Vector& x) {
  double floor = lowest;
  for (std::size_t j = 0; j < regions.size(); ++j) {
    if (j == k) continue;
    const double cosine = regions[j].direction.dot(regions[k].direction);
    floor = std::max(floor, regions[j].direction.dot(x) / std::max(1e-9, 1.0 - cosine));
  }
  return floor;
}

// The t above which a standard normal has e^-15 of the probability it has above `t`.
double negligible_beyond(double t) { return upper_tail_quantile(log_upper_tail(t) - 15.0); }

// A standard normal conditioned on [low, high].
double draw_between(double low, double high, NormalStream& random) {
  const double a = log_upper_tail(low), b = std::isfinite(high) ? log_upper_tail(high) : -infinity;
  const double u = random.uniform();
  return upper_tail_quantile(log_sum(std::log(u) + a, std::log1p(-u) + b));
}

struct Line {
  LineResult result;
  double floor = 0.0;
  double ceiling = 0.0;              // failures beyond it do not matter
  bool searched = false;             // its largest possible value is worth runs
  std::optional<RootSearch> search;  // none where it is scanned
};

// One number of each n-th of [0, 1), in random order. Among few lines drawn at random the defensive share of a law, which
// alone sees what the law has lost, would often be missing.
std::vector<double> spread_evenly(std::size_t n, NormalStream& random) {
  std::vector<double> u(n);
  for (std::size_t i = 0; i < n; ++i)
    u[i] = (static_cast<double>(i) + random.uniform()) / static_cast<double>(n);
  for (std::size_t i = n; i > 1; --i) std::swap(u[i - 1], u[random.pick(i)]);
  return u;
}

void set_cell(const std::vector<LineRegion>& regions, Line& line) {
  line.floor = cell_floor(regions, line.result.region, line.result.x);
  const double offset = regions[line.result.region].root.offset;
  line.ceiling = std::max(negligible_beyond(std::max(offset, 0.0)), line.floor + 0.5);
}

void search_in_step(EvaluationLedger& ledger, const std::vector<LineRegion>& regions,
                    std::vector<Line>& lines, Purpose purpose) {
  for (;;) {
    std::vector<Line*> active;
    for (Line& line : lines)
      if (line.search && !line.search->done()) active.push_back(&line);
    if (active.empty()) return;
    engine::Matrix points(static_cast<Eigen::Index>(active.size()), ledger.dimension());
    for (std::size_t i = 0; i < active.size(); ++i) {
      const LineResult& r = active[i]->result;
      points.row(static_cast<Eigen::Index>(i)) =
          r.x + active[i]->search->next() * regions[r.region].direction;
    }
    const std::vector<Evaluated> outcomes = ledger.evaluate(points, purpose);
    for (std::size_t i = 0; i < active.size(); ++i) active[i]->search->tell(outcomes[i]);
  }
}

// One random point for every bracket that is still open.
void finish_brackets(EvaluationLedger& ledger, const std::vector<LineRegion>& regions,
                     std::vector<Line>& lines, NormalStream& random, Purpose purpose) {
  std::vector<Line*> open;
  for (Line& line : lines)
    if (line.search && line.search->open()) open.push_back(&line);
  if (open.empty()) return;
  engine::Matrix points(static_cast<Eigen::Index>(open.size()), ledger.dimension());
  for (std::size_t i = 0; i < open.size(); ++i) {
    const RootSearch& search = *open[i]->search;
    const double t = draw_between(search.low(), search.high(), random);
    points.row(static_cast<Eigen::Index>(i)) =
        open[i]->result.x + t * regions[open[i]->result.region].direction;
  }
  const std::vector<Evaluated> outcomes = ledger.evaluate(points, purpose);
  for (std::size_t i = 0; i < open.size(); ++i)
    open[i]->result.root = outcomes[i].failed ? open[i]->search->low() : open[i]->search->high();
}

// A point to look at once more: where, and ln of what a contradiction there stands for, before the line's weight.
struct Check {
  Line* line = nullptr;
  bool beyond = false;
  double t = 0.0;
  double log_mass = 0.0;
};

constexpr double log_root_two_pi = 0.918938533204672742;
constexpr double far_beyond =
    1.5;  // sigma beyond the root: a piece that ends farther out has lost next to nothing
constexpr double far_short = 2.0;  // sigma short of the root, or of where it was expected

double log_density_of_normal(double t) { return -0.5 * t * t - log_root_two_pi; }

// Half in proportion to probability; half evenly, which finds a piece of failures that ends before long.
Check look_beyond(Line& line, double high, NormalStream& random) {
  const bool evenly = random.uniform() < 0.5;
  const double t = evenly ? high + far_beyond * random.uniform() : draw_between(high, infinity, random);
  const double even = t < high + far_beyond ? 0.5 / far_beyond : 0.0;
  const double log_density =
      log_sum(std::log(0.5) + log_density_of_normal(t) - log_upper_tail(high), std::log(even));
  return {&line, true, t, log_density_of_normal(t) - log_density};
}

// Where along a line to look for failures, over the whole of [reach, top]: most often around where its root was
// expected, constant in up to three bands.
class LookLaw {
 public:
  LookLaw(double reach, double expected, double top) : edges_{reach, top, top, top}, shares_{1.0, 0.0, 0.0} {
    const double low = std::clamp(expected - 0.8, reach, top), high = std::clamp(expected + 1.0, reach, top);
    if (high - low < 0.1) return;
    edges_ = {reach, low, high, top};
    shares_ = {low > reach ? 0.15 : 0.0, 0.7, top > high ? 0.15 : 0.0};
    const double sum = shares_[0] + shares_[1] + shares_[2];
    for (double& share : shares_) share /= sum;
  }
  /// Where the distribution function is u.
  double quantile(double u) const {
    std::size_t i = 0;
    while (i < 2 && u > shares_[i]) u -= shares_[i++];
    while (i > 0 && !(shares_[i] > 0.0)) u = shares_[--i];
    return edges_[i] + (edges_[i + 1] - edges_[i]) * u / shares_[i];
  }
  double density(double t) const {
    const std::size_t i = t < edges_[1] ? 0 : (t < edges_[2] ? 1 : 2);
    return shares_[i] / std::max(1e-300, edges_[i + 1] - edges_[i]);
  }

 private:
  std::array<double, 4> edges_;
  std::array<double, 3> shares_;
};

// Where a line passes the boundary by, it failed there at most.
double reach_of(const Line& line, double top, double expected) {
  return std::max(line.floor, std::min(top, expected) - far_short);
}

Check look_short(Line& line, double reach, double top, double expected, NormalStream& random) {
  const LookLaw law(reach, expected, top);
  const double t = law.quantile(random.uniform());
  return {&line, false, t, log_density_of_normal(t) - std::log(law.density(t))};
}

struct Scan {
  std::vector<double> at, log_mass;  // of each look, `scan_points` a line
  std::vector<Evaluated> outcomes;
};

// At evenly spread quantiles of each line's law of looks, from a random start.
Scan scan(EvaluationLedger& ledger, const std::vector<LineRegion>& regions, const std::vector<Line*>& lines,
          NormalStream& random, Purpose purpose) {
  engine::Matrix points(static_cast<Eigen::Index>(lines.size() * scan_points), ledger.dimension());
  Scan made;
  for (const Line* line : lines) {
    const LineRegion& region = regions[line->result.region];
    const double expected = region.root.predict(line->result.x);
    const LookLaw law(reach_of(*line, line->ceiling, expected), expected, line->ceiling);
    const double start = random.uniform();
    for (std::size_t i = 0; i < scan_points; ++i) {
      const double t = law.quantile((static_cast<double>(i) + start) / static_cast<double>(scan_points));
      points.row(static_cast<Eigen::Index>(made.at.size())) = line->result.x + t * region.direction;
      made.at.push_back(t);
      made.log_mass.push_back(log_density_of_normal(t) -
                              std::log(law.density(t) * static_cast<double>(scan_points)));
    }
  }
  made.outcomes = ledger.evaluate(points, purpose);
  return made;
}

// Regions that fail in pieces: what fails of a line, without a root. Unbiased whatever the pieces are.
void scan_lines(EvaluationLedger& ledger, const std::vector<LineRegion>& regions,
                const std::vector<Line*>& lines, NormalStream& random, Purpose purpose) {
  if (lines.empty()) return;
  const Scan made = scan(ledger, regions, lines, random, purpose);
  for (std::size_t i = 0; i < made.outcomes.size(); ++i) {
    if (!made.outcomes[i].failed) continue;
    LineResult& line = lines[i / scan_points]->result;
    line.root = std::min(line.root, made.at[i]);
    line.log_scanned = log_sum(line.log_scanned, made.log_mass[i]);
  }
}

std::optional<Check> choose_check(Line& line, const LineRegion& region, double share, NormalStream& random) {
  if (!line.search || random.uniform() >= share) return std::nullopt;
  // Bounds of the two sides; brackets were already finished without bias.
  const double clear = 6.0 * region.noise;  // within it noise decides
  const double high = (line.search->open() ? line.search->high() : line.result.root) + clear;
  const double low = (line.search->open() ? line.search->low() : line.result.root) - clear;
  const double top = std::min(low, line.ceiling), expected = region.root.predict(line.result.x);
  const double reach = reach_of(line, top, expected);
  const bool can_short = top > reach && line.result.root_free, can_beyond = std::isfinite(high);
  if (!can_short && !can_beyond) return std::nullopt;
  const bool beyond = can_beyond && (!can_short || random.uniform() < 0.5);
  Check check = beyond ? look_beyond(line, high, random) : look_short(line, reach, top, expected, random);
  check.log_mass -= std::log(share * (can_short && can_beyond ? 0.5 : 1.0));
  return check;
}

// The share of lines that is looked at once more, half beyond the root and half short of it.
void check_lines(EvaluationLedger& ledger, const std::vector<LineRegion>& regions, std::vector<Line>& lines,
                 const LineOptions& options, NormalStream& random, Purpose purpose) {
  std::vector<Check> checks;
  for (Line& line : lines)
    if (const auto check = choose_check(line, regions[line.result.region], options.check_share, random))
      checks.push_back(*check);
  if (checks.empty()) return;
  engine::Matrix points(static_cast<Eigen::Index>(checks.size()), ledger.dimension());
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const LineResult& line = checks[i].line->result;
    points.row(static_cast<Eigen::Index>(i)) = line.x + checks[i].t * regions[line.region].direction;
  }
  const std::vector<Evaluated> outcomes = ledger.evaluate(points, purpose);
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const Check& check = checks[i];
    if (outcomes[i].failed == check.beyond) continue;
    const double size = std::exp(check.log_mass + check.line->result.log_weight - options.log_scale);
    check.line->result.correction += check.beyond ? -size : size;
  }
}

// A line through x of the hyperplane, not searched yet.
Line begin_line(const std::vector<LineRegion>& regions, std::size_t k, engine::Vector x,
                const LineOptions& options, NormalStream& random) {
  const LineRegion& region = regions[k];
  Line line;
  line.result.region = k;
  line.result.x = std::move(x);
  line.result.log_weight = region.law.log_weight(line.result.x);
  set_cell(regions, line);
  const double start = region.root.predict(line.result.x);
  if (options.reach > 0.0) line.ceiling = std::max(start, line.floor) + options.reach;
  line.result.root = infinity;
  line.result.log_scale = options.log_scale;
  line.searched = line.result.log_weight + log_upper_tail(line.floor) > options.log_negligible;
  if (!line.searched || region.in_pieces) return line;
  const double step = std::clamp(2.0 * region.root.spread, 0.15, 1.0);
  line.search.emplace(start, line.floor, line.ceiling, region.steepness, step, options.tolerance,
                      options.max_steps);
  if (region.noise > 0.0) line.search->expect_noise(region.noise, 2.0 * random.uniform() - 1.0);
  return line;
}

void read_search(const std::vector<LineRegion>& regions, Line& line) {
  if (!line.search) return;
  line.result.root = line.search->root();
  line.result.root_free = line.search->root_free();
  line.result.steepness = line.search->seen_steepness();
  line.result.root_error += 6.0 * regions[line.result.region].noise;
  if (line.search->open()) line.result.root_error = line.search->high() - line.search->low();
}

std::vector<LineResult> searched(EvaluationLedger& ledger, const std::vector<LineRegion>& regions,
                                 std::vector<Line> lines, const LineOptions& options, NormalStream& random,
                                 Purpose purpose) {
  std::vector<Line*> scanned;
  for (Line& line : lines)
    if (line.searched && !line.search) scanned.push_back(&line);
  scan_lines(ledger, regions, scanned, random, purpose);
  search_in_step(ledger, regions, lines, purpose);
  for (Line& line : lines) read_search(regions, line);
  finish_brackets(ledger, regions, lines, random, purpose);
  if (options.check_share > 0.0) check_lines(ledger, regions, lines, options, random, purpose);
  std::vector<LineResult> results;
  results.reserve(lines.size());
  for (Line& line : lines) {
    const double tail = line.search && std::isfinite(line.result.root) ? log_upper_tail(line.result.root)
                                                                       : line.result.log_scanned;
    line.result.log_value = std::isfinite(tail) ? line.result.log_weight + tail : -infinity;
    results.push_back(std::move(line.result));
  }
  return results;
}

}  // namespace

LineRegion::LineRegion(const engine::Vector& a, double beta)
    : direction(a / a.norm()), law(a.size(), direction, defense), most_probable_point(direction * beta) {
  root.offset = beta;
  root.slope = engine::Vector::Zero(a.size());
}

std::size_t furthest_along(const std::vector<LineRegion>& regions, const engine::Vector& x) {
  std::size_t best = 0;
  double reach = -1e300;
  for (std::size_t k = 0; k < regions.size(); ++k) {
    const double along = regions[k].direction.dot(x);
    if (along > reach) {
      reach = along;
      best = k;
    }
  }
  return best;
}

double nearest_offset(const std::vector<LineRegion>& regions) {
  double distance = 1e300;
  for (const LineRegion& region : regions) distance = std::min(distance, region.root.offset);
  return distance;
}

bool predicted_to_fail(const std::vector<LineRegion>& regions, const engine::Vector& x) {
  return std::any_of(regions.begin(), regions.end(), [&](const LineRegion& region) {
    const double along = region.direction.dot(x);
    const engine::Vector across = x - along * region.direction;
    return along > region.root.predict(across) - 3.0 * region.root.spread;
  });
}

engine::Vector behind_root(const LineResult& line, const LineRegion& region, NormalStream& random) {
  const double beyond = -std::log(1.0 - random.uniform()) / std::max(1.0, std::abs(line.root));
  return line.x + (line.root + beyond) * region.direction;
}

std::vector<LineResult> sample_lines(EvaluationLedger& ledger, const std::vector<LineRegion>& regions,
                                     const std::vector<std::size_t>& counts, const LineOptions& options,
                                     NormalStream& random, Purpose purpose) {
  std::vector<Line> lines;
  for (std::size_t k = 0; k < regions.size(); ++k)
    for (const double u : spread_evenly(counts[k], random))
      lines.push_back(begin_line(regions, k, regions[k].law.draw(u, random), options, random));
  return searched(ledger, regions, std::move(lines), options, random, purpose);
}

std::vector<LineResult> lines_through(EvaluationLedger& ledger, const std::vector<LineRegion>& regions,
                                      const engine::Matrix& points, const LineOptions& options,
                                      NormalStream& random, Purpose purpose) {
  std::vector<Line> lines;
  for (Eigen::Index i = 0; i < points.rows(); ++i) {
    const engine::Vector point = points.row(i);
    const std::size_t k = furthest_along(regions, point);
    lines.push_back(begin_line(regions, k, regions[k].law.project(point), options, random));
  }
  return searched(ledger, regions, std::move(lines), options, random, purpose);
}

void find_pieces(EvaluationLedger& ledger, std::vector<LineRegion>& regions,
                 const std::vector<LineResult>& lines, NormalStream& random, Purpose purpose) {
  constexpr double reach = 1.0;  // sigma short of the root: what fails farther short is a nearer region
  engine::Matrix points(static_cast<Eigen::Index>(lines.size()), ledger.dimension());
  std::vector<double> log_mass;
  std::vector<std::size_t> of;
  double all = 0.0;
  for (const LineResult& line : lines) {
    const LineRegion& region = regions[line.region];
    all += std::exp(line.log_value - line.log_scale);
    const double top = std::min(line.root - line.root_error, region.root.predict(line.x) + 0.5);
    const double low = std::max(top - reach, cell_floor(regions, line.region, line.x));
    if (region.in_pieces || !line.root_free || !(low < top)) continue;
    const double t = low + (top - low) * random.uniform();
    points.row(static_cast<Eigen::Index>(of.size())) = line.x + t * region.direction;
    log_mass.push_back(line.log_weight + log_density_of_normal(t) + std::log(top - low) - line.log_scale);
    of.push_back(line.region);
  }
  if (of.empty()) return;
  const std::vector<Evaluated> outcomes =
      ledger.evaluate(points.topRows(static_cast<Eigen::Index>(of.size())), purpose);
  std::vector<double> short_of_root(regions.size(), 0.0);
  std::vector<int> hits(regions.size(), 0);
  for (std::size_t i = 0; i < of.size(); ++i) {
    if (!outcomes[i].failed) continue;
    short_of_root[of[i]] += std::exp(log_mass[i]);
    ++hits[of[i]];
  }
  for (std::size_t k = 0; k < regions.size(); ++k)
    if (hits[k] > 1 && short_of_root[k] > least_in_pieces * all) regions[k].in_pieces = true;
}

double weight_deficit(const std::vector<LineResult>& lines, std::size_t region) {
  double n = 0.0, sum = 0.0, squares = 0.0;
  for (const LineResult& line : lines) {
    if (line.region != region) continue;
    const double weight = std::exp(line.log_weight);
    n += 1.0;
    sum += weight;
    squares += weight * weight;
  }
  if (n < 10.0) return 0.0;
  const double mean = sum / n, variance = std::max(0.0, squares / n - mean * mean) / (n - 1.0);
  return std::abs(1.0 - mean) < 0.5 ? 0.0 : (1.0 - mean) / std::sqrt(std::max(variance, 1e-12));
}

std::vector<Stratum> line_strata(const std::vector<LineResult>& lines, std::size_t regions,
                                 double log_scale) {
  std::vector<Stratum> strata(regions);
  for (const LineResult& line : lines)
    strata[line.region].values.push_back(std::exp(line.log_value - log_scale) +
                                         line.correction * std::exp(line.log_scale - log_scale));
  return strata;
}

}  // namespace flare::analysis
