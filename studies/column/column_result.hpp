// What a column study found, and how the result file says it.
#pragma once

#include <map>
#include <vector>

#include "analysis/verdict/verdict.hpp"
#include "studies/column/column_choice.hpp"
#include "studies/column/column_conversion.hpp"

namespace flare::studies {

/// A point that was run in full.
struct FullPoint {
  LevelSamples levels;
  std::vector<SampleSet> tail_runs;  // by k: runs that answer the questions of every converter
};

struct ColumnResult {
  ColumnDesign design;
  CornerRecord corners;
  std::map<std::size_t, FullPoint> full;   // by point
  std::vector<ConvertedColumn> converted;  // by converter, then by point
  std::vector<analysis::VerdictRow> verdict;
};

/// /points, /screening, /error_models, /verdict.
void write_column_result(H5::H5File& file, const Study& study, const ColumnResult& result);

}  // namespace flare::studies
