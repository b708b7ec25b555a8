// Which corners of a column study are run in full.
#pragma once

#include <vector>

#include "studies/column_screening.hpp"

namespace flare::studies {

/// For each point, in the order of the points: the worst corners of each SAWL as the screening saw them, and the
/// nominal one.
std::vector<bool> choose_full(const Study& study, const std::vector<ColumnPoint>& points,
                              const ScreenedSigma& screened);

/// A shard's points among those chosen: shards take turns, point by point.
std::vector<std::size_t> points_of_shard(const std::vector<bool>& chosen, const Shard& shard);

}  // namespace flare::studies
