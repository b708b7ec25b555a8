// Tails of a column's levels by plain Monte Carlo ([estimator] method = "monte_carlo"): one set of runs of a level answers
// every converter in either direction, is counted batch by batch and forgotten (studies/run/counted_batches.hpp).
//
// How many runs that takes is told by the plain samples alone, which do not count: as many as the rarest failure seen among
// them needs for the accuracy asked, the level's whole share of the budget where one was not seen; and where the study asks
// for more plain samples than are kept, as many as it asks for. So the number does not depend on what is counted.
#pragma once

#include "studies/column/column_tails.hpp"

namespace flare::studies {

/// Throws engine::Stopped where a stop was requested.
LevelTails count_level(const StudyRun& run, const TailLevel& level,
                       const std::vector<SetConverter>& converters, const TailOptions& options);

}  // namespace flare::studies
