// Plain Monte Carlo of more runs than are worth keeping: of a corner the first ones are samples like any others, the rest is
// counted batch by batch and forgotten, so that memory does not grow with their number.
//
// A batch is kept as one run of the stream "STREAM/counted" whose measures are its counts. A stop keeps the runs of the batch
// that is under way; a kill loses them, and nothing else. Points are functions of their index, so that nothing depends on
// where a batch was made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/sampling.hpp"
#include "studies/circuit/circuit_margin.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

inline constexpr std::size_t kept_runs = 20'000;     // of a corner
inline constexpr std::size_t kept_failures = 1'000;  // of those that are counted: the first ones

struct CountedRuns {
  std::size_t runs = 0;
  std::vector<FailureCounts> specs;  // as the study's; empty where nothing was counted
  SampleSet failing;                 // the first that fail any spec
  std::vector<std::uint64_t> failing_indices;
};

/// Runs of a corner that are samples: all of them, unless failures are only counted.
std::size_t runs_kept(const Study& study);

/// Runs first ... total - 1 of the source. `where` ("at tt_0.90V_27C") for errors. Throws engine::Stopped, StudyError.
CountedRuns count_runs(const StudyRun& run, const engine::SampleSource& source,
                       const std::shared_ptr<const engine::Testbench>& testbench, std::size_t first,
                       const std::string& where);

}  // namespace flare::studies
