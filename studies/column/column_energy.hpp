// Stage "energy" of a column study: what a read takes from the supply and from the word lines' drivers.
#pragma once

#include <cmath>
#include <map>
#include <vector>

#include "engine/base/read_cost.hpp"
#include "studies/column/column_conversion.hpp"

namespace flare::studies {

/// What one read without variation drew until its bitline was precharged again. NaN: no answer, or not asked for.
struct ReadDraw {
  double volt = NAN;     // of the supply
  double bitline = NAN;  // C, from the supply
  double word_lines =
      NAN;             // C at `volt`: this column's share of all driven rows, a boosted high level included
  double level = NAN;  // V, of the sense node

  double energy() const { return volt * (bitline + word_lines); }  // J
};

/// By point and k, of the levels named: one run each. Throws engine::Stopped.
std::map<std::size_t, std::vector<ReadDraw>> read_energies(const StudyRun& run, const ColumnDesign& design,
                                                           const std::vector<LevelItem>& levels);

/// `energies`: of the point, by k. What the converter takes is what was measured of its circuit, if it has one.
engine::ReadCost read_cost(const Study& study, const ColumnDesign& design, const ConvertedColumn& column,
                           const std::vector<ReadDraw>& energies);

}  // namespace flare::studies
