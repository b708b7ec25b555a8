// Stage "energy" of a column study: what a read takes from the supply and from the word lines' drivers.
#pragma once

#include <map>
#include <vector>

#include "engine/base/read_cost.hpp"
#include "studies/column/column_conversion.hpp"

namespace flare::studies {

/// J, by point and k, of the levels named: one run each without variation, in which the bitline is precharged again.
/// Throws engine::Stopped.
std::map<std::size_t, std::vector<double>> read_energies(const StudyRun& run, const ColumnDesign& design,
                                                         const std::vector<LevelItem>& levels);

/// `energies`: of the point. What the converter takes is what was measured of its circuit, if it has one.
engine::ReadCost read_cost(const Study& study, const ColumnDesign& design, const ConvertedColumn& column,
                           const std::vector<double>& energies);

}  // namespace flare::studies
