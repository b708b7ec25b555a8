#include "studies/column/column_levels.hpp"

#include <fmt/format.h>

#include <atomic>
#include <utility>

#include "studies/column/column_die.hpp"
#include "studies/run/counted_batches.hpp"

namespace flare::studies {

engine::RunRequest plain_samples(const Study& study, const ColumnDesign& design, std::size_t p, int k) {
  auto bench = level_testbench(study, design, p, k);
  if (follows_die(study)) add_die_measures(*bench);
  const std::string stream = fmt::format("points/{}/k{}", point_name(study, design.points[p]), k);
  const std::size_t count = runs_kept(study);
  const engine::SampleSource source{study.seed, stream, study.estimator.design, count};
  engine::Matrix samples = engine::draw(source, 0, count, bench->dimension());
  return {stream, 0, std::move(bench), std::move(samples)};
}

std::vector<LevelItem> levels_of(const ColumnDesign& design, const std::vector<std::size_t>& points) {
  std::vector<LevelItem> items;
  for (const std::size_t p : points) {
    for (int k = 0; k <= design.points[p].sawl; ++k) items.push_back({p, k});
  }
  return items;
}

// 2.4, 3.7, 5.6, 10.1, 21.9 ms at SAWL 2, 4, 8, 16, 32 (shipped 8T column).
double run_weight(int sawl) { return 1.5 + 0.6 * sawl; }

std::vector<SampleSet> sample_levels(const StudyRun& run, const ColumnDesign& design,
                                     const std::vector<LevelItem>& items, std::function<void()> beside) {
  std::vector<SampleSet> plain(items.size());
  std::vector<std::function<void()>> tasks;
  if (beside) tasks.push_back(std::move(beside));
  const LevelRunner runner(run, design);
  std::atomic<std::size_t> done = 0;
  const auto keep = [&](std::size_t i, const engine::RunRequest& request,
                        std::vector<engine::RunResult> runs) {
    plain[i] = {request.stream, 0, request.testbench, request.points, std::move(runs)};
  };
  const auto all = [&] {
    std::vector<engine::RunRequest> requests;
    requests.reserve(items.size());
    for (const LevelItem& item : items)
      requests.push_back(plain_samples(run.study, design, item.point, item.k));
    auto results = run.run("levels", requests);
    for (std::size_t i = 0; i < items.size(); ++i) keep(i, requests[i], std::move(results[i]));
  };
  const auto on_dies = [&](std::size_t i) {
    const engine::RunRequest request = plain_samples(run.study, design, items[i].point, items[i].k);
    keep(i, request, runner.make(items[i].point, items[i].k, request));
    run.progress.update(static_cast<double>(++done) / static_cast<double>(items.size()),
                        fmt::format("{} of {} levels", done.load(), items.size()));
  };
  if (follows_die(run.study)) {
    run.progress.stage("levels");
    for (std::size_t i = 0; i < items.size(); ++i) tasks.emplace_back([&, i] { on_dies(i); });
  } else {
    tasks.emplace_back(all);
  }
  run.at_once(tasks);
  if (follows_die(run.study))
    run.progress.finish(fmt::format("{} levels, each sample on its die", items.size()));
  return plain;
}

std::map<std::size_t, LevelSamples> fit_levels(const std::vector<LevelItem>& items,
                                               std::vector<SampleSet> plain) {
  std::map<std::size_t, LevelSamples> levels;
  for (std::size_t i = 0; i < items.size(); ++i) {
    LevelSamples& level = levels[items[i].point];
    level.samples.push_back(std::move(plain[i]));
    const SampleSet& set = level.samples.back();
    level.fits.push_back(analysis::LevelFit::from_runs(set.values(), set.known_points(), set.unknown()));
  }
  return levels;
}

}  // namespace flare::studies
