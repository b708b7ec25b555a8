// What a report says of the screening of the corners.
#pragma once

#include <string>

#include "analysis/results/screening_table.hpp"

namespace flare::analysis {

/// "Screening of flash: the estimate is 0.990 to 1.031 of it at 27 corners run in full (scatter 0.8 %)."
std::string screening_text(const ConverterScreening& screening);

}  // namespace flare::analysis
