#include "analysis/rare_event/search/failure_regions.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/rare_event/search/deepened_arc.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {

using engine::Matrix;
using engine::Vector;

std::vector<Vector> RegionFinder::walk_in(const std::vector<Vector>& failing) {
  if (!origin_passes_) return failing;
  struct Walk {
    double low = 0.0, high = 1.0;
    double low_margin = 0.0, high_margin = 0.0;
    double next = 0.5;
  };
  std::vector<Walk> walks(failing.size());
  for (int step = 0; step < 7; ++step) {
    std::vector<std::size_t> active;
    for (std::size_t i = 0; i < walks.size(); ++i)
      if ((walks[i].high - walks[i].low) * failing[i].norm() > 0.15) active.push_back(i);
    if (active.empty()) break;
    Matrix points(static_cast<Eigen::Index>(active.size()), ledger_->dimension());
    for (std::size_t j = 0; j < active.size(); ++j) {
      Walk& walk = walks[active[j]];
      walk.next = 0.5 * (walk.low + walk.high);
      if (step % 2 == 1 && walk.low_margin > 0.0 && walk.high_margin < 0.0) {
        const double width = walk.high - walk.low;
        // Aim slightly past the secant's root: the failing end is the one that is kept.
        const double secant = walk.low + width * walk.low_margin / (walk.low_margin - walk.high_margin);
        walk.next = std::clamp(secant + 0.05 * width, walk.low + 0.1 * width, walk.high - 0.1 * width);
      }
      points.row(static_cast<Eigen::Index>(j)) = walk.next * failing[active[j]];
    }
    const std::vector<Evaluated> outcomes = ledger_->evaluate(points, purpose_);
    for (std::size_t j = 0; j < active.size(); ++j) {
      Walk& walk = walks[active[j]];
      const Evaluated& outcome = outcomes[j];
      (outcome.failed ? walk.high : walk.low) = walk.next;
      (outcome.failed ? walk.high_margin : walk.low_margin) = outcome.has_margin ? outcome.margin : 0.0;
    }
  }
  std::vector<Vector> boundary;
  for (std::size_t i = 0; i < walks.size(); ++i) boundary.push_back(walks[i].high * failing[i]);
  return boundary;
}

std::size_t RegionFinder::find_twin(const Vector& own) {
  std::size_t nearest = regions_.size();
  double best = 1e300;
  for (std::size_t k = 0; k < regions_.size(); ++k) {
    const double distance = (regions_[k].most_probable_point - own).norm();
    if (distance < best) {
      best = distance;
      nearest = k;
    }
  }
  if (nearest == regions_.size() || best < 0.5) return nearest;
  const Vector middle = 0.5 * (regions_[nearest].most_probable_point + own);
  if (!(middle.norm() > 0.5 * own.norm())) return regions_.size();
  const Vector deepened = middle * (1.0 + 0.4 / middle.norm());
  return ledger_->evaluate_one(deepened, purpose_).failed ? nearest : regions_.size();
}

// Which open points does the region they lie furthest along reach? Brought closer to its axis they must still fail.
std::vector<char> RegionFinder::explain(const std::vector<const Vector*>& open,
                                        std::vector<std::size_t>& tried, const Vector* first,
                                        bool independent) {
  std::vector<char> explained(open.size(), 0);
  if (regions_.empty()) return explained;
  Matrix points(static_cast<Eigen::Index>(open.size()), ledger_->dimension());
  std::vector<std::size_t> asked, best;
  for (std::size_t i = 0; i < open.size(); ++i) {
    const Vector& x = *open[i];
    const std::size_t k = furthest_along(regions_, x);
    std::size_t& last = tried[static_cast<std::size_t>(open[i] - first)];
    if (last == k) continue;
    last = k;
    const Vector& a = regions_[k].direction;
    if (a.dot(x) <= 0.0 && origin_passes_) continue;
    points.row(static_cast<Eigen::Index>(asked.size())) = brought_closer(a, x);
    asked.push_back(i);
    best.push_back(k);
  }
  const std::vector<Evaluated> outcomes =
      ledger_->evaluate(points.topRows(static_cast<Eigen::Index>(asked.size())), purpose_);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!outcomes[i].failed) continue;
    explained[asked[i]] = 1;
    if (independent) ++found_[best[i]];
  }
  return explained;
}

bool RegionFinder::connected(const Vector& from, const Vector& to) {
  const DeepenedArc arc(from, to);
  if (!(arc.angle() > 1e-6)) return true;
  if (arc.angle() > 3.1) return false;
  std::vector<double> asked = {0.07, 0.2, 0.5, 0.8};
  // Far out an arc is soon where a region fails whatever lies before it: the gap is where none is predicted to.
  const double predicted = builder_.noisy() ? 1.0 : arc.first_predicted(regions_);
  if (predicted > 0.0 && predicted < asked[1])
    asked.insert(asked.begin(), {0.4 * predicted, 0.8 * predicted});
  return std::all_of(asked.begin(), asked.end(),
                     [&](double t) { return ledger_->evaluate_one(arc.at(t), purpose_).failed; });
}

std::vector<Vector> RegionFinder::unexplained_by_regions(const std::vector<Vector>& failing) {
  const std::vector<Vector> boundary = walk_in(failing);
  std::vector<const Vector*> open;
  open.reserve(boundary.size());
  for (const Vector& x : boundary) open.push_back(&x);
  std::vector<std::size_t> tried(failing.size(), static_cast<std::size_t>(-1));
  const std::vector<char> explained = explain(open, tried, boundary.data(), false);
  std::vector<Vector> rest;
  for (std::size_t i = 0; i < boundary.size(); ++i)
    if (!explained[i] && find_twin(boundary[i]) == regions_.size()) rest.push_back(boundary[i]);
  return rest;
}

std::vector<Vector> RegionFinder::unexplained(const std::vector<Vector>& failing) {
  std::vector<Vector> rest = unexplained_by_regions(failing);
  if (regions_.empty()) return rest;
  bent_ += std::erase_if(rest, [&](const Vector& x) { return joined_by_arc(x); });
  return rest;
}

bool RegionFinder::joined_by_arc(const Vector& x) {
  return connected(x, regions_[furthest_along(regions_, x)].most_probable_point);
}

void RegionFinder::add(const std::vector<Vector>& failing, bool independent, int max_builds) {
  const std::vector<Vector> boundary = walk_in(failing);
  std::vector<const Vector*> open;
  open.reserve(boundary.size());
  for (const Vector& x : boundary) open.push_back(&x);
  if (independent) starts_ += failing.size();
  std::vector<std::size_t> tried(failing.size(), static_cast<std::size_t>(-1));
  while (!open.empty()) {
    const std::vector<char> explained = explain(open, tried, boundary.data(), independent);
    std::vector<const Vector*> rest;
    for (std::size_t i = 0; i < open.size(); ++i)
      if (!explained[i]) rest.push_back(open[i]);
    open = std::move(rest);
    if (open.empty()) return;
    if (full() || max_builds == 0) {
      if (independent) lost_ += open.size();
      return;
    }
    --max_builds;
    const Vector& founder = *open.front();
    std::optional<LineRegion> region = builder_.build(founder);
    open.erase(open.begin());
    if (!region) {
      if (independent) ++lost_;
      continue;
    }
    const std::size_t twin = find_twin(region->most_probable_point);
    if (twin < regions_.size()) {
      if (independent) ++found_[twin];
      if (region->root.offset < regions_[twin].root.offset - 0.05) {
        builder_.keep_what_fails(*region, founder);
        regions_[twin] = std::move(*region);
      }
      continue;
    }
    builder_.keep_what_fails(*region, founder);
    regions_.push_back(std::move(*region));
    found_.push_back(independent ? 1 : 0);
  }
}

double RegionFinder::unseen_share() const {
  if (starts_ == 0) return 1.0;
  std::size_t singles = lost_;
  for (const std::size_t n : found_) singles += n == 1 ? 1 : 0;
  if (starts_ < complete_starts() && !witnessed_) ++singles;  // too few to call it complete
  return std::min(1.0, static_cast<double>(singles) / static_cast<double>(starts_));
}

// In many dimensions a region costs more than many batches: two gradients.
int RegionFinder::affordable_builds(std::uint64_t until) const {
  const auto d = static_cast<std::uint64_t>(ledger_->dimension());
  if (d <= 60) return -1;
  const std::uint64_t spent = std::min(until, ledger_->counts().total());
  return static_cast<int>(std::max<std::uint64_t>(1, (until - spent) / (2 * (d + 1))));
}

void RegionFinder::scan(std::size_t max_runs, double scale, int patience) {
  const std::uint64_t until = ledger_->counts().total() + max_runs;
  const std::size_t batch = 50;
  int batches = 0;
  // A few starts more where only they are missing: the runs went into building the first regions.
  const auto few = [&] { return starts_ > 0 && starts_ < complete_starts(); };
  while (ledger_->counts().total() + batch <= until + (few() ? max_runs / 2 : 0) &&
         ledger_->remaining() > batch) {
    const Matrix points =
        scale * random_->normal_matrix(static_cast<Eigen::Index>(batch), ledger_->dimension());
    const std::vector<Evaluated> outcomes = ledger_->evaluate(points, purpose_);
    ledger_->count_draws(scale, outcomes);
    std::vector<Vector> failing;
    for (std::size_t i = 0; i < batch; ++i)
      if (outcomes[i].failed) failing.push_back(points.row(static_cast<Eigen::Index>(i)));
    const double share = static_cast<double>(failing.size()) / static_cast<double>(batch);
    if (failing.size() > 20) failing.resize(20);
    add(failing, true, affordable_builds(until));
    // Equally likely regions are all met after about five starts each.
    if (starts_ >= std::max<std::size_t>(15, 5 * (regions_.size() + 2)) && unseen_share() <= 0.04) return;
    if (++batches >= patience && starts_ < 4) return;  // inflated sigma does not reach the failures
    // Too many to tell apart, or all around.
    const std::size_t hopeless = ledger_->dimension() <= 6 ? 16 : 40;
    if (full() || (starts_ >= hopeless && unseen_share() > 0.35)) return;
    if (share < 0.05 && scale < 5.0) scale *= 1.3;
    if (share > 0.6 && scale > 1.5) scale /= 1.3;
  }
}

void RegionFinder::count_population(const Matrix& population) {
  std::vector<char> met(regions_.size(), 0);
  for (Eigen::Index i = 0; i < population.rows(); ++i) met[furthest_along(regions_, population.row(i))] = 1;
  witnessed_ = true;
  for (std::size_t k = 0; k < regions_.size(); ++k) {
    if (!met[k]) continue;
    ++found_[k];
    ++starts_;
  }
}

void RegionFinder::shape_from_population() {
  std::vector<std::vector<Eigen::Index>> members(regions_.size());
  for (Eigen::Index i = 0; i < builder_.population().rows(); ++i)
    members[furthest_along(regions_, builder_.population().row(i))].push_back(i);
  for (std::size_t k = 0; k < regions_.size(); ++k) {
    if (members[k].size() < 12) continue;
    Matrix own(static_cast<Eigen::Index>(members[k].size()), builder_.population().cols());
    for (std::size_t i = 0; i < members[k].size(); ++i)
      own.row(static_cast<Eigen::Index>(i)) = builder_.population().row(members[k][i]);
    regions_[k].law.fit(own, std::vector<double>(members[k].size(), 1.0), 0.02, 4.0);
  }
}

void RegionFinder::bring_nearest_met() {
  constexpr double much_nearer = 2.0;  // sigma
  if (!builder_.trusts_margins() || regions_.empty()) return;
  std::vector<const Vector*> nearest(regions_.size(), nullptr);
  for (const Vector& x : ledger_->met_failures()) {
    const Vector*& best = nearest[furthest_along(regions_, x)];
    if (best == nullptr || x.norm() < best->norm()) best = &x;
  }
  for (std::size_t k = 0; k < regions_.size(); ++k) {
    Vector& own = regions_[k].most_probable_point;
    if (!regions_[k].direction_known && nearest[k] != nullptr &&
        nearest[k]->norm() < own.norm() - much_nearer)
      own = *nearest[k];
  }
}

void RegionFinder::drop_negligible(std::size_t proven) {
  bring_nearest_met();
  double best = -1e300;
  // A plane may pass far short of what it was led to; what fails is known.
  for (const LineRegion& region : regions_)
    best = std::max(best, log_upper_tail(region.most_probable_point.norm()));
  std::vector<LineRegion> kept;
  for (std::size_t k = 0; k < regions_.size(); ++k)
    if (k < proven || log_upper_tail(regions_[k].root.offset) > best - 12.0)
      kept.push_back(std::move(regions_[k]));
  if (kept.size() == regions_.size()) {
    regions_ = std::move(kept);
    return;
  }
  regions_ = std::move(kept);
  found_.assign(regions_.size(), 2);
}

}  // namespace flare::analysis
