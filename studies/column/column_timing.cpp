#include "studies/column/column_timing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

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
  timing.run = timing_run(column_options(study, point.sawl, point.sawl, point.corner),
                          study.column->swing.at(point.corner));
  timing.bench = column_bench(study, timing.run.options, point_name(study, point) + " timing");
  timing.bench->measures = {falls_through(timing.run)};
  return timing;
}

std::vector<double> find_pulses(const StudyRun& run, const std::vector<ColumnPoint>& points) {
  const Study& study = run.study;
  std::vector<std::string> timed;  // in the order of the requests
  std::vector<std::size_t> whose(points.size());
  std::vector<engine::RunRequest> requests;
  std::vector<TimingRun> timings;
  std::vector<ColumnPoint> where;
  for (std::size_t p = 0; p < points.size(); ++p) {
    // Without tracking every corner has the nominal one's pulse.
    const ColumnPoint point{points[p].sawl, study.column->tracking_timing ? points[p].corner : study.nominal};
    const std::string name = point_name(study, point);
    const auto known = std::find(timed.begin(), timed.end(), name);
    whose[p] = static_cast<std::size_t>(known - timed.begin());
    if (known != timed.end()) continue;
    const TimingBench timing = timing_testbench(study, point);
    requests.push_back({"timing/" + name, 0, timing.bench, no_variation()});
    timed.push_back(name);
    timings.push_back(timing.run);
    where.push_back(point);
  }
  const auto results = run.run("timing", requests);
  std::vector<double> pulses;
  for (std::size_t i = 0; i < timings.size(); ++i)
    pulses.push_back(pulse_of(study, where[i], timings[i], results[i]));
  std::vector<double> wordline_off;
  for (const std::size_t i : whose) wordline_off.push_back(pulses[i]);
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
