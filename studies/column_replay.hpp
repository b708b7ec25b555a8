// Recorded samples of a column study, simulated again.
#pragma once

#include <string>

#include "engine/hdf5_io.hpp"
#include "studies/study_testbench.hpp"

namespace flare::studies {

/// The testbench of a group of samples of a result file, as the run that wrote it built it. Throws StudyError
/// for a group that names no level of a full point.
engine::Testbench column_replay_testbench(const Study& study, const H5::H5File& file,
                                          const std::string& group, engine::Evaluator& evaluator);

}  // namespace flare::studies
