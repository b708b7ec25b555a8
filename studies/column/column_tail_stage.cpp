#include "studies/column/column_tail_stage.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flare::studies {

TailStage::TailStage(const StudyRun& run, const ColumnDesign& design)
    : run_(run), design_(design), runner_(run, design), asking_(asking_converters(run.study)) {}

std::map<std::size_t, PointTails> TailStage::estimate(const std::map<std::size_t, LevelSamples>& levels) {
  std::map<std::size_t, PointTails> tails;
  if (run_.study.estimator.method == "fit" || asking_.empty() || levels.empty()) return tails;
  run_.progress.stage("tails");
  // For the progress: a run costs about as its SAWL.
  double work = 0.0;
  double work_done = 0.0;
  for (const auto& [p, level] : levels) work += design_.points[p].sawl * (design_.points[p].sawl + 1.0);
  std::size_t runs = 0;
  for (const auto& [p, level] : levels) {
    const ColumnPoint& point = design_.points[p];
    TailOptions options = options_for(p, warm_starts_of(p));
    options.on_level = [&](std::size_t made) {
      runs += made;
      work_done += point.sawl;
      run_.progress.update(work_done / work, fmt::format("{} runs, {}", runs, point_name(run_.study, point)));
    };
    tails[p] = estimate_tails(run_, levels_of(p, level), converters_of(p), options);
  }
  run_.progress.finish(fmt::format("{} runs", runs));
  return tails;
}

// The nominal corner starts from the SAWL before, every other corner from the nominal one.
const TailStage::StandIns& TailStage::warm_starts_of(std::size_t p) {
  const ColumnPoint& point = design_.points[p];
  if (point.corner != run_.study.nominal) return learn(point.sawl);
  const std::vector<int>& sawl = run_.study.column->sawl;
  const auto at = std::find(sawl.begin(), sawl.end(), point.sawl);
  return at == sawl.begin() ? none_ : learn(*(at - 1));
}

const TailStage::StandIns& TailStage::learn(int sawl) {
  for (const int next : run_.study.column->sawl) {
    if (!learnt_.contains(next)) {
      const std::size_t nominal = nominal_point(run_.study, design_.points, next);
      learnt_[next] = learn(nominal, warm_starts_of(nominal));
    }
    if (next == sawl) break;
  }
  return learnt_.at(sawl);
}

// The stand-ins of the nominal corner's full-scale level: the first level its point would estimate, with the same runs.
TailStage::StandIns TailStage::learn(std::size_t nominal, const StandIns& warm_starts) {
  if (run_.study.estimator.method != "auto") return {};
  const int sawl = design_.points[nominal].sawl;
  const engine::RunRequest request = plain_samples(run_.study, design_, nominal, sawl);
  const SampleSet full_scale{request.stream, 0, request.testbench, request.points,
                             runner_.make(nominal, sawl, request)};
  TailOptions options = options_for(nominal, warm_starts);
  options.more_levels = static_cast<std::size_t>(sawl);
  return estimate_tails(run_, {level_of(nominal, static_cast<std::size_t>(sawl), full_scale)},
                        converters_of(nominal), options)
      .surrogates;
}

TailLevel TailStage::level_of(std::size_t p, std::size_t k, const SampleSet& plain) const {
  return {k, &plain, [this, p, k](const engine::RunRequest& request) {
            return runner_.make(p, static_cast<int>(k), request);
          }};
}

std::vector<TailLevel> TailStage::levels_of(std::size_t p, const LevelSamples& point) const {
  std::vector<TailLevel> levels;
  for (std::size_t k = 0; k < point.samples.size(); ++k) levels.push_back(level_of(p, k, point.samples[k]));
  return levels;
}

std::vector<SetConverter> TailStage::converters_of(std::size_t p) const {
  std::vector<SetConverter> converters;
  for (const std::size_t c : asking_)
    converters.push_back(set_converter(run_.study, design_, p, run_.study.converters[c]));
  return converters;
}

TailOptions TailStage::options_for(std::size_t p, const StandIns& warm_starts) const {
  TailOptions options;
  options.stream = "tails/" + point_name(run_.study, design_.points[p]);
  options.accuracy = run_.study.estimator.accuracy;
  options.budget = static_cast<std::uint64_t>(run_.study.estimator.budget);
  options.method = run_.study.estimator.method;
  options.warm_starts = warm_starts;
  return options;
}

}  // namespace flare::studies
