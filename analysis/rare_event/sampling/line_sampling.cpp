#include "analysis/rare_event/sampling/line_sampling.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "analysis/rare_event/core/root_search.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double defense = 0.15;  // share of N(0, I) in the hyperplane

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
  double ceiling = 0.0;
  std::optional<RootSearch> search;
};

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

// The share of lines that is looked at once more, half beyond the root and half short of it.
void check_lines(EvaluationLedger& ledger, const std::vector<LineRegion>& regions, std::vector<Line>& lines,
                 const LineOptions& options, NormalStream& random, Purpose purpose) {
  struct Check {
    Line* line;
    double log_mass;  // ln of what a contradiction stands for, before the line's weight
    bool beyond;
    double probability;
  };
  std::vector<Check> checks;
  std::vector<engine::Vector> points;
  for (Line& line : lines) {
    if (!line.search || random.uniform() >= options.check_share) continue;
    // Bounds of the two sides; brackets were already finished without bias.
    const double high = line.search->open() ? line.search->high() : line.result.root;
    const double low = line.search->open() ? line.search->low() : line.result.root;
    const double reach = std::max(line.floor, std::min(low, line.ceiling) - 2.0);
    const bool can_short = low > reach && line.result.root_free;
    const bool can_beyond = std::isfinite(high);
    if (!can_short && !can_beyond) continue;
    const bool beyond = can_beyond && (!can_short || random.uniform() < 0.5);
    Check check{&line, 0.0, beyond, options.check_share * (can_short && can_beyond ? 0.5 : 1.0)};
    double t = 0.0;
    if (beyond) {
      t = draw_between(high, infinity, random);
      check.log_mass = log_upper_tail(high);
    } else {
      const double top = std::min(low, line.ceiling);
      t = reach + (top - reach) * random.uniform();
      check.log_mass = -0.5 * t * t - 0.918938533204672742 + std::log(top - reach);
    }
    checks.push_back(check);
    points.push_back(line.result.x + t * regions[line.result.region].direction);
  }
  if (checks.empty()) return;
  engine::Matrix batch(static_cast<Eigen::Index>(points.size()), ledger.dimension());
  for (std::size_t i = 0; i < points.size(); ++i)
    batch.row(static_cast<Eigen::Index>(i)) = points[i].transpose();
  const std::vector<Evaluated> outcomes = ledger.evaluate(batch, purpose);
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const Check& check = checks[i];
    if (outcomes[i].failed == check.beyond) continue;
    const double size =
        std::exp(check.log_mass + check.line->result.log_weight - options.log_scale) / check.probability;
    check.line->result.correction += check.beyond ? -size : size;
  }
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

std::vector<LineResult> sample_lines(EvaluationLedger& ledger, const std::vector<LineRegion>& regions,
                                     const std::vector<std::size_t>& counts, const LineOptions& options,
                                     NormalStream& random, Purpose purpose) {
  std::vector<Line> lines;
  for (std::size_t k = 0; k < regions.size(); ++k) {
    const LineRegion& region = regions[k];
    for (std::size_t i = 0; i < counts[k]; ++i) {
      Line line;
      line.result.region = k;
      line.result.x = region.law.draw(random);
      line.result.log_weight = region.law.log_weight(line.result.x);
      line.floor = cell_floor(regions, k, line.result.x);
      const double start = region.root.predict(line.result.x);
      line.ceiling = std::max(negligible_beyond(std::max(region.root.offset, 0.0)), line.floor + 0.5);
      if (options.reach > 0.0) line.ceiling = std::max(start, line.floor) + options.reach;
      line.result.root = infinity;
      line.result.log_scale = options.log_scale;
      if (line.result.log_weight + log_upper_tail(line.floor) > options.log_negligible) {
        const double step = std::clamp(2.0 * region.root.spread, 0.15, 1.0);
        line.search.emplace(start, line.floor, line.ceiling, region.steepness, step, options.tolerance,
                            options.max_steps);
      }
      lines.push_back(std::move(line));
    }
  }
  search_in_step(ledger, regions, lines, purpose);
  for (Line& line : lines) {
    if (!line.search) continue;
    line.result.root = line.search->root();
    line.result.root_free = line.search->root_free();
    line.result.steepness = line.search->seen_steepness();
  }
  finish_brackets(ledger, regions, lines, random, purpose);
  if (options.check_share > 0.0) check_lines(ledger, regions, lines, options, random, purpose);
  std::vector<LineResult> results;
  results.reserve(lines.size());
  for (Line& line : lines) {
    line.result.log_value = std::isfinite(line.result.root)
                                ? line.result.log_weight + log_upper_tail(line.result.root)
                                : -infinity;
    results.push_back(std::move(line.result));
  }
  return results;
}

namespace {

// argmin |y - F b|^2 + ridge |b|^2, by whichever normal equations are smaller.
Eigen::VectorXd solve_ridge(const Eigen::MatrixXd& features, const Eigen::VectorXd& y, double ridge) {
  if (features.rows() > features.cols()) {
    Eigen::MatrixXd normal = features.transpose() * features;
    normal.diagonal().array() += ridge;
    return normal.ldlt().solve(features.transpose() * y);
  }
  Eigen::MatrixXd gram = features * features.transpose();
  gram.diagonal().array() += ridge;
  return features.transpose() * gram.ldlt().solve(y);
}

// Ridge fit of the root over the hyperplane, weighted by what each line contributes (tempered: a line far out
// still says something about the shape).
void fit_root_model(LineRegion& region, const std::vector<const LineResult*>& lines) {
  std::vector<const LineResult*> used;
  for (const LineResult* line : lines)
    if (std::isfinite(line->root) && line->root_free) used.push_back(line);
  if (used.size() < 5) return;
  const auto n = static_cast<Eigen::Index>(used.size());
  const Eigen::Index d = region.direction.size();
  Eigen::VectorXd c(n), r2(n);
  engine::Matrix x(n, d);
  for (Eigen::Index i = 0; i < n; ++i) {
    x.row(i) = used[static_cast<std::size_t>(i)]->x;
    c(i) = used[static_cast<std::size_t>(i)]->root;
  }
  r2 = x.rowwise().squaredNorm();
  const double mean_r2 = r2.mean(), mean_c = c.mean();
  const Eigen::VectorXd centred_r2 = r2.array() - mean_r2;
  const engine::Vector mean_x = x.colwise().mean();
  const Eigen::MatrixXd centred_x = x.rowwise() - mean_x.transpose();
  const Eigen::VectorXd centred_c = c.array() - mean_c;
  const double r2_scale = std::sqrt(std::max(1e-12, centred_r2.squaredNorm() / static_cast<double>(n)));
  Eigen::MatrixXd features(n, d + 1);
  features.leftCols(d) = centred_x;
  features.col(d) = centred_r2 / r2_scale;
  const double ridge = 0.02 * features.squaredNorm() / static_cast<double>(n) + 1e-12;
  const Eigen::VectorXd fit = solve_ridge(features, centred_c, ridge);
  region.root.slope = fit.head(d);
  region.root.bend = fit(d) / r2_scale;
  region.root.offset = mean_c - region.root.slope.dot(mean_x) - region.root.bend * mean_r2;
  const double total = centred_c.squaredNorm();
  const double residual = (centred_c - features * fit).squaredNorm();
  region.root.spread =
      std::sqrt(std::min(total, 2.0 * residual + 1e-4 * static_cast<double>(n)) / static_cast<double>(n));
}

}  // namespace

namespace {

// The median of the slopes that searches agreed on. Where most did not, margins jump and bisection is safer.
void adapt_steepness(LineRegion& region, const std::vector<const LineResult*>& lines) {
  std::vector<double> agreed;
  std::size_t disagreed = 0;
  for (const LineResult* line : lines) {
    if (line->steepness > 0.0) agreed.push_back(line->steepness);
    if (line->steepness < 0.0) ++disagreed;
  }
  if (disagreed > 4 && disagreed > agreed.size()) {
    region.steepness = infinity;
  } else if (agreed.size() >= 3) {
    const auto middle = agreed.begin() + static_cast<std::ptrdiff_t>(agreed.size() / 2);
    std::nth_element(agreed.begin(), middle, agreed.end());
    region.steepness = *middle;
  }
}

}  // namespace

namespace {

// Where the boundary bends towards the origin the lines that matter spread wider than N(0, I), and few of
// those drawn so far show it; the roots do: phi(x) Phi(-offset - bend |x|^2) has variance 1 / (1 + 2 bend
// hazard). 0 where the boundary bends the other way: there the lines that matter were drawn.
double variance_by_bend(const RootModel& root) {
  if (root.bend >= 0.0 || root.offset <= 0.0) return 0.0;
  return 1.0 / std::max(0.2, 1.0 + 2.0 * root.bend * normal_hazard(root.offset));
}

}  // namespace

void adapt_regions(std::vector<LineRegion>& regions, const std::vector<LineResult>& lines) {
  for (std::size_t k = 0; k < regions.size(); ++k) {
    std::vector<const LineResult*> own;
    double best = -infinity;
    for (const LineResult& line : lines) {
      if (line.region != k) continue;
      own.push_back(&line);
      best = std::max(best, line.log_value);
    }
    if (!std::isfinite(best)) continue;
    adapt_steepness(regions[k], own);
    fit_root_model(regions[k], own);
    engine::Matrix x(static_cast<Eigen::Index>(own.size()), regions[k].direction.size());
    std::vector<double> weights;
    for (std::size_t i = 0; i < own.size(); ++i) {
      x.row(static_cast<Eigen::Index>(i)) = own[i]->x;
      weights.push_back(std::exp(own[i]->log_value - best));
    }
    regions[k].law.fit(x, weights, 0.02);
    regions[k].law.widen_to(std::min(variance_by_bend(regions[k].root), 4.0));
  }
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
