// What a column study found, and how the result file says it.
#pragma once

#include <map>
#include <vector>

#include "analysis/verdict/verdict.hpp"
#include "studies/column/column_choice.hpp"
#include "studies/column/column_conversion.hpp"
#include "studies/column/column_energy.hpp"

namespace flare::studies {

/// A point that was run in full.
struct FullPoint {
  LevelSamples levels;
  std::vector<SampleSet> tail_runs;   // by k: runs that answer the questions of every converter
  std::vector<CountedLevel> counted;  // by k
  std::vector<ReadDraw> energies;     // of a read of k on-cells
};

struct ColumnResult {
  ColumnDesign design;
  CornerRecord corners;
  std::map<std::size_t, FullPoint> full;   // by point
  std::vector<ConvertedColumn> converted;  // by converter, then by point
  std::vector<analysis::VerdictRow> verdict;
};

/// A study's column with what was found of it. `study` has that column alone.
struct StudiedColumn {
  Study study;
  ColumnResult result;
};

/// /points, /screening, /error_models, /verdict.
void write_column_results(H5::H5File& file, const std::vector<StudiedColumn>& columns);

}  // namespace flare::studies
