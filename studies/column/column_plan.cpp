#include "studies/column/column_plan.hpp"

#include <algorithm>
#include <set>

#include "studies/column/column_converters.hpp"
#include "studies/column/column_references.hpp"
#include "studies/column/column_testbench.hpp"
#include "studies/run/counted_batches.hpp"
#include "studies/run/rare_event_runs.hpp"

namespace flare::studies {

namespace {

/// Corners beside the nominal one that "auto" usually runs in full.
constexpr int worst_of_auto = 2;

/// At most so many of one SAWL's corners are run in full: every converter may have worst ones of its own.
std::size_t most_full_corners(const Study& study, std::size_t corners) {
  if (!study.full_corners) return corners;
  return std::min(corners, static_cast<std::size_t>(*study.full_corners) * study.converters.size() + 1);
}

/// At least so many: the nominal one may be among the worst.
std::size_t fewest_full_corners(const Study& study, std::size_t corners) {
  return std::min(corners, static_cast<std::size_t>(std::max(1, study.full_corners.value_or(worst_of_auto))));
}

/// Corners of one SAWL that usually are: converters agree about the worst ones.
std::size_t usual_full_corners(const Study& study, std::size_t corners) {
  return std::min(corners, static_cast<std::size_t>(study.full_corners.value_or(worst_of_auto)) + 1);
}

/// Adds what one SAWL takes; `run`: s.
void add_sawl(const Study& study, int sawl, std::size_t corners, std::size_t dimension, double run,
              WorkEstimate& work) {
  const std::size_t levels = static_cast<std::size_t>(sawl) + 1;
  const std::size_t plain = runs_kept(study);
  const auto budget = static_cast<std::size_t>(study.estimator.budget);
  const bool counts = study.estimator.method == "monte_carlo";
  const bool tails = study.estimator.method != "fit" && !asking_converters(study).empty();
  const std::size_t before = corners * (1 + levels + dimension);
  // Plain Monte Carlo takes all that it may, or as many samples as the study asks for.
  const std::size_t further = static_cast<std::size_t>(study.estimator.runs) - plain;
  const std::size_t counted = counts && tails ? std::max(budget / levels, further) : 0;
  const std::size_t level = plain + (counts  ? counted
                                     : tails ? std::min(usual_tail_runs, budget / levels)
                                             : 0);
  const std::size_t likely = usual_full_corners(study, corners) * levels * level;
  const std::size_t most_tails = counts ? levels * counted : tails ? budget : 0;
  const std::size_t most = most_full_corners(study, corners) * (levels * plain + most_tails);
  const std::size_t fewest = fewest_full_corners(study, corners);
  work.least_runs += before + fewest * levels * (plain + counted);
  work.counted_runs += usual_full_corners(study, corners) * levels * counted;
  work.likely_runs += before + likely;
  work.most_runs += before + most;
  work.likely_seconds += static_cast<double>(before + likely) * run;
  work.most_seconds += static_cast<double>(before + most) * run;
  work.shared_before += static_cast<double>(before) * run;
  if (tails && study.estimator.method == "auto") work.chain_before += static_cast<double>(level) * run;
  work.items += usual_full_corners(study, corners) * levels;
  work.longest_item = std::max(work.longest_item, static_cast<double>(level) * run);
  work.dimension = std::max(work.dimension, dimension);
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
    add_sawl(study, point.sawl, points.size() / study.column->sawl.size(), bench->dimension(),
             time_a_run(evaluator, *bench), plan.work);
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
