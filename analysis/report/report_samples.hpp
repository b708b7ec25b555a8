// The runs of a result as its figures and tables show them: plain samples, and runs of frozen proposals with their weights.
#pragma once

#include <H5Cpp.h>

#include <string>
#include <vector>

#include "analysis/report/tail_runs.hpp"

namespace flare::analysis {

/// One measure at one corner of a circuit's study.
struct ReportMeasure {
  std::string corner, name, unit;
  std::vector<double> plain;       // runs with a value, in the unit
  std::size_t unknown = 0;         // plain runs without
  std::vector<TailRuns> weighted;  // one a proposal
};

/// Measure `m` of the plain samples of a group /points/.../samples.
std::vector<double> plain_values(const H5::H5File& file, const std::string& group, std::size_t m = 0);
/// Measure `m` of the weighted runs of a group /points/.../tail_samples, one entry a proposal: its runs follow each other, and
/// every estimate begins with runs of a pilot or ends with those of an audit, which have no weight. Empty where the group is
/// absent or holds none.
std::vector<TailRuns> weighted_values(const H5::H5File& file, const std::string& group, std::size_t m = 0);

/// Every measure of every corner of a circuit's study; empty of another. Throws engine::FileError for damaged groups.
std::vector<ReportMeasure> read_measures(const H5::H5File& file, const std::vector<std::string>& corners);

}  // namespace flare::analysis
