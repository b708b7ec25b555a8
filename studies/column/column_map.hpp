// The map of a study ([map]): every cell, SAWL and converter with its error at the worst corner and what a read costs.
#pragma once

#include <vector>

#include "analysis/results/map_table.hpp"
#include "studies/column/column_result.hpp"

namespace flare::studies {

/// A row for every row of the verdicts. Energies are those of the nominal corner, the column's averaged over k = 0 ... SAWL. The
/// cheapest is the one of least energy per row read among those that pass and whose converter has a circuit.
std::vector<analysis::MapRow> map_rows(const std::vector<StudiedColumn>& columns);

}  // namespace flare::studies
