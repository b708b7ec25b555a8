// References and timing from replica columns: columns of the same cells on the same die, with their own mismatch.
//
// A threshold between levels m and m + 1 is the mean of N replicas that store m ones and N that store m + 1:
//
//   variance = (sigma_m^2 + sigma_(m+1)^2)/(4 N).
//
// The word line is closed by a replica of M rows that all store 1, when it has fallen by its share of the swing. What a replica of
// M = n rows spreads in time, simulated, moves the full-scale level by sigma_t (0.87 of the level's own sigma for the shipped
// cell: the replica has no part in the falling edge, and a bitline's current falls with it); of M rows sqrt(n/M) of that, and a
// level of k on-cells k/n. Thresholds that are calculated stand still: the distance of level k = m + 1 to them moves by all of
// it. Replicas of the threshold are read with the same pulse and move by m + 1/2 steps: half a step is left.
//
// Levels spread as first-order sensitivities at k = 0 and k = n say: sigma_k^2 = (k/n) sigma_n^2 + (1 - k/n) sigma_0^2. References
// without replicas (`tracking`, `fixed`) are ideal: they have no mismatch.
#pragma once

#include <string>
#include <vector>

#include "studies/column/column.hpp"
#include "studies/column/column_design.hpp"
#include "studies/parts/reference_part.hpp"

namespace flare::studies {

/// True where something of the study asks for it: the spread of level 0 is then needed besides the full-scale level's.
bool has_replicas(const Study& study);

/// V, of the threshold between levels m and m + 1, for m = 0 ... SAWL - 1; empty where references and timing are ideal.
std::vector<double> reference_sigmas(const Study& study, const LevelSpread& spread, int sawl,
                                     const ConverterStudy& converter);

/// "references of 4 + 4 replica columns; ideal timing", for reports.
std::string references_text(const Study& study, const ConverterStudy& converter);

/// A column (as column_testbench has it), and the replicas of the threshold below its level in the same netlist, `average` at
/// each of the levels k - 1 and k, joined after the level has settled. One measure, "distance", V: level minus threshold.
/// Throws std::invalid_argument for a differential cell, or k = 0.
engine::Testbench replica_testbench(const ColumnOptions& options, const ReferencePart& reference, int average,
                                    const engine::DeckOptions& deck_options = {});

/// Elements of it that mismatch moves: the column's as varying_elements() has them, then the replicas'.
std::vector<std::string> replica_elements(const ColumnOptions& options, int average);

}  // namespace flare::studies
