#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/rare_event/sampling/line_sampling.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

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

// Where the boundary bends towards the origin the lines that matter spread wider than N(0, I), and few of
// those drawn so far show it; the roots do: phi(x) Phi(-offset - bend |x|^2) has variance 1 / (1 + 2 bend
// hazard). 0 where the boundary bends the other way: there the lines that matter were drawn.
double variance_by_bend(const RootModel& root) {
  if (root.bend >= 0.0 || root.offset <= 0.0) return 0.0;
  return 1.0 / std::max(0.2, 1.0 + 2.0 * root.bend * normal_hazard(root.offset));
}

constexpr double as_good_as =
    1.0 / 3.0;  // one drawn line: a point of a population, whose chains repeat themselves

std::vector<const LineResult*> lines_of(const std::vector<LineResult>& lines, std::size_t region) {
  std::vector<const LineResult*> own;
  for (const LineResult& line : lines)
    if (line.region == region) own.push_back(&line);
  return own;
}

struct LineWeights {
  std::vector<double> each;
  double of_one = 1.0;  // weight of a line where all lines say the same
};

// What each line says about where P lies: in proportion to its value.
LineWeights weights_of(const std::vector<const LineResult*>& lines) {
  double best = -infinity, sum = 0.0, squares = 0.0;
  for (const LineResult* line : lines) best = std::max(best, line->log_value);
  LineWeights weights;
  for (const LineResult* line : lines) {
    weights.each.push_back(std::isfinite(best) ? std::exp(line->log_value - best) : 0.0);
    sum += weights.each.back();
    squares += weights.each.back() * weights.each.back();
  }
  if (sum > 0.0) weights.of_one = squares / sum;
  return weights;
}

void fit_law(LineRegion& region, const std::vector<const LineResult*>& lines,
             const std::vector<double>& weights) {
  engine::Matrix x(static_cast<Eigen::Index>(lines.size()), region.direction.size());
  for (std::size_t i = 0; i < lines.size(); ++i) x.row(static_cast<Eigen::Index>(i)) = lines[i]->x;
  region.law.fit(x, weights, 0.02);
  region.law.widen_to(std::min(variance_by_bend(region.root), 4.0));
}

}  // namespace

void adapt_regions(std::vector<LineRegion>& regions, const std::vector<LineResult>& lines,
                   const std::vector<LineResult>& met) {
  for (std::size_t k = 0; k < regions.size(); ++k) {
    std::vector<const LineResult*> own = lines_of(lines, k);
    LineWeights weights = weights_of(own);
    const std::vector<const LineResult*> of_population = lines_of(met, k);
    own.insert(own.end(), of_population.begin(), of_population.end());
    weights.each.resize(own.size(), as_good_as * weights.of_one);
    if (std::none_of(weights.each.begin(), weights.each.end(), [](double w) { return w > 0.0; })) continue;
    adapt_steepness(regions[k], own);
    fit_root_model(regions[k], own);
    fit_law(regions[k], own, weights.each);
  }
}

void weigh_again(const std::vector<LineRegion>& regions, std::vector<LineResult>& lines) {
  for (LineResult& line : lines) {
    const double weight = regions[line.region].law.log_weight(line.x);
    line.log_value += weight - line.log_weight;
    line.log_weight = weight;
  }
}

}  // namespace flare::analysis
