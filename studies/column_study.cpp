#include "studies/column_study.hpp"

#include <algorithm>

#include "studies/column_choice.hpp"
#include "studies/column_tail_stage.hpp"

namespace flare::studies {

namespace {

void convert(const Study& study, std::size_t p, LevelSamples levels, PointTails* tails,
             ColumnResult& result) {
  for (ConvertedColumn& c : convert_point(study, result.design, p, levels, tails))
    result.converted.push_back(std::move(c));
  result.full[p] = {std::move(levels), {}};
  if (tails != nullptr) result.full[p].tail_runs = std::move(tails->shared);
}

}  // namespace

ColumnResult run_column_study(const StudyRun& run) {
  ColumnResult result;
  result.design = design_column(run);
  result.screened = screen_corners(run, result.design);
  const std::vector<std::size_t> points =
      points_of_shard(choose_full(run.study, result.design.points, result.screened), run.shard);
  std::map<std::size_t, LevelSamples> levels = sample_levels(run, result.design, points);
  std::map<std::size_t, PointTails> tails = TailStage(run, result.design).estimate(levels);
  if (run.shard.count > 1) return result;
  for (auto& [p, level] : levels)
    convert(run.study, p, std::move(level), tails.contains(p) ? &tails.at(p) : nullptr, result);
  std::stable_sort(
      result.converted.begin(), result.converted.end(),
      [](const ConvertedColumn& a, const ConvertedColumn& b) { return a.converter < b.converter; });
  std::vector<analysis::NamedPoint> named;
  for (const ConvertedColumn& c : result.converted) named.push_back(analysis::named_point(c.key, c.value));
  result.verdict = analysis::make_verdict(named);
  return result;
}

}  // namespace flare::studies
