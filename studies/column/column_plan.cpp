#include "studies/column/column_plan.hpp"

#include <algorithm>
#include <set>

#include "studies/column/column_converters.hpp"
#include "studies/column/column_references.hpp"
#include "studies/column/column_testbench.hpp"
#include "studies/run/rare_event_runs.hpp"

namespace flare::studies {

namespace {

/// At most so many of one SAWL's corners are run in full: every converter may have worst ones of its own.
std::size_t most_full_corners(const Study& study, std::size_t corners) {
  if (!study.full_corners) return corners;
  return std::min(corners, static_cast<std::size_t>(*study.full_corners) * study.converters.size() + 1);
}

}  // namespace

ColumnPlan plan_column_study(const Study& study, engine::Evaluator& evaluator) {
  ColumnPlan plan;
  const std::vector<ColumnPoint> points = column_points(study);
  const std::size_t corners = most_full_corners(study, points.size() / study.column->sawl.size());
  std::set<std::string> processes;
  for (const ColumnPoint& point : points) {
    // One of each kind shows what is wrong with all of them: every section of the cards once, every SAWL once.
    if (processes.insert(point.corner.process).second)
      column_deck(study, column_options(study, point.sawl, 0, point.corner));
    ++plan.timing;
    plan.nominal += static_cast<std::size_t>(point.sawl) + 1;
    if (plan.dimension.contains(point.sawl)) {
      plan.screening += plan.dimension[point.sawl] * (has_replicas(study) ? 2 : 1);
      continue;
    }
    const ColumnOptions options = column_options(study, point.sawl, point.sawl, point.corner);
    const auto bench = column_bench(study, options, point_name(study, point));
    add_variation(study, column_circuit(study, point.sawl, evaluator), varying_elements(options), *bench);
    plan.dimension[point.sawl] = bench->dimension();
    plan.screening += bench->dimension();
    if (has_replicas(study)) plan.screening += bench->dimension();
    plan.nominal += corners * (static_cast<std::size_t>(point.sawl) + 1);  // their energy
    plan.full +=
        corners * (static_cast<std::size_t>(point.sawl) + 1) * static_cast<std::size_t>(study.estimator.runs);
    if (study.estimator.method == "fit" || asking_converters(study).empty()) continue;
    check_budget(study, bench->dimension() + 1);  // and the converter
    plan.tails += corners * static_cast<std::size_t>(study.estimator.budget);
  }
  plan.points = points.size();
  return plan;
}

}  // namespace flare::studies
