// The input at which an output crosses a level, by halving: a trip point, an offset, a comparator's threshold.
#pragma once

#include <functional>
#include <optional>

#include "engine/measures/measure.hpp"

namespace flare::engine {

/// Halves [measure.from, measure.to] until it is no longer than measure.resolution; the middle of what is left, which is
/// within half the resolution of a place where the output crosses measure.level. `output` at an input. Nothing where the
/// output has no value somewhere on the way or is on one side of the level at both ends: it never flips.
std::optional<double> search_threshold(const Measure& measure,
                                       const std::function<std::optional<double>(double)>& output);

}  // namespace flare::engine
