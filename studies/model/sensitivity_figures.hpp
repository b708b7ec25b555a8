// The sensitivity of a model as figures.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/results/verdict_table.hpp"
#include "studies/model/sensitivity.hpp"

namespace flare::studies {

/// A SAWL of a study, to be marked on a sweep: the error of its worst level, and the model's own drop under its error model
/// where it was evaluated.
struct SawlMark {
  std::string name;
  double rate = 0;
  std::optional<double> drop;
};
/// Of the verdict's rows, with what `rows` found at them in read mode. Rows without a probability are left out.
std::vector<SawlMark> sawl_marks(const std::vector<analysis::VerdictRow>& verdict,
                                 const std::vector<AccuracyEvaluation>& rows);

/// Drop over the error rate with its 95 % limits; a line and a name at every mark. Throws analysis::FigureError.
std::string sweep_svg(const std::vector<SweepPoint>& points, const std::vector<SawlMark>& marks);
/// Layer x operand, coloured by the drop of agreement with floating point.
std::string map_svg(const std::vector<MapCell>& cells);

}  // namespace flare::studies
