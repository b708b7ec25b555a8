// The most probable failing point that a result holds for its worst verdict, and the circuit it belongs to.
#pragma once

#include <string>

#include "engine/base/hdf5_io.hpp"
#include "engine/simulate/evaluator.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

struct WorstPoint {
  std::string what;           // "snm at fs_0.81V_125C", "level 8 read as too low at ..."
  std::string tail_samples;   // group of the runs made for it; may be absent
  std::string plain_samples;  // group of the plain ones
  engine::Testbench bench;
  Eigen::RowVectorXd point;  // in sigma, as the bench's variables
};

/// Of a circuit the limiting spec, or `spec`; of a column the verdict's row with the smallest sigma. Throws StudyError where
/// the file has none, a study has changed, or no failing point is known.
WorstPoint worst_point(const H5::H5File& file, const Study& study, const std::string& spec,
                       engine::Evaluator& evaluator);

/// The study of a result whose inputs are unchanged. Throws StudyError, also where it runs commands of its netlist and
/// `allow_commands` is not given. `moved_to`: where its file is now, if it was moved.
Study study_of(const H5::H5File& file, bool allow_commands, const std::filesystem::path& moved_to = {});

/// The bench at a point as a netlist for ngspice, its measures printed. Throws StudyError for a netlist with an option scale.
std::string netlist_at(const engine::Testbench& bench, const Eigen::RowVectorXd& point,
                       engine::Evaluator& evaluator);

}  // namespace flare::studies
