// Recorded samples of a column study, simulated again.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/hdf5_io.hpp"
#include "studies/run/study_testbench.hpp"

namespace flare::studies {

/// The testbench of a sample of a result file (row `row` of its group), as the run that wrote it built it; its measures
/// are columns of the group's. Throws StudyError for a group that names no level of a full point.
engine::Testbench column_replay_testbench(const Study& study, const H5::H5File& file,
                                          const std::string& group, Eigen::Index row,
                                          engine::Evaluator& evaluator);

/// Where the measures of a group of samples hold the one called `name`; past the last column where it is not there.
Eigen::Index column_of_measure(const H5::H5File& file, const std::string& group, std::string_view name);

}  // namespace flare::studies
