// An architecture with some of its keys changed, point by point.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "studies/cost/cost_run.hpp"

namespace flare::studies {

/// "arrays.dynamic.sawl=2,4,8": a key and the values it takes. Quoted values may hold no comma.
struct CostAxis {
  std::string key;
  std::vector<std::string> values;
};
/// Throws StudyError.
CostAxis parse_axis(const std::string& text);

/// How an architecture is made anew for a point.
struct SweepBase {
  std::filesystem::path architecture;
  std::vector<std::string> overrides;
  std::vector<std::filesystem::path> studies;
};

/// All combinations of the axes. Reads are counted again only where a point changes what they depend on; the energies of
/// `studies` are taken anew at every point. Throws StudyError for more than 10,000 points.
std::vector<analysis::CostSweepRow> sweep_cost(const CostModel& model, const SweepBase& base,
                                               const std::vector<CostAxis>& axes);

/// A row of a sweep.
analysis::CostSweepRow sweep_row(const CostRun& run, const std::string& point, double x);

}  // namespace flare::studies
