// A column as it stands without variation: what the timing and the nominal levels say of every point.
#pragma once

#include <vector>

#include "studies/column/column_testbench.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// Standard deviations of levels, V, to first order.
struct LevelSpread {
  double zero = 0.0;  // of the first; 0 where nothing asks for it
  double full_scale = 0.0;
  /// Of the full-scale level where a replica of as many rows as are read closes the word line; 0 where none does.
  double timing = 0.0;
};

/// Of points, in the order given.
struct ColumnDesign {
  std::vector<ColumnPoint> points;
  std::vector<double> wordline_off;          // s: end of the word-line pulse
  std::vector<std::vector<double>> nominal;  // V: level k of each point
  std::vector<LevelSpread> spread;           // from the stage "screening corners"
  ColumnCircuits circuits;

  const LoadedCircuit& circuit_of(std::size_t p) const { return circuits.at(points[p].sawl); }
};

/// The stages "timing" and "nominal levels" of the points given. Throws engine::Stopped; std::runtime_error where the design does not work
/// at a corner.
ColumnDesign design_column(const StudyRun& run, std::vector<ColumnPoint> points);

/// Level `k` of a point under the study's variation.
std::shared_ptr<engine::Testbench> level_testbench(const Study& study, const ColumnDesign& design,
                                                   std::size_t p, int k);

}  // namespace flare::studies
