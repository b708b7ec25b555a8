// A study at several values of its keys: every point is a study of its own, with its results under /sweep/results/<n>, and
// all draw on one store of runs, so that what points have in common is simulated once.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/results/sweep_table.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

struct SweepPoint {
  Study study;
  std::string label;  // "supply = 0.8 V, wn = 300 nm"
};

/// Every point as a study. Throws StudyError, with the sweep's place, for a key that does not exist or a value that does not
/// fit.
std::vector<SweepPoint> sweep_studies(const Study& whole);

/// The figures of a sweep's points, without answers.
analysis::Sweep empty_sweep(const std::vector<SweepAxis>& axes);

/// Runs every point and writes all results into `file`. `scratch`: a file that may be written meanwhile. With a shard the
/// runs alone are made. Throws engine::Stopped, StudyError.
void run_sweep(const StudyRun& run, H5::H5File& file, const std::filesystem::path& scratch);

/// Everything that `from` holds to below `path` of `to` ("" or "/a/b"). Throws engine::FileError.
void copy_results(const H5::H5File& from, H5::H5File& to, const std::string& path);

}  // namespace flare::studies
