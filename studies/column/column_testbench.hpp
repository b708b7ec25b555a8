// Testbenches of a column study: a column without variation, and one whose level varies.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "studies/column/column.hpp"
#include "studies/column/column_points.hpp"
#include "studies/run/study_testbench.hpp"

namespace flare::studies {

/// Columns as the simulator has loaded them, by SAWL.
using ColumnCircuits = std::map<int, LoadedCircuit>;

/// Loads the column of one SAWL at the nominal corner and asks it all that the study's laws need.
LoadedCircuit column_circuit(const Study& study, int sawl, engine::Evaluator& evaluator);

/// Options of the column of `study` at one corner.
ColumnOptions column_options(const Study& study, int sawl, int on_cells, const Corner& corner);

/// The deck of a column; relative paths start at the study's folder. Throws StudyError.
engine::Deck column_deck(const Study& study, const ColumnOptions& options);

/// A column that does not vary, without a measure: simulated up to its sense time.
std::shared_ptr<engine::Testbench> column_bench(const Study& study, const ColumnOptions& options,
                                                const std::string& name);

/// Level `k` of a point whose word-line pulse ends at `wordline_off` (s): one measure, V. `loaded` null: without
/// variation.
std::shared_ptr<engine::Testbench> level_testbench(const Study& study, const ColumnPoint& point,
                                                   double wordline_off, int k, const LoadedCircuit* loaded);

/// One run without variation: a point of no coordinates.
engine::Matrix no_variation();

/// The first measure of a run without variation. Throws std::runtime_error with `what` where it gave no answer: the
/// design does not work there.
double single_value(const std::vector<engine::RunResult>& runs, const std::string& what);

}  // namespace flare::studies
