// Stage "screening" of a column study: which corners are bad, from a run per variable.
#pragma once

#include <vector>

#include "studies/column/column_converters.hpp"

namespace flare::studies {

/// Screened sigma of every point (first) and converter (second). Minus infinity where a sensitivity has no answer:
/// such a corner is the first to be looked at in full.
using ScreenedSigma = std::vector<std::vector<double>>;

/// Sensitivities of the full-scale level at every corner, and where replicas ask for it of level 0: no sampling noise between
/// corners, and each variable counts once. Not a number where a sensitivity has no answer. Throws engine::Stopped.
std::vector<LevelSpread> level_spreads(const StudyRun& run, const ColumnDesign& design);

/// From the spreads of the design.
ScreenedSigma screen_corners(const Study& study, const ColumnDesign& design);

/// Its runs alone, of every point of the design; the full-scale level is measure 0.
std::vector<std::vector<engine::RunResult>> run_screening(const StudyRun& run, const ColumnDesign& design);

/// Smallest distance of a level to a neighbouring threshold over its spread, taking the variance of level k as k/SAWL
/// of the full-scale level's (V).
double screened_sigma(const SetConverter& converter, const std::vector<double>& nominal,
                      double full_scale_sigma);

}  // namespace flare::studies
