#include "analysis/rare_event/estimators/sparse_regions.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "analysis/rare_event/search/failure_regions.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;
using Support = std::vector<Eigen::Index>;

constexpr std::size_t largest_support = 24;
constexpr std::size_t most_regions = 400;
constexpr int most_leaders = 8;    // regions found by themselves
constexpr double relevant = 0.05;  // of a gradient's length
constexpr double deepened = 0.3;   // sigma, of a moved copy
constexpr double farther = 1.3;    // sigma: where the first look passes
constexpr int most_not_sparse = 3;
constexpr int scan_batches = 8;
constexpr Eigen::Index scan_runs = 40;
constexpr std::size_t enough_starts = 30;  // of the scan

Vector kept(const Vector& x, const Support& support) {
  Vector y = Vector::Zero(x.size());
  for (const Eigen::Index i : support) y(i) = x(i);
  return y;
}

Support by_size(const Vector& x) {
  Support order(static_cast<std::size_t>(x.size()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return std::abs(x(a)) > std::abs(x(b)); });
  return order;
}

bool contains(const Support& support, Eigen::Index i) {
  return std::binary_search(support.begin(), support.end(), i);
}

Support shared(const Support& a, const Support& b) {
  Support both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

class SparseFinder {
 public:
  explicit SparseFinder(EstimatorSession& session) : session_(&session) {}

  SparseRegions find(const std::vector<Vector>& failing) {
    for (const Vector& x : failing) {
      if (dense_ || not_sparse_ == most_not_sparse) break;
      if (!explained(x)) learn_from(x);
    }
    if (!found_.regions.empty()) scan();
    for (const std::size_t hits : hits_) found_.unexplained += hits == 1 ? 1 : 0;
    return found_;
  }

 private:
  EvaluationLedger& ledger() { return session_->ledger(); }
  bool fails(const Vector& x) { return ledger().evaluate_one(x, Purpose::pilot).failed; }

  // A region for x, where it prunes.
  void learn_from(const Vector& x) {
    if (dense_ || leaders_ == most_leaders) return;
    const std::optional<Support> support = prune(x);
    if (support) {
      lead(x, *support);
    } else {
      ++not_sparse_;
    }
  }

  // The kind of region that explains x: of those that x reaches deepest into one fails by its own coordinates alone.
  std::optional<std::size_t> explained(const Vector& x) {
    std::vector<std::pair<double, std::size_t>> depth;
    for (std::size_t k = 0; k < found_.regions.size(); ++k) {
      const Vector& p = found_.regions[k].point;
      depth.emplace_back(p.norm() - x.dot(p) / p.norm(), k);
    }
    const std::size_t count = std::min<std::size_t>(3, depth.size());
    std::partial_sort(depth.begin(), depth.begin() + static_cast<std::ptrdiff_t>(count), depth.end());
    for (std::size_t j = 0; j < count; ++j) {
      const SparseRegion& region = found_.regions[depth[j].second];
      if (fails(kept(x, region.support))) return region.like;
    }
    return std::nullopt;
  }

  // The fewest of the largest coordinates that fail, by bisection, then without those that are not needed.
  std::optional<Support> prune(const Vector& x) {
    const Support order = by_size(x);
    const auto first = [&](std::size_t count) {
      Support support(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count));
      return support;
    };
    std::size_t high = std::min(largest_support, order.size() - 1), low = 0;
    if (order.size() < 2 || !fails(kept(x, first(high)))) return std::nullopt;
    while (high - low > 1) {
      const std::size_t middle = (low + high) / 2;
      (fails(kept(x, first(middle))) ? high : low) = middle;
    }
    Support support = first(high);
    for (std::size_t j = support.size(); j-- > 0 && support.size() > 1;) {
      Support fewer = support;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(j));
      if (fails(kept(x, fewer))) support = std::move(fewer);
    }
    std::sort(support.begin(), support.end());
    return support;
  }

  // To the boundary along the ray of a failing point.
  Vector boundary_of(const Vector& x) {
    RegionFinder finder(ledger(), session_->random(), true, 1, Purpose::pilot);
    return finder.to_boundary({x}).front();
  }

  // Each coordinate in turn as small as failing allows.
  Vector shrink(Vector x, const Support& support) {
    for (const Eigen::Index i : support) {
      double low = 0.0, high = 1.0;
      const double full = x(i);
      for (int step = 0; step < 5; ++step) {
        const double middle = 0.5 * (low + high);
        x(i) = middle * full;
        (fails(x) ? high : low) = middle;
      }
      x(i) = high * full;
    }
    return x;
  }

  // The most probable point by the gradient there, twice; nothing where the point it leads to does not fail nearby.
  std::optional<Vector> turn(const Vector& boundary, const Support& support) {
    Vector point = boundary;
    for (int round = 0; round < 2; ++round) {
      const std::optional<Vector> slope = gradient_in(point, support);
      if (!slope) return std::nullopt;
      const Vector a = -*slope / slope->norm();
      const Vector start = a * std::max(0.5, a.dot(point));
      const std::optional<Vector> root = out_to_failure(start);
      if (!root || root->norm() > boundary.norm() + 0.3) return std::nullopt;
      point = *root;
    }
    return point;
  }

  std::optional<Vector> gradient_in(const Vector& point, const Support& support) {
    constexpr double step = 0.05;
    Matrix points(static_cast<Eigen::Index>(support.size()) + 1, point.size());
    points.rowwise() = point.transpose();
    for (std::size_t j = 0; j < support.size(); ++j)
      points(static_cast<Eigen::Index>(j) + 1, support[j]) += step;
    const std::vector<Evaluated> outcomes = ledger().evaluate(points, Purpose::pilot);
    Vector slope = Vector::Zero(point.size());
    for (std::size_t j = 0; j < support.size(); ++j) {
      if (!outcomes[0].has_margin || !outcomes[j + 1].has_margin) return std::nullopt;
      slope(support[j]) = (outcomes[j + 1].margin - outcomes[0].margin) / step;
    }
    return slope.norm() > 0.0 ? std::optional<Vector>(slope) : std::nullopt;
  }

  // Along the ray of `start`, from 0.8 to 1.5 times as far: the nearest failing of eight, brought to the boundary.
  std::optional<Vector> out_to_failure(const Vector& start) {
    Matrix points(8, start.size());
    for (Eigen::Index i = 0; i < 8; ++i) points.row(i) = (0.8 + 0.1 * static_cast<double>(i)) * start;
    const std::vector<Evaluated> outcomes = ledger().evaluate(points, Purpose::pilot);
    for (Eigen::Index i = 0; i < 8; ++i)
      if (outcomes[static_cast<std::size_t>(i)].failed) return boundary_of(points.row(i));
    return std::nullopt;
  }

  // What the whole gradient adds to a support; too much of it: the failures are not sparse.
  Support completed(const Vector& boundary, Support support) {
    if (!ledger().margins() || static_cast<std::uint64_t>(boundary.size()) * 6 > ledger().remaining())
      return support;
    const Gradient gradient = finite_difference(ledger(), boundary, 0.05, Purpose::pilot);
    if (gradient.slope.size() == 0) return support;
    for (Eigen::Index i = 0; i < boundary.size(); ++i)
      if (std::abs(gradient.slope(i)) > relevant * gradient.slope.norm() && !contains(support, i))
        support.insert(std::upper_bound(support.begin(), support.end(), i), i);
    return support;
  }

  // A region of its own, with its likes.
  void lead(const Vector& x, Support support) {
    const Vector boundary = boundary_of(kept(x, support));
    // Two whole gradients tell what regions are made of; later ones are believed by their pruning.
    if (leaders_ < 2) support = completed(boundary, support);
    if (support.size() > largest_support || 3 * support.size() > static_cast<std::size_t>(2 * x.size())) {
      give_up();
      return;
    }
    std::optional<Vector> point = turn(boundary, support);
    if (!point) point = shrink(boundary, support);
    ++leaders_;
    const std::size_t like = next_like_++;
    found_.regions.push_back({support, support, *point, like, 0});
    leading_.push_back(found_.regions.back());
    translate(leading_.back(), common_with_others(support));
    // Regions without likes are other engines' to find: a boundary that bends prunes to something else at every point.
    if (leaders_ == 2 && found_.regions.size() == 2) give_up();
  }

  void give_up() {
    dense_ = true;
    found_.regions.clear();
  }

  // Coordinates that stay in place: what this region shares with another leader.
  Support common_with_others(const Support& support) const {
    for (const SparseRegion& other : leading_) {
      if (other.support == support) continue;
      Support both = shared(other.support, support);
      if (!both.empty() && both.size() < support.size()) return both;
    }
    return {};
  }

  static std::optional<SparseRegion> moved(const SparseRegion& leader, const Support& common,
                                           Eigen::Index offset) {
    SparseRegion copy{{}, {}, Vector::Zero(leader.point.size()), leader.like, offset};
    for (const Eigen::Index i : leader.axes) {
      const Eigen::Index to = contains(common, i) ? i : i + offset;
      if (to < 0 || to >= leader.point.size()) return std::nullopt;
      // Another cell has devices of its own: a plane moved by one would pass for a like of itself.
      if (to != i && contains(leader.support, to)) return std::nullopt;
      copy.point(to) = leader.point(i);
      copy.axes.push_back(to);
    }
    copy.support = copy.axes;
    std::sort(copy.support.begin(), copy.support.end());
    return copy;
  }

  bool known(const SparseRegion& region) const {
    return std::any_of(found_.regions.begin(), found_.regions.end(),
                       [&](const SparseRegion& other) { return other.support == region.support; });
  }

  void translate(const SparseRegion& leader, const Support& common) {
    std::vector<SparseRegion> open;
    for (Eigen::Index offset = 1 - leader.point.size(); offset < leader.point.size(); ++offset) {
      if (offset == 0) continue;
      std::optional<SparseRegion> copy = moved(leader, common, offset);
      if (copy && !known(*copy)) open.push_back(std::move(*copy));
    }
    if (open.size() > ledger().remaining() / 3) return;
    const std::size_t before = found_.regions.size();
    open = accept_failing(std::move(open), 1.0 + deepened / leader.point.norm());
    // Farther out only where cells stand, as far as the first look tells.
    Eigen::Index stride = 0;
    for (std::size_t k = before; k < found_.regions.size(); ++k)
      stride = std::gcd(stride, found_.regions[k].offset);
    if (stride > 1) std::erase_if(open, [&](const SparseRegion& copy) { return copy.offset % stride != 0; });
    accept_failing(std::move(open), 1.0 + farther / leader.point.norm());
  }

  // Moved copies that fail at `factor` times their distance become regions; the others are returned.
  std::vector<SparseRegion> accept_failing(std::vector<SparseRegion> copies, double factor) {
    Matrix points(static_cast<Eigen::Index>(copies.size()), ledger().dimension());
    for (std::size_t i = 0; i < copies.size(); ++i)
      points.row(static_cast<Eigen::Index>(i)) = factor * copies[i].point;
    const std::vector<Evaluated> outcomes = ledger().evaluate(points, Purpose::pilot);
    std::vector<SparseRegion> rest;
    if (copies.empty()) return rest;
    for (std::size_t i = 0; i < copies.size(); ++i) {
      if (outcomes[i].failed && found_.regions.size() < most_regions) {
        // The middle of the last step, but for the first, which is short.
        copies[i].point *= factor > 1.0 + 0.6 * farther / copies[i].point.norm() ? 0.5 * (1.0 + factor) : 1.0;
        found_.regions.push_back(std::move(copies[i]));
      } else {
        rest.push_back(std::move(copies[i]));
      }
    }
    return rest;
  }

  // Failing draws at inflated sigma. What no region explains leads to a new one; a kind that only one start
  // found counts as unexplained (Good-Turing).
  void scan() {
    double scale = 3.0;
    for (int batch = 0; batch < scan_batches && found_.starts < enough_starts; ++batch) {
      const Matrix points = scale * session_->random().normal_matrix(scan_runs, ledger().dimension());
      const std::vector<Evaluated> outcomes = ledger().evaluate(points, Purpose::pilot);
      Eigen::Index failed = 0;
      for (Eigen::Index i = 0; i < scan_runs; ++i) {
        if (!outcomes[static_cast<std::size_t>(i)].failed || ++failed > scan_runs / 4) continue;
        count_start(points.row(i));
        if (dense_) return;
      }
      if (10 * failed < scan_runs) scale = std::min(5.0, 1.25 * scale);
      if (2 * failed > scan_runs) scale = std::max(1.2, scale / 1.25);
    }
  }

  void count_start(const Vector& x) {
    ++found_.starts;
    std::optional<std::size_t> like = explained(x);
    if (!like) {
      learn_from(x);
      like = explained(x);
    }
    if (!like) {
      ++found_.unexplained;
      return;
    }
    hits_.resize(std::max(hits_.size(), *like + 1), 0);
    ++hits_[*like];
  }

  EstimatorSession* session_;
  SparseRegions found_;
  std::vector<SparseRegion> leading_;
  int leaders_ = 0;
  int not_sparse_ = 0;             // starts that did not prune
  std::vector<std::size_t> hits_;  // of the scan's starts, by kind
  bool dense_ = false;
  std::size_t next_like_ = 0;
};

}  // namespace

SparseRegions find_sparse_regions(EstimatorSession& session, const std::vector<Vector>& failing) {
  return SparseFinder(session).find(failing);
}

}  // namespace flare::analysis
