#include "analysis/rare_event/estimators/ray_estimator.hpp"

#include "analysis/rare_event/sampling/radial_sampling.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr std::size_t pilot_rays = 40;
constexpr double check_share = 0.6;  // of the rays, looked at once more away from the root

}  // namespace

void RayEstimator::pilot(Findings& findings) {
  EstimatorSession& session = findings.session;
  regions_ = findings.search.regions;  // tell how far out to begin
  for (LineRegion& region : regions_)
    region.noise = findings.look.rough() ? findings.look.noise / region.steepness : 0.0;
  const std::uint64_t before = session.ledger().counts().pilot;
  LineOptions options;
  options.check_share = check_share;
  options.log_scale = log_upper_tail(nearest_offset(regions_));
  const Stratum stratum =
      sample_rays(session.ledger(), regions_, pilot_rays, options, session.random(), Purpose::pilot);
  judge(session.options(), {stratum}, options.log_scale, session.ledger().counts().pilot - before);
  note_pilot(session);
  if (witness_ && forecast_.usable) findings.search.rays = Witness{forecast_.log_p, forecast_.cov};
}

std::vector<Stratum> RayEstimator::draw(EstimatorSession& session, const std::vector<std::size_t>& counts) {
  LineOptions options;
  options.log_scale = forecast_.log_p;
  options.check_share = check_share;
  options.tolerance = 0.01;
  return {sample_rays(session.ledger(), regions_, counts[0], options, session.random(), Purpose::estimate)};
}

bool may_surround(const Findings& findings) {
  const Eigen::Index d = findings.session.ledger().dimension();
  const SearchResult& search = findings.search;
  return !findings.look.origin.failed && d > 1 &&
         (d <= 3 || (d <= 6 && search.regions.size() >= 6) || (d <= 12 && search.unseen_share > 0.1));
}

}  // namespace flare::analysis
