#include "studies/run/study_run.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <numeric>

#include "studies/run/sample_rows.hpp"

namespace flare::studies {

std::vector<std::vector<engine::RunResult>> StudyRun::run(
    const std::string& stage, const std::vector<engine::RunRequest>& requests) const {
  progress.stage(stage);
  std::size_t found = 0;
  std::size_t total = 0;
  bool first = true;
  const auto results = engine::run_all(evaluator, store, requests, stop, [&](const engine::RunProgress& p) {
    if (first) found = p.runs_done;
    first = false;
    total = p.runs_total;
    progress.update(p.work_total > 0.0 ? p.work_done / p.work_total : 1.0,
                    fmt::format("{} of {} runs", p.runs_done, p.runs_total));
  });
  std::map<engine::Outcome, std::size_t> unknown;
  std::string reason;  // of the first that has one, its first sentence
  for (const auto& request : results) {
    for (const engine::RunResult& r : request) {
      if (engine::simulated(r.outcome)) continue;
      ++unknown[r.outcome];
      if (reason.empty()) reason = r.message.substr(0, r.message.find("; "));
    }
  }
  std::string summary = fmt::format("{} runs", total);
  if (found > 0) summary += fmt::format(", {} of them kept from before", found);
  for (const auto& [outcome, count] : unknown)
    summary += fmt::format(", {} {}", count, engine::to_string(outcome));
  if (!reason.empty()) summary += fmt::format(" (the first: {})", reason);
  progress.finish(summary);
  return results;
}

double measured(const engine::RunResult& run, std::size_t m) {
  return engine::simulated(run.outcome) ? run.measures.at(m) : NAN;
}

std::vector<double> SampleSet::values(std::size_t m) const {
  std::vector<double> known;
  known.reserve(runs.size());
  for (const engine::RunResult& r : runs) {
    const double value = measured(r, m);
    if (!std::isnan(value)) known.push_back(value);
  }
  return known;
}

std::size_t SampleSet::unknown(std::size_t m) const { return runs.size() - values(m).size(); }

engine::Matrix SampleSet::known_points(std::size_t m) const {
  engine::Matrix known(points.rows(), points.cols());
  Eigen::Index rows = 0;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    if (!std::isnan(measured(runs[r], m))) known.row(rows++) = points.row(static_cast<Eigen::Index>(r));
  }
  return known.topRows(rows);
}

namespace {

std::vector<double> weights_of(const SampleSet& samples) {
  std::vector<double> weights(samples.runs.size(), std::nan(""));
  for (std::size_t r = 0; r < samples.log_weights.size(); ++r) weights[r] = std::exp(samples.log_weights[r]);
  return weights;
}

}  // namespace

void write_samples(H5::H5File& file, const std::string& path, const SampleSet& samples) {
  std::vector<std::uint64_t> indices(samples.runs.size());
  std::iota(indices.begin(), indices.end(), samples.first);
  write_samples_of(file, path, samples, indices);
}

void write_samples_of(H5::H5File& file, const std::string& path, const SampleSet& samples,
                      std::span<const std::uint64_t> indices) {
  const auto rows = static_cast<Eigen::Index>(samples.runs.size());
  const std::vector<engine::Measure>& measures = samples.testbench->measures;
  engine::Matrix values = engine::Matrix::Constant(rows, static_cast<Eigen::Index>(measures.size()), NAN);
  engine::TableRows<std::int64_t, std::int64_t, std::int64_t> table(
      {{{"index", ""}, {"outcome", ""}, {"rung", ""}}});
  for (Eigen::Index r = 0; r < rows; ++r) {
    const engine::RunResult& run = samples.runs[static_cast<std::size_t>(r)];
    for (std::size_t m = 0; m < run.measures.size() && m < measures.size(); ++m) {
      values(r, static_cast<Eigen::Index>(m)) = run.measures[m];
    }
    table.add(static_cast<std::int64_t>(indices[static_cast<std::size_t>(r)]),
              static_cast<std::int64_t>(run.outcome), run.rung);
  }
  engine::Table runs = std::move(table).table();
  if (!samples.log_weights.empty()) runs.add("weight", "", weights_of(samples));
  engine::write_table(file, path + "/runs", runs);
  engine::write_matrix(file, path + "/measures", values);
  engine::write_matrix(file, path + "/parameters", samples.points);
  std::vector<std::string> names;
  std::vector<std::string> units;
  for (const engine::Measure& m : measures) {
    names.push_back(m.name);
    units.push_back(m.unit);
  }
  engine::write_attribute(file, path + "/measures", "names", names);
  engine::write_attribute(file, path + "/measures", "units", units);
  std::vector<std::string> variables;
  for (const engine::Variable& v : samples.testbench->variables) variables.push_back(v.name);
  engine::write_attribute(file, path + "/parameters", "names", variables);
  engine::write_attribute(file, path + "/parameters", "units", std::string("sigma"));
  engine::write_attribute(file, path, "stream", samples.stream);
  engine::write_attribute(
      file, path, "outcomes",
      std::vector<std::string>{"ok", "unconverged", "timed_out", "crashed", "unmeasured"});
}

}  // namespace flare::studies
