// What a circuit study simulates: the analysis keys of [circuit].
#pragma once

#include "engine/simulate/testbench.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

/// Reads `analysis` and the keys that go with it. Throws StudyError.
engine::Analysis read_analysis(Section& circuit);

/// What the waveforms of an analysis are over.
struct AnalysisAxis {
  const char* unit = "s";  // empty: an operating point is over nothing
  double first = 0.0;
  double last = 0.0;
};
AnalysisAxis axis_of(const engine::Analysis& analysis);

}  // namespace flare::studies
