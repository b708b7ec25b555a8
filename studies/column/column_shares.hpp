// What a shard of a column study does besides levels: its share of what comes before them, and of what they ask for in the
// end. column_choice tells which levels are whose.
#pragma once

#include "studies/column/column_choice.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// How many items a screening has: points, what tails start from, levels of the nominal corner.
std::size_t screening_items(const Study& study);

/// A shard's part of what comes before the choice of corners: points; as one more item what the tails start from, which
/// no two shards need to learn; and plain samples of the nominal corner, which is always run in full. Throws
/// engine::Stopped.
void run_screening_share(const StudyRun& run);

/// A shard's part of the levels that have no answer and are asked again with what is left of their point's budget: known
/// once all levels of a point are done, from what whole parts have noted. Throws engine::Stopped; StudyError where a
/// level has no note.
void run_rest_share(const StudyRun& run, const ColumnDesign& design, const std::vector<std::size_t>& chosen);

}  // namespace flare::studies
