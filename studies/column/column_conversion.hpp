// Stage "conversion" of a column study: levels and tails become errors of a read, converter by converter.
#pragma once

#include <vector>

#include "analysis/converters/error_model.hpp"
#include "studies/column/column_converters.hpp"
#include "studies/column/column_levels.hpp"
#include "studies/column/column_tails.hpp"

namespace flare::studies {

/// One point read by one converter.
struct ConvertedColumn {
  std::size_t point = 0;      // of the design
  std::size_t converter = 0;  // of the study
  analysis::ModelKey key;
  analysis::ConvertedPoint value;
  analysis::ErrorModel model;
  std::vector<EstimatedTail> tails;  // empty where they come from a fit
};

/// Of every converter, in the study's order. `tails` null where all of them come from fits.
std::vector<ConvertedColumn> convert_point(const Study& study, const ColumnDesign& design, std::size_t p,
                                           const LevelSamples& levels, const PointTails* tails);

}  // namespace flare::studies
