// ngspice's compatibility modes, as studies and kits name them.
#pragma once

#include <string>

#include "studies/toml/toml_section.hpp"

namespace flare::studies {

/// Key `compatibility`: modes of ngspice's such as "hsa", "psa", "lta"; absent: `otherwise`. Throws StudyError for what
/// ngspice would pass over in silence.
std::string read_compatibility(Section& section, const std::string& otherwise = {});

}  // namespace flare::studies
