#include "studies/column/column_shares.hpp"

#include <algorithm>

#include "studies/column/column_tail_stage.hpp"
#include "studies/run/counted_batches.hpp"

namespace flare::studies {

namespace {

/// All that the screening shares out, in this order.
struct ScreeningItems {
  std::vector<ColumnPoint> points;
  std::vector<ColumnPoint> nominal;  // by SAWL
  std::vector<LevelItem> levels;     // of those; their full scale is sampled by whoever learns
};

ScreeningItems items_before(const Study& study) {
  ScreeningItems items{column_points(study), {}, {}};
  for (const int sawl : study.column->sawl) {
    for (int k = 0; k < sawl; ++k) items.levels.push_back({items.nominal.size(), k});
    items.nominal.push_back({sawl, study.nominal});
  }
  return items;
}

std::vector<double> weights_of(const Study& study, const ScreeningItems& items) {
  std::vector<double> weights;
  for (const ColumnPoint& point : items.points) weights.push_back(screening_weight(point.sawl));
  weights.push_back(learning_weight(study));
  for (const LevelItem& level : items.levels)
    weights.push_back(run_weight(items.nominal[level.point].sawl) * static_cast<double>(runs_kept(study)));
  return weights;
}

void learn(const StudyRun& run, const std::vector<ColumnPoint>& nominal) {
  const ColumnDesign design = design_column(run, nominal);
  TailStage stage(run, design);
  run.progress.stage("learning");
  run.at_once({[&] { stage.learn(run.study.column->sawl.back()); }});
  run.progress.finish("what the tails start from");
}

}  // namespace

std::size_t screening_items(const Study& study) {
  const ScreeningItems items = items_before(study);
  return items.points.size() + 1 + items.levels.size();
}

void run_screening_share(const StudyRun& run) {
  const ScreeningItems all = items_before(run.study);
  bool learns = false;
  std::vector<ColumnPoint> points;
  std::vector<LevelItem> levels;
  for (const std::size_t item : items_of(weights_of(run.study, all), run.shard)) {
    const std::size_t count = all.points.size();
    if (item < count) {
      points.push_back(all.points[item]);
    } else if (item == count) {
      learns = true;
    } else {
      levels.push_back(all.levels[item - count - 1]);
    }
  }
  if (!points.empty()) run_screening(run, design_column(run, points));
  if (learns) learn(run, all.nominal);
  if (!levels.empty()) sample_levels(run, design_column(run, all.nominal), levels, {});
}

void run_rest_share(const StudyRun& run, const ColumnDesign& design, const std::vector<std::size_t>& chosen) {
  TailStage(run, design).ask_share_again(levels_of(design, chosen));
}

}  // namespace flare::studies
