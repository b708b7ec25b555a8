// Which files a study's result depends on besides its own text.
#pragma once

#include <vector>

#include "engine/base/content_hash.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// Netlists with all that they include, at every corner; device cards and cells of a column; model and data set. Throws
/// what reading them throws.
std::vector<engine::InputFile> study_inputs(const Study& study);

}  // namespace flare::studies
