#include "studies/column/column_design.hpp"

#include <fmt/format.h>

#include <utility>

#include "studies/column/column_timing.hpp"

namespace flare::studies {

namespace {

/// One run per level without variation: the references of the converters.
std::vector<std::vector<double>> find_nominal_levels(const StudyRun& run,
                                                     const std::vector<ColumnPoint>& points,
                                                     const std::vector<double>& wordline_off) {
  std::vector<engine::RunRequest> requests;
  for (std::size_t p = 0; p < points.size(); ++p) {
    for (int k = 0; k <= points[p].sawl; ++k) {
      requests.push_back({fmt::format("nominal/{}/k{}", point_name(run.study, points[p]), k), 0,
                          level_testbench(run.study, points[p], wordline_off[p], k, nullptr),
                          no_variation()});
    }
  }
  const auto results = run.run("nominal levels", requests);
  std::vector<std::vector<double>> levels(points.size());
  std::size_t next = 0;
  for (std::size_t p = 0; p < points.size(); ++p) {
    for (int k = 0; k <= points[p].sawl; ++k, ++next) {
      levels[p].push_back(single_value(results[next], requests[next].stream));
    }
  }
  return levels;
}

}  // namespace

ColumnDesign design_column(const StudyRun& run, std::vector<ColumnPoint> points) {
  ColumnDesign design;
  design.points = std::move(points);
  for (const ColumnPoint& point : design.points) {
    if (!design.circuits.contains(point.sawl))
      design.circuits[point.sawl] = column_circuit(run.study, point.sawl, run.evaluator);
  }
  design.wordline_off = find_pulses(run, design.points);
  design.nominal = find_nominal_levels(run, design.points, design.wordline_off);
  return design;
}

std::shared_ptr<engine::Testbench> level_testbench(const Study& study, const ColumnDesign& design,
                                                   std::size_t p, int k) {
  return level_testbench(study, design.points[p], design.wordline_off[p], k, &design.circuit_of(p));
}

}  // namespace flare::studies
