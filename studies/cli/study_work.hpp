// What a study will cost, for whoever starts it.
#pragma once

#include <string>
#include <vector>

#include "engine/simulate/evaluator.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// The lines of `flare check` about runs, cost, shards and memory, each after its column's SAWLs where there are several columns; a sweep
/// is one of its points. Empty of studies of converters and gain cells. Asks the evaluator as `flare check` does, a second at
/// most. Throws what that throws.
std::vector<std::string> work_lines(const Study& study, engine::Evaluator& evaluator, int cores);

}  // namespace flare::studies
