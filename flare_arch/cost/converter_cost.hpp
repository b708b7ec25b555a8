// Energy, area and time of one conversion, by the law an architecture names.
#pragma once

#include "flare_arch/cost/architecture.hpp"

namespace flare::arch {

struct ConversionCost {
  double energy = 0;  // J a conversion
  double area = 0;    // m^2 of a converter, its trim included
  double time = 0;    // s
};

/// Bits of the converter of an array: asked for, or log2(SAWL + 1).
double converter_bits(const ArrayChoice& array);

/// How much larger than the shipped comparator one must be, by area, for an offset of `sigma` V: (offset / sigma)^2, at
/// least 1. Pelgrom: the offset falls with the root of the area.
double comparator_scale(const ParameterSet& parameters, double sigma);

/// The comparator is costed at the size whose offset the error model used: at its own size where it is trimmed, else
/// comparator_scale times that. Flash: SAWL comparators. SAR: b decisions, 2^b units charged, b bits of logic. zigzag:
/// (100 b + 0.001 4^b) fF V^2, 10^(1.206 - 0.0369 b) 2^b um^2. enob: the trimmed flash's at log2(SAWL + 1) bits times
/// 2^(ENOB - that).
ConversionCost conversion_cost(const ArrayChoice& array, const Architecture& architecture, Bound bound);

}  // namespace flare::arch
