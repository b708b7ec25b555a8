// One [[measure]] that is taken of waveforms: which keys go together, and in which units they are.
#pragma once

#include "engine/measures/measure.hpp"
#include "engine/simulate/testbench.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

/// All but its name. Throws StudyError.
engine::Measure read_waveform_measure(Section& s, const engine::Analysis& analysis);

}  // namespace flare::studies
