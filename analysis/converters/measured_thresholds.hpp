// A converter that was measured, set to the levels of a column.
#pragma once

#include "analysis/converters/converter.hpp"

namespace flare::analysis {

/// Sets thresholds and their spreads; `converter` has a code per level and thresholds midway between the levels. A flash
/// keeps them there, moved by what is left of offset and kick. A SAR's are whole lsb apart, of the codes nearest to the
/// midpoints, with the origin such that their mean is that of the midpoints, moved likewise. Throws std::invalid_argument where
/// a threshold lies outside of what was measured, or levels closer than an lsb.
void set_measured(Converter& converter, const MeasuredThresholds& measured, const ReferenceLevels& reference);

}  // namespace flare::analysis
