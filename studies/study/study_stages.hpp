// Stages that follow a study of a column: [accuracy], [cost], [map].
#pragma once

#include <vector>

#include "studies/study/study.hpp"

namespace flare::studies {

/// `converters`: those whose error models may be named. Throws StudyError, as all of these.
AccuracyStudy read_accuracy(Section s, const std::vector<ConverterStudy>& converters);
CostStudy read_cost(Section s);
MapStudy read_map(Section s);

}  // namespace flare::studies
