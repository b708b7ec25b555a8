// The study of a gain cell ([gain_cell]): transfer, write, retention and conversion over mismatch at every corner, energies, and a
// column against its cells at the nominal one; as tables /gain_cell/<cell>/<corner> of the result file.
#pragma once

#include <string>
#include <vector>

#include "engine/base/gain_cell_tables.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

struct GainCellCorner {
  engine::GainCellTables tables;
  std::vector<SampleSet> samples;  // in the order of CellSample
};

struct GainCellResult {
  std::vector<GainCellCorner> corners;  // the nominal one first
};

/// A shard of several makes its runs and gives no corners.
GainCellResult run_gain_cell_study(const StudyRun& run);

/// Items that shards can have: a kind of runs at a corner each.
std::size_t gain_cell_items(const Study& study);

/// Builds every circuit at every corner, without a sample. Lines that say what the study does.
std::vector<std::string> plan_gain_cell_study(const Study& study, engine::Evaluator& evaluator);

void write_gain_cell_result(H5::H5File& file, const GainCellResult& result);

/// What a sample recorded under `group` ("/gain_cell/<cell>/<corner>/samples/<what>") simulates. Throws StudyError for another group.
engine::Testbench gain_cell_replay_testbench(const Study& study, const std::string& group,
                                             engine::Evaluator& evaluator);

/// Netlists without variation, for the files they are made of. Throws StudyError where the cards have no such process.
std::vector<engine::Deck> gain_cell_decks(const Study& study, const Corner& corner);

}  // namespace flare::studies
