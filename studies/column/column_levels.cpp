#include "studies/column/column_levels.hpp"

#include <fmt/format.h>

#include "studies/column/column_die.hpp"

namespace flare::studies {

namespace {

std::vector<std::vector<engine::RunResult>> run_on_dies(const StudyRun& run, const ColumnDesign& design,
                                                        const std::vector<std::size_t>& points,
                                                        const std::vector<engine::RunRequest>& requests) {
  run.progress.stage("levels");
  const LevelRunner runner(run, design);
  std::vector<std::vector<engine::RunResult>> results;
  for (const std::size_t p : points) {
    for (int k = 0; k <= design.points[p].sawl; ++k) {
      results.push_back(runner.make(p, k, requests[results.size()]));
      run.progress.update(static_cast<double>(results.size()) / static_cast<double>(requests.size()),
                          fmt::format("{} of {} levels", results.size(), requests.size()));
    }
  }
  run.progress.finish(fmt::format("{} levels, each sample on its die", results.size()));
  return results;
}

}  // namespace

engine::RunRequest plain_samples(const Study& study, const ColumnDesign& design, std::size_t p, int k) {
  auto bench = level_testbench(study, design, p, k);
  if (follows_die(study)) add_die_measures(*bench);
  const std::string stream = fmt::format("points/{}/k{}", point_name(study, design.points[p]), k);
  const auto count = static_cast<std::size_t>(study.estimator.runs);
  const engine::SampleSource source{study.seed, stream, study.estimator.design, count};
  engine::Matrix samples = engine::draw(source, 0, count, bench->dimension());
  return {stream, 0, std::move(bench), std::move(samples)};
}

std::map<std::size_t, LevelSamples> sample_levels(const StudyRun& run, const ColumnDesign& design,
                                                  const std::vector<std::size_t>& points) {
  std::vector<engine::RunRequest> requests;
  for (const std::size_t p : points) {
    for (int k = 0; k <= design.points[p].sawl; ++k)
      requests.push_back(plain_samples(run.study, design, p, k));
  }
  const auto results =
      follows_die(run.study) ? run_on_dies(run, design, points, requests) : run.run("levels", requests);
  std::map<std::size_t, LevelSamples> levels;
  std::size_t next = 0;
  for (const std::size_t p : points) {
    LevelSamples& level = levels[p];
    for (int k = 0; k <= design.points[p].sawl; ++k, ++next) {
      const engine::RunRequest& request = requests[next];
      level.samples.push_back({request.stream, 0, request.testbench, request.points, results[next]});
      const SampleSet& set = level.samples.back();
      level.fits.push_back(analysis::LevelFit::from_runs(set.values(), set.known_points(), set.unknown()));
    }
  }
  return levels;
}

}  // namespace flare::studies
