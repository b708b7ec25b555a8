#include "studies/column_levels.hpp"

#include <fmt/format.h>

namespace flare::studies {

engine::RunRequest plain_samples(const Study& study, const ColumnDesign& design, std::size_t p, int k) {
  auto bench = level_testbench(study, design, p, k);
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
  const auto results = run.run("levels", requests);
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
