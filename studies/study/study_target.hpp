// What a study holds a design to: `target` and [macro].
#pragma once

#include "analysis/verdict/target.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

/// `rows` of the study's column; 0: it has none. Throws StudyError.
analysis::Target read_target(Section& root, int rows);

}  // namespace flare::studies
