#include "analysis/rare_event/plan_choice.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/rare_event/search/failure_regions.hpp"

namespace flare::analysis {
namespace {

using engine::Vector;

class PlanRace {
 public:
  PlanRace(EstimatorSession& session, const PlainLook& look, SearchResult& search)
      : session_(session),
        origin_fails_(look.origin.failed),
        noise_(look.noisy() ? look.noise : 0.0),
        search_(search) {}

  // Where the origin itself fails no point is nearest to it. A short pilot along each direction there is
  // decides.
  void choose_direction() {
    std::vector<LineRegion> candidates = other_directions();
    candidates.push_back(search_.regions.front());
    double best = -1.0;
    for (const LineRegion& candidate : candidates) {
      const Plan plan = pilot_lines(session_, {candidate}, "direction", 1);
      if (!(plan.effective > best)) continue;
      best = plan.effective;
      search_.regions = plan.regions;
    }
    search_.unseen_share = 0.0;
  }

  // Rays know nothing of regions, so they can miss none.
  Plan hear_rays() {
    Plan rays = pilot_rays(session_, search_);
    if (rays.usable) search_.rays = Witness{rays.log_p, rays.cov};
    return rays;
  }

  // Few dimensions or many regions: the failures may surround the origin.
  bool may_surround() const {
    const Eigen::Index d = session_.ledger().dimension();
    return !origin_fails_ && d > 1 &&
           (d <= 3 || (d <= 6 && search_.regions.size() >= 6) || (d <= 12 && search_.unseen_share > 0.1));
  }

  // Without a pilot: they have their own. None where no one plane explains the margin.
  std::vector<Plan> noisy_lines() const {
    if (!search_.planar) return {};
    Plan lines;
    lines.name = "noisy lines";
    lines.regions = search_.regions;
    lines.noise = noise_;
    lines.usable = true;
    return {lines};
  }

  bool noisy() const { return noise_ > 0.0; }

  std::vector<Plan> run() {
    if (noisy()) return in_noise();
    plans_.push_back(pilot_lines(session_, search_.regions, "regions"));
    if (!comfortable(plans_.front()) || plans_.front().runs() > 800.0 || may_surround()) try_others();
    return ranked();
  }

 private:
  // Roots found in noise are not the boundary: lines of one run along the one plane, else weighted failures.
  std::vector<Plan> in_noise() {
    if (search_.planar) return noisy_lines();
    Plan none;
    none.regions = search_.regions;
    plans_.push_back(pilot_mixture(session_, search_, none));
    return ranked();
  }

  bool comfortable(const Plan& plan) const { return plan.comfortable(session_.ledger()); }
  bool any_comfortable() const {
    return std::any_of(plans_.begin(), plans_.end(), [&](const Plan& p) { return comfortable(p); });
  }

  void try_others() {
    const Eigen::Index d = session_.ledger().dimension();
    try {
      if (may_surround()) plans_.push_back(hear_rays());
      if (any_comfortable()) return;
      if (search_.regions.size() == 1 && !origin_fails_) {
        for (LineRegion& region : other_directions())
          plans_.push_back(pilot_lines(session_, {std::move(region)}, "direction"));
      }
      if (any_comfortable()) return;
      if (d <= 60) plans_.push_back(pilot_mixture(session_, search_, plans_.front()));
      if (d <= 12 && !origin_fails_ && !may_surround()) plans_.push_back(pilot_rays(session_, search_));
    } catch (const BudgetSpent&) {
      session_.note("the budget ends before every engine had its pilot");
    }
  }

  // Directions worth a pilot where the regions found do badly: the mean of the failing population, the
  // gradient at the origin.
  std::vector<LineRegion> other_directions() {
    std::vector<LineRegion> others;
    if (search_.subset) {
      add_direction(others, search_.subset->failing.colwise().mean().transpose(),
                    search_.regions.front().steepness);
    }
    if (session_.ledger().margins()) {
      find_plane();
      if (search_.plane) add_direction(others, -search_.plane->slope, search_.plane->slope.norm());
    }
    return others;
  }

  void find_plane() {
    EvaluationLedger& ledger = session_.ledger();
    if (search_.plane || static_cast<std::uint64_t>(ledger.dimension()) * 4 >= ledger.remaining()) return;
    const Gradient gradient =
        finite_difference(ledger, Vector::Zero(ledger.dimension()), 0.1, Purpose::pilot);
    if (gradient.slope.size() > 0) search_.plane = LinearModel{gradient.margin, gradient.slope};
  }

  void add_direction(std::vector<LineRegion>& others, const Vector& direction, double steepness) const {
    if (!(direction.norm() > 0.0)) return;
    const Vector a = direction / direction.norm();
    const double reach =
        search_.subset ? (search_.subset->failing * a).mean() : search_.regions.front().root.offset;
    LineRegion region(a, reach);
    region.steepness = steepness;
    region.root.spread = 0.5;
    if (search_.subset) {
      const auto n = static_cast<std::size_t>(search_.subset->failing.rows());
      region.law.fit(search_.subset->failing, std::vector<double>(n, 1.0), 0.02, 4.0);
    }
    others.push_back(std::move(region));
  }

  static bool sees_less(const Plan& plan, const std::vector<Plan>& plans) {
    return std::any_of(plans.begin(), plans.end(), [&](const Plan& other) {
      const double noise = 3.0 * std::hypot(std::min(plan.cov, 1.0), std::min(other.cov, 1.0));
      return other.usable && other.cov < 0.5 && other.log_p > plan.log_p + std::max(1.0, noise);
    });
  }

  // Of the usable plans the cheapest first; one that sees clearly less than another misses something.
  std::vector<Plan> ranked() {
    std::vector<Plan> usable;
    for (const Plan& plan : plans_)
      if (plan.usable && !sees_less(plan, plans_)) usable.push_back(plan);
    // Rays can miss no region: worth twice the price.
    const auto price = [](const Plan& plan) {
      return plan.runs() * (plan.method == RareEventMethod::radial_sampling ? 0.5 : 1.0);
    };
    std::stable_sort(usable.begin(), usable.end(),
                     [&](const Plan& a, const Plan& b) { return price(a) < price(b); });
    return usable;
  }

  EstimatorSession& session_;
  bool origin_fails_;
  double noise_;
  SearchResult& search_;
  std::vector<Plan> plans_;
};

}  // namespace

std::vector<Plan> choose_plans(EstimatorSession& session, const PlainLook& look, SearchResult& search) {
  PlanRace race(session, look, search);
  if (look.origin.failed) race.choose_direction();
  return race.run();
}

std::vector<Plan> plan_as_asked(EstimatorSession& session, const PlainLook& look, SearchResult& search) {
  PlanRace race(session, look, search);
  if (look.origin.failed) race.choose_direction();
  const bool rays_asked = session.options().method == RareEventMethod::radial_sampling;
  if (race.noisy() && rays_asked) return {};
  if (race.noisy() && session.options().method == RareEventMethod::line_sampling) return race.noisy_lines();
  if (!rays_asked && !race.noisy() && race.may_surround()) race.hear_rays();
  std::vector<Plan> plans;
  switch (session.options().method) {
    case RareEventMethod::line_sampling:
      plans.push_back(pilot_lines(session, search.regions, "regions"));
      break;
    case RareEventMethod::radial_sampling:
      plans.push_back(pilot_rays(session, search));
      break;
    case RareEventMethod::mixture_importance:
      plans.push_back(pilot_mixture(session, search, pilot_lines(session, search.regions, "regions", 1)));
      break;
    default:
      plans.push_back(pilot_mean_shift(session, search));
  }
  if (!plans.front().usable) plans.clear();
  return plans;
}

}  // namespace flare::analysis
