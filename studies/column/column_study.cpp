#include "studies/column/column_study.hpp"

#include <algorithm>
#include <tuple>

#include "studies/column/column_energy.hpp"
#include "studies/column/column_shares.hpp"
#include "studies/column/column_tail_stage.hpp"

namespace flare::studies {

namespace {

/// Runs points in full, or the share of them that is this shard's.
class FullRuns {
 public:
  FullRuns(const StudyRun& run, ColumnResult& result)
      : run_(run), result_(result), tails_(run, result.design) {}

  void run(const std::vector<std::size_t>& points) {
    const std::vector<LevelItem> items = items_of_shard(run_.study, result_.design, points, run_.shard);
    if (items.empty()) return;
    const auto energies = read_energies(run_, result_.design, items);
    // Learning is a chain of small batches: it goes on while there is other work.
    std::vector<SampleSet> plain = sample_levels(run_, result_.design, items, [&] { learn(items); });
    std::vector<LevelTails> tails = tails_.estimate(items, plain);
    // A shard has only its runs to give.
    if (run_.shard.count > 1) return;
    std::map<std::size_t, std::vector<LevelTails>> by_point;
    for (std::size_t i = 0; i < tails.size(); ++i) by_point[items[i].point].push_back(std::move(tails[i]));
    for (auto& [p, level] : fit_levels(items, std::move(plain))) {
      PointTails joined = join_levels(std::move(by_point[p]));
      take_in(p, std::move(level), tails.empty() ? nullptr : &joined);
      result_.full[p].energies = energies.at(p);
    }
  }

 private:
  void learn(const std::vector<LevelItem>& items) {
    for (const LevelItem& item : items) tails_.learn(result_.design.points[item.point].sawl);
  }

  void take_in(std::size_t p, LevelSamples levels, PointTails* tails) {
    for (ConvertedColumn& c : convert_point(run_.study, result_.design, p, levels, tails)) {
      result_.corners.add(p, c.converter, c.value.worst());
      result_.converted.push_back(std::move(c));
    }
    FullPoint& full = result_.full[p];
    full.levels = std::move(levels);
    if (tails == nullptr) return;
    full.tail_runs = std::move(tails->shared);
    full.counted = std::move(tails->counted);
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

ColumnResult screen_column(const StudyRun& run) {
  ColumnResult result;
  if (run.shard.stage == ShardStage::screening) {
    run_screening_share(run);
    return result;
  }
  result.design = design_column(run, column_points(run.study));
  result.design.spread = level_spreads(run, result.design);
  result.corners = CornerRecord(run.study, result.design.points, screen_corners(run.study, result.design));
  return result;
}

void estimate_column(const StudyRun& run, ColumnResult& result) {
  const Study& study = run.study;
  if (run.shard.stage == ShardStage::screening) return;
  if (run.shard.stage == ShardStage::rest) {
    run_rest_share(run, result.design, expected_choice(study, result.design.points, result.corners));
    return;
  }
  FullRuns full(run, result);
  if (run.shard.count > 1) {
    full.run(expected_choice(study, result.design.points, result.corners));
    return;
  }
  full.run(first_choice(study, result.design.points, result.corners));
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
}

ColumnResult run_column_study(const StudyRun& run) {
  ColumnResult result = screen_column(run);
  estimate_column(run, result);
  return result;
}

}  // namespace flare::studies
