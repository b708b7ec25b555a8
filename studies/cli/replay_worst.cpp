#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/report/figure_file.hpp"
#include "analysis/report/figure_waveforms.hpp"
#include "engine/simulate/spice_text.hpp"
#include "engine/workers/worker_pool.hpp"
#include "studies/circuit/circuit_margin.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/result_commands.hpp"
#include "studies/cli/worst_point.hpp"
#include "studies/column/column_replay.hpp"

namespace flare::studies {

namespace {

/// A recorded sample.
struct Sample {
  std::int64_t index = 0;
  Eigen::RowVectorXd point;
  double distance = 0.0;
};

/// The samples of a group by their distance from the nominal point. `failing`: those alone that fail the spec (a column's
/// levels have no limit of their own: those that lie beyond the most probable failing point).
std::vector<Sample> nearest_failing(const H5::H5File& file, const Study& study, const WorstPoint& worst) {
  const std::string group =
      engine::exists(file, worst.tail_samples + "/parameters") ? worst.tail_samples : worst.plain_samples;
  const engine::Matrix points = engine::read_matrix(file, group + "/parameters");
  const engine::Matrix measures = engine::read_matrix(file, group + "/measures");
  const std::vector<std::int64_t> indices = engine::read_table(file, group + "/runs").integers("index");
  if (points.cols() != worst.point.size() || measures.rows() != points.rows() ||
      static_cast<Eigen::Index>(indices.size()) != points.rows()) {
    throw engine::FileError(fmt::format("{}: {}: its runs, parameters and measures do not belong together",
                                        file.getFileName(), group));
  }
  const Eigen::RowVectorXd out = worst.point.normalized();
  std::vector<Sample> samples;
  for (Eigen::Index r = 0; r < points.rows(); ++r) {
    bool fails = points.row(r).dot(out) >= worst.point.norm();
    if (study.circuit) {
      for (const Spec& spec : study.circuit->specs) {
        if (!worst.what.starts_with(spec.name + " at ")) continue;
        const auto column = static_cast<Eigen::Index>(spec.measure);
        fails = column < measures.cols() && margin(spec, measures(r, column)) <= 0.0;
      }
    }
    if (fails) samples.push_back({indices[static_cast<std::size_t>(r)], points.row(r), points.row(r).norm()});
  }
  std::stable_sort(samples.begin(), samples.end(),
                   [](const Sample& a, const Sample& b) { return a.distance < b.distance; });
  return samples;
}

const char* axis_of_analysis(engine::AnalysisKind kind) {
  switch (kind) {
    case engine::AnalysisKind::dc_sweep:
      return "swept value (V or A)";
    case engine::AnalysisKind::ac_sweep:
    case engine::AnalysisKind::noise:
      return "frequency (Hz)";
    default:
      return "time (s)";
  }
}

}  // namespace

int replay_worst(const std::filesystem::path& result, const WorstReplay& options) {
  const H5::H5File file = engine::open_result(result);
  const Study study = study_of(file, options.allow_commands, options.study);
  engine::WorkerPoolOptions pool_options;
  pool_options.workers = 1;
  engine::WorkerPool pool(pool_options);
  const WorstPoint worst = worst_point(file, study, "", pool);
  if (worst.bench.analysis.kind == engine::AnalysisKind::operating_point)
    throw StudyError(result.string() +
                     ": an operating point has no waveforms; flare corner writes its worst point");
  std::vector<Sample> samples = nearest_failing(file, study, worst);
  if (samples.empty())
    throw StudyError(fmt::format("{}: no recorded sample fails {}", result.string(), worst.what));
  samples.resize(std::min(samples.size(), static_cast<std::size_t>(options.count)));
  std::vector<std::pair<std::string, std::vector<analysis::Trace>>> panels;
  for (const std::string& vector : engine::measured_vectors(worst.bench)) panels.push_back({vector, {}});
  const auto add = [&](const Eigen::RowVectorXd& point, const std::string& name, bool nominal) {
    const engine::Waveforms waves = pool.waveforms(worst.bench, point);
    for (auto& [vector, traces] : panels) {
      if (const std::vector<double>* values = waves.find(vector))
        traces.push_back({name, waves.time, *values, nominal});
    }
  };
  for (const Sample& sample : samples) add(sample.point, fmt::format("sample {}", sample.index), false);
  add(Eigen::RowVectorXd::Zero(worst.point.size()), "nominal", true);
  engine::write_text(analysis::figure_output(
      options.out, analysis::draw_waveforms(axis_of_analysis(worst.bench.analysis.kind),
                                            worst.bench.analysis.kind == engine::AnalysisKind::ac_sweep ||
                                                worst.bench.analysis.kind == engine::AnalysisKind::noise,
                                            panels)));
  for (const Sample& sample : samples)
    fmt::print("sample {}: {:.2f} sigma from the nominal point\n", sample.index, sample.distance);
  fmt::print("{}: waveforms in {}\n", worst.what, options.out.string());
  return exit_done;
}

}  // namespace flare::studies
