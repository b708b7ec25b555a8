#include "analysis/rare_event/estimators/estimator_list.hpp"

#include <algorithm>
#include <stdexcept>

#include "analysis/rare_event/estimators/active_subspace.hpp"
#include "analysis/rare_event/estimators/direct_estimators.hpp"
#include "analysis/rare_event/estimators/like_regions.hpp"
#include "analysis/rare_event/estimators/line_estimator.hpp"
#include "analysis/rare_event/estimators/mean_shift_estimator.hpp"
#include "analysis/rare_event/estimators/met_modes.hpp"
#include "analysis/rare_event/estimators/mixture_estimator.hpp"
#include "analysis/rare_event/estimators/noisy_lines.hpp"
#include "analysis/rare_event/estimators/radius_estimator.hpp"
#include "analysis/rare_event/estimators/ray_estimator.hpp"
#include "analysis/rare_event/search/other_directions.hpp"

namespace flare::analysis {
namespace {

template <class... E>
Estimators list_of(std::unique_ptr<E>... estimators) {
  Estimators list;
  (list.push_back(std::move(estimators)), ...);
  return list;
}

// Where lines do not all lead to one plane, noise beside the cells' edges biases them: by a fifth of P at 0.2 of the spread.
constexpr double noise_of_several = 0.1;
bool noisy(const Findings& f) {
  return f.look.noisy() || (!f.search.planar && f.look.relative_noise() > noise_of_several);
}
bool origin_fails(const Findings& f) { return f.look.origin.failed; }
Eigen::Index dimension(const Findings& f) { return f.session.ledger().dimension(); }

// Limits cut off what rare noise makes fail short of them.
bool modes_may_be_met(const Findings& f) { return !f.look.rough() && !origin_fails(f) && dimension(f) > 3; }

Estimators lines(Findings& f) { return list_of(lines_around_regions(f.search)); }
Estimators noisy_lines(Findings& /*f*/) { return list_of(std::make_unique<NoisyLineEstimator>()); }
Estimators witness_rays(Findings& /*f*/) { return list_of(std::make_unique<RayEstimator>(true)); }
Estimators rays(Findings& /*f*/) { return list_of(std::make_unique<RayEstimator>(false)); }
Estimators mixture(Findings& /*f*/) { return list_of(std::make_unique<MixtureEstimator>()); }

Estimators radii(Findings& /*f*/) { return list_of(std::make_unique<RadiusEstimator>()); }
Estimators like_regions(Findings& /*f*/) { return list_of(std::make_unique<LikeRegionsEstimator>()); }
Estimators met_modes(Findings& /*f*/) { return list_of(std::make_unique<MetModesEstimator>()); }
Estimators active_subspace(Findings& /*f*/) { return list_of(std::make_unique<ActiveSubspaceEstimator>()); }

Estimators lines_in_other_directions(Findings& f) {
  Estimators list;
  for (LineRegion& region : other_directions(f.session, f.search))
    list.push_back(std::make_unique<LineEstimator>(std::vector<LineRegion>{std::move(region)}, "direction"));
  return list;
}

// Roots found in noise are not the boundary: lines of one run along the one plane, or nothing.
Estimators lines_as_asked(Findings& f) {
  if (!noisy(f)) return lines(f);
  return f.search.planar ? noisy_lines(f) : Estimators{};
}

Estimators rays_as_asked(Findings& f) { return noisy(f) ? Estimators{} : rays(f); }

// A round of lines, for a mixture to begin from.
Estimators mixture_as_asked(Findings& f) {
  lines_around_regions(f.search, 1)->pilot(f);
  return mixture(f);
}

Estimators mean_shift_as_asked(Findings& /*f*/) { return list_of(std::make_unique<MeanShiftEstimator>()); }

}  // namespace

const std::vector<Entrant>& race_entrants() {
  static const std::vector<Entrant> entrants = {
      {0, [](const Findings& f) { return !noisy(f); }, lines},
      {0, [](const Findings& f) { return noisy(f) && f.search.planar; }, noisy_lines},
      {0, [](const Findings& f) { return noisy(f) && !f.search.planar; }, mixture},
      {0, [](const Findings& f) { return !noisy(f) && may_surround(f); }, witness_rays},
      {1, [](const Findings& f) { return !noisy(f) && f.in_pieces() && dimension(f) <= 60; }, mixture},
      {1, [](const Findings& f) { return f.lines_scatter() && modes_may_be_met(f); }, met_modes},
      {1, [](const Findings& f) { return !noisy(f) && !origin_fails(f) && f.search.regions.size() == 1; },
       lines_in_other_directions},
      {2, [](const Findings& f) { return !noisy(f) && !f.in_pieces() && dimension(f) <= 60; }, mixture},
      {2,
       [](const Findings& f) {
         return !noisy(f) && !origin_fails(f) && dimension(f) <= 12 && !may_surround(f);
       },
       rays},
  };
  return entrants;
}

const std::vector<Entrant>& last_entrants() {
  static const std::vector<Entrant> entrants = {
      {0, [](const Findings& f) { return origin_fails(f) || !f.search.planar; }, radii},
      {0, [](const Findings& f) { return !noisy(f) && !origin_fails(f) && dimension(f) > 3; }, like_regions},
      {0, [](const Findings& f) { return !noisy(f) && !origin_fails(f) && f.session.ledger().margins(); },
       active_subspace},
      {0, modes_may_be_met, met_modes, true},
  };
  return entrants;
}

const std::vector<NamedEstimator>& named_estimators() {
  static const std::vector<NamedEstimator> named = {
      {RareEventMethod::monte_carlo, false, [](Findings&) { return list_of(plain_runs()); }},
      {RareEventMethod::quasi_monte_carlo, false, [](Findings&) { return list_of(sobol_points()); }},
      {RareEventMethod::subset_simulation, false, [](Findings&) { return list_of(subset_repeats()); }},
      {RareEventMethod::scaled_sigma, false, [](Findings&) { return list_of(scaled_sigma_fit()); }},
      {RareEventMethod::mean_shift, true, mean_shift_as_asked},
      {RareEventMethod::mixture_importance, true, mixture_as_asked},
      {RareEventMethod::line_sampling, true, lines_as_asked},
      {RareEventMethod::radial_sampling, true, rays_as_asked},
  };
  return named;
}

const NamedEstimator& named_estimator(RareEventMethod method) {
  const auto found =
      std::find_if(named_estimators().begin(), named_estimators().end(),
                   [method](const NamedEstimator& estimator) { return estimator.method == method; });
  if (found == named_estimators().end())
    throw std::invalid_argument("rare event: no estimator is listed for that method");
  return *found;
}

}  // namespace flare::analysis
