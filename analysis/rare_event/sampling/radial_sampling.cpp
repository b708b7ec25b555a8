#include "analysis/rare_event/sampling/radial_sampling.hpp"

#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>

#include "analysis/rare_event/core/root_search.hpp"

namespace flare::analysis {
namespace {

// The law of |x|: chi with d degrees of freedom.
class RadiusLaw {
 public:
  explicit RadiusLaw(Eigen::Index d) : half_(0.5 * static_cast<double>(d)) {}
  double tail(double r) const { return boost::math::gamma_q(half_, 0.5 * r * r); }
  double density(double r) const { return boost::math::gamma_p_derivative(half_, 0.5 * r * r) * r; }
  double quantile(double tail) const { return std::sqrt(2.0 * boost::math::gamma_q_inv(half_, tail)); }

 private:
  double half_;
};

struct Ray {
  engine::Vector direction;
  std::optional<RootSearch> search;
  double value = 0.0;  // probability, not scaled
};

engine::Matrix at_radii(const std::vector<const Ray*>& rays, const std::vector<double>& radii,
                        Eigen::Index d) {
  engine::Matrix points(static_cast<Eigen::Index>(rays.size()), d);
  for (std::size_t i = 0; i < rays.size(); ++i)
    points.row(static_cast<Eigen::Index>(i)) = radii[i] * rays[i]->direction;
  return points;
}

void search_in_step(EvaluationLedger& ledger, std::vector<Ray>& rays, Purpose purpose) {
  for (;;) {
    std::vector<const Ray*> active;
    std::vector<double> radii;
    std::vector<Ray*> told;
    for (Ray& ray : rays) {
      if (ray.search->done()) continue;
      active.push_back(&ray);
      told.push_back(&ray);
      radii.push_back(ray.search->next());
    }
    if (active.empty()) return;
    const std::vector<Evaluated> outcomes =
        ledger.evaluate(at_radii(active, radii, ledger.dimension()), purpose);
    for (std::size_t i = 0; i < told.size(); ++i) told[i]->search->tell(outcomes[i]);
  }
}

}  // namespace

Stratum sample_rays(EvaluationLedger& ledger, const std::vector<LineRegion>& regions, std::size_t count,
                    const LineOptions& options, NormalStream& random, Purpose purpose) {
  const RadiusLaw law(ledger.dimension());
  double nearest = std::numeric_limits<double>::infinity(), steepness = 0.0;
  for (const LineRegion& region : regions) {
    nearest = std::min(nearest, std::max(0.5, region.most_probable_point.norm()));
    // In noise roots are brackets.
    const bool rough = region.noise > 0.0;
    steepness = std::max(steepness, rough ? std::numeric_limits<double>::infinity() : region.steepness);
  }
  const double ceiling = law.quantile(std::max(1e-300, law.tail(nearest) * 1e-5));
  std::vector<Ray> rays(count);
  for (Ray& ray : rays) {
    ray.direction = random.normal_vector(ledger.dimension());
    ray.direction /= ray.direction.norm();
    // From just inside the nearest region outwards: what fails first along the ray decides.
    ray.search.emplace(std::max(0.0, nearest - 0.1), 0.0, ceiling, steepness, 0.3, options.tolerance,
                       options.max_steps);
  }
  search_in_step(ledger, rays, purpose);

  // Open brackets: one uniform point each. Checks: one uniform point short of the root, or one beyond it.
  struct Probe {
    Ray* ray;
    double radius;
    double gain;    // added to the value where the probe fails
    double offset;  // added always
  };
  std::vector<Probe> probes;
  for (Ray& ray : rays) {
    const bool open = ray.search->open();
    const double high = open ? ray.search->high() : ray.search->root();
    const double low = open ? ray.search->low() : std::min(ceiling, ray.search->root());
    ray.value = std::isfinite(high) ? law.tail(high) : 0.0;
    if (open) {
      const double r = low + (high - low) * random.uniform();
      probes.push_back({&ray, r, law.density(r) * (high - low), 0.0});
    }
    if (random.uniform() >= options.check_share) continue;
    const double reach = std::max(0.0, low - 2.0);
    if (std::isfinite(high) && random.uniform() < 0.5) {
      const double stake = 2.0 * law.tail(high) / options.check_share;
      probes.push_back(
          {&ray, law.quantile(std::max(1e-300, law.tail(high) * random.uniform())), stake, -stake});
    } else {
      const double r = reach + (low - reach) * random.uniform();
      const double probability = options.check_share * (std::isfinite(high) ? 0.5 : 1.0);
      probes.push_back({&ray, r, law.density(r) * (low - reach) / probability, 0.0});
    }
  }
  std::vector<const Ray*> probed;
  std::vector<double> radii;
  for (const Probe& probe : probes) {
    probed.push_back(probe.ray);
    radii.push_back(probe.radius);
  }
  const std::vector<Evaluated> outcomes =
      ledger.evaluate(at_radii(probed, radii, ledger.dimension()), purpose);
  for (std::size_t i = 0; i < probes.size(); ++i)
    probes[i].ray->value += probes[i].offset + (outcomes[i].failed ? probes[i].gain : 0.0);
  Stratum stratum;
  for (const Ray& ray : rays) stratum.values.push_back(ray.value / std::exp(options.log_scale));
  return stratum;
}

}  // namespace flare::analysis
