#include "studies/column/column_timing.hpp"

#include <fmt/format.h>

namespace flare::studies {

namespace {

engine::Measure falls_through(const TimingRun& run) {
  engine::Measure crossing;
  crossing.name = "crossing";
  crossing.kind = engine::MeasureKind::crossing;
  crossing.vector = fmt::format("v({})", sense_node(run.options));
  crossing.level = run.level;
  crossing.edge = engine::Edge::fall;
  crossing.unit = std::string("s");
  return crossing;
}

double pulse_of(const Study& study, const ColumnPoint& point, const TimingRun& timing,
                const std::vector<engine::RunResult>& results) {
  return timing.wordline_off(single_value(
      results,
      fmt::format("{}: timing: the full-scale level never falls by the swing", point_name(study, point))));
}

}  // namespace

TimingBench timing_testbench(const Study& study, const ColumnPoint& point) {
  TimingBench timing;
  timing.run = timing_run(column_options(study, point.sawl, point.sawl, point.corner), study.column->swing);
  timing.bench = column_bench(study, timing.run.options, point_name(study, point) + " timing");
  timing.bench->measures = {falls_through(timing.run)};
  return timing;
}

std::vector<double> find_pulses(const StudyRun& run, const std::vector<ColumnPoint>& points) {
  const Study& study = run.study;
  std::vector<engine::RunRequest> requests;
  std::vector<std::size_t> owner;
  std::vector<TimingRun> timings;
  for (std::size_t p = 0; p < points.size(); ++p) {
    if (!study.column->tracking_timing && points[p].corner != study.nominal) continue;
    const TimingBench timing = timing_testbench(study, points[p]);
    requests.push_back({"timing/" + point_name(study, points[p]), 0, timing.bench, no_variation()});
    owner.push_back(p);
    timings.push_back(timing.run);
  }
  const auto results = run.run("timing", requests);
  std::vector<double> wordline_off(points.size(), 0.0);
  for (std::size_t i = 0; i < owner.size(); ++i) {
    wordline_off[owner[i]] = pulse_of(study, points[owner[i]], timings[i], results[i]);
  }
  if (study.column->tracking_timing) return wordline_off;
  for (std::size_t p = 0; p < points.size(); ++p) {
    wordline_off[p] = wordline_off[nominal_point(study, points, points[p].sawl)];
  }
  return wordline_off;
}

double find_pulse(const Study& study, const ColumnPoint& point, engine::Evaluator& evaluator) {
  const TimingBench timing = timing_testbench(study, point);
  const engine::Job job{timing.bench, no_variation()};
  std::vector<engine::RunResult> results;
  evaluator.evaluate({&job, 1}, [&](std::size_t, std::size_t, const engine::RunResult& result) {
    results.push_back(result);
  });
  return pulse_of(study, point, timing.run, results);
}

}  // namespace flare::studies
