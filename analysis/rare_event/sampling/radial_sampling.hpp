// Radial (directional) sampling, Bjerager 1988: uniform directions u, the radius r(u) where failure begins,
// and
//     P = E_u [ Pr(chi_d > r(u)) ].
// For failure sets that surround the origin: outside spheres, shells, many regions in few dimensions.
// Brackets and checks work as in line_sampling.hpp and keep it unbiased where a ray fails in several pieces.
#pragma once

#include <vector>

#include "analysis/rare_event/sampling/line_sampling.hpp"

namespace flare::analysis {

/// Values (units of exp(options.log_scale)) of `count` rays. `regions` only tell how far out to begin.
Stratum sample_rays(EvaluationLedger& ledger, const std::vector<LineRegion>& regions, std::size_t count,
                    const LineOptions& options, NormalStream& random, Purpose purpose);

}  // namespace flare::analysis
