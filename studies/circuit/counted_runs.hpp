// Plain Monte Carlo of a circuit beyond the samples that are kept: of a corner the first ones are samples like any others,
// the rest is counted (studies/run/counted_batches.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/sampling.hpp"
#include "studies/circuit/circuit_margin.hpp"
#include "studies/run/counted_batches.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

struct CountedRuns {
  std::size_t runs = 0;
  std::vector<FailureCounts> specs;  // as the study's; empty where nothing was counted
  SampleSet failing;                 // the first that fail any spec
  std::vector<std::uint64_t> failing_indices;
};

/// Runs first ... total - 1 of the source. `where` ("at tt_0.90V_27C") for errors. Throws engine::Stopped, StudyError.
CountedRuns count_runs(const StudyRun& run, const engine::SampleSource& source,
                       const std::shared_ptr<const engine::Testbench>& testbench, std::size_t first,
                       const std::string& where);

}  // namespace flare::studies
