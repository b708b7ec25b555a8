// A study at several values of its keys: every point is a study of its own, with its results under /sweep/results/<n>, and
// all draw on one store of runs, so that what points have in common is simulated once.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/results/sweep_table.hpp"
#include "studies/kinds/run_kind.hpp"

namespace flare::studies {

struct SweptStudy {
  Study study;
  std::string label;  // "supply = 0.8 V, wn = 300 nm"
};

/// Every point as a study. Throws StudyError, with the sweep's place, for a key that does not exist or a value that does not
/// fit.
std::vector<SweptStudy> sweep_studies(const Study& whole);

/// The figures of a sweep's points, without answers.
analysis::Sweep empty_sweep(const std::vector<SweepAxis>& axes);

/// Runs every point and says how all results are written; empty where the run is one share of many. `scratch`: a file that
/// may be written meanwhile. Throws as run_kind.
WriteTables run_sweep(const StudyRun& run, const std::filesystem::path& scratch,
                      const MakeAnswers& others = {});

}  // namespace flare::studies
