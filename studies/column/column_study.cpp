#include "studies/column/column_study.hpp"

#include <algorithm>
#include <tuple>

#include "studies/column/column_tail_stage.hpp"

namespace flare::studies {

namespace {

/// Runs points in full, one after the other stage by stage.
class FullRuns {
 public:
  FullRuns(const StudyRun& run, ColumnResult& result)
      : run_(run), result_(result), tails_(run, result.design) {}

  void run(const std::vector<std::size_t>& points) {
    std::map<std::size_t, LevelSamples> levels = sample_levels(run_, result_.design, points);
    std::map<std::size_t, PointTails> tails = tails_.estimate(levels);
    // A shard has only its runs to give.
    if (run_.shard.count > 1) return;
    for (auto& [p, level] : levels) take_in(p, std::move(level), tails.contains(p) ? &tails.at(p) : nullptr);
  }

 private:
  void take_in(std::size_t p, LevelSamples levels, PointTails* tails) {
    for (ConvertedColumn& c : convert_point(run_.study, result_.design, p, levels, tails)) {
      result_.corners.add(p, c.converter, c.value.worst());
      result_.converted.push_back(std::move(c));
    }
    result_.full[p] = {std::move(levels), {}};
    if (tails != nullptr) result_.full[p].tail_runs = std::move(tails->shared);
  }

  const StudyRun& run_;
  ColumnResult& result_;
  TailStage tails_;
};

std::vector<analysis::VerdictRow> verdict_of(const Study& study, const ColumnResult& result) {
  std::vector<analysis::NamedPoint> named;
  for (const ConvertedColumn& c : result.converted) named.push_back(analysis::named_point(c.key, c.value));
  std::vector<analysis::VerdictRow> verdict =
      analysis::make_verdict(named, {analysis::PassRule::upper_bound, study.target});
  for (analysis::VerdictRow& row : verdict) {
    for (std::size_t c = 0; c < study.converters.size(); ++c) {
      for (std::size_t s = 0; s < study.column->sawl.size(); ++s) {
        if (study.converters[c].name == row.key.adc && study.column->sawl[s] == row.key.sawl)
          row.corners = result.corners.coverage(c, s);
      }
    }
  }
  return verdict;
}

}  // namespace

ColumnResult run_column_study(const StudyRun& run) {
  const Study& study = run.study;
  ColumnResult result;
  result.design = design_column(run);
  result.corners = CornerRecord(study, result.design.points, screen_corners(run, result.design));
  FullRuns full(run, result);
  full.run(points_of_shard(first_choice(study, result.design.points, result.corners), run.shard));
  if (run.shard.count > 1) return result;
  if (!study.full_corners) {
    for (std::vector<std::size_t> more = next_choice(result.corners); !more.empty();
         more = next_choice(result.corners)) {
      full.run(more);
    }
  }
  std::sort(result.converted.begin(), result.converted.end(),
            [](const ConvertedColumn& a, const ConvertedColumn& b) {
              return std::tie(a.converter, a.point) < std::tie(b.converter, b.point);
            });
  result.verdict = verdict_of(study, result);
  return result;
}

}  // namespace flare::studies
