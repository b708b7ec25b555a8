// The study of a bitline column: at which SAWL does a read stay right?
//
//   timing     one run per (SAWL, corner): how long a word-line pulse brings the full-scale level down by the
//              swing?
//   nominal    one run per (SAWL, corner, level): the reference levels
//   screening  one run per variable of the full-scale level at every corner ranks the corners, per converter
//   levels     every level at the nominal corner and the worst ones: plain samples for moments and histograms
//   tails      of those, each level towards the thresholds of every converter, by rare-event simulation (or from
//              a fit to the plain samples, where the study asks for "fit")
//   more       levels and tails of further corners, until none that was only screened can be the worst
//
// Levels are voltages of the bitline at the sense time; k is the number of on-cells among the active rows. Each stage
// is a file of its own, values in and values out: column_design (timing, nominal levels), column_screening,
// column_choice, column_levels, column_tail_stage, column_conversion, column_result.
#pragma once

#include "studies/column/column_plan.hpp"
#include "studies/column/column_replay.hpp"
#include "studies/column/column_result.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// The stages up to the screening: what no converter can read is said here, before the long ones.
ColumnResult screen_column(const StudyRun& run);

/// The stages after it.
void estimate_column(const StudyRun& run, ColumnResult& result);

/// All stages. A shard has only its runs to give: its result has no converted points and no verdict. Throws
/// engine::Stopped, engine::StoreError, StudyError, std::runtime_error.
ColumnResult run_column_study(const StudyRun& run);

}  // namespace flare::studies
