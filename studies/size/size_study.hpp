// The least gate area, or another cost, at which a design holds its target, over named sizes. Which designs there are:
// studies/size/sized_design.hpp.
//
// At a set of sizes the study is estimated; of what limits it that gives sigma and the most probable failing point x*.
// How sigma changes with a size s follows from few runs at x*, where the margin m is zero:
//
//     d sigma / d ln s = (d m / d ln s) / |d m / d r|,   r the distance along x*
//
// since a margin gained at x* moves the boundary outwards by it over the slope. The size changes there what it changes in the
// circuit: areas with their mismatch and the nominal values alike. With sigma linear in ln s and the cost linear in s the
// least cost is where cost_j s_j = lambda g_j (Lagrange), within a reach that shrinks where the linear model was wrong; there the
// study is estimated again, until the sizes stay and the whole interval holds the target. Another seed confirms.
#pragma once

#include <string>
#include <vector>

#include "studies/run/study_run.hpp"

namespace flare::studies {

/// A key of the study with its range, "technology.parameters.wn=80 nm..400 nm".
struct SizeKey {
  std::string key;
  std::string name;  // its last part: what a cost calls it
  std::string unit;  // as written
  double low = 0.0;  // in the unit
  double high = 0.0;
};
/// Throws StudyError.
SizeKey parse_size_key(const std::string& text);

struct SizeOptions {
  std::vector<SizeKey> keys;
  std::string cost;  // an expression of the names, in their units; empty: the design's gate area, um^2
};

/// One set of sizes that was looked at.
struct SizeStep {
  std::vector<double> sizes;  // in the keys' units
  double cost = 0.0;
  double sigma = 0.0;  // of what limits, at its worst corner, with its 95 % interval
  double sigma_low = 0.0;
  double sigma_high = 0.0;
  double model_sigma =
      0.0;  // what steps are taken from: sigma, or the nearest failure's distance where no run failed
  double half_width = 0.0;          // of its interval, sigma
  std::string limiting;             // "snm at tt_0.90V_27C"
  std::size_t runs = 0;             // made for it; what was known already is not made again
  std::vector<double> sensitivity;  // d sigma / d ln size
};

struct SizeResult {
  std::vector<SizeStep> steps;      // in order
  std::size_t unanswered_runs = 0;  // at sizes whose estimate was refused: no step, a shorter one was taken
  SizeStep best;                    // the cheapest whose interval holds the target
  bool found = false;
  SizeStep confirmed;  // the best again, with another seed
};

/// `run`: its study is the one that is sized, starting in the middle (of the logarithms) of every range. Throws StudyError
/// where a study cannot be sized, a key does not exist or no failing point is known; engine::Stopped.
SizeResult find_sizes(const StudyRun& run, const SizeOptions& options);

}  // namespace flare::studies
