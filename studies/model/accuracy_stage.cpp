#include "studies/model/accuracy_stage.hpp"

#include <fmt/format.h>

#include <memory>

#include "flare_arch/models/accuracy.hpp"

namespace flare::studies {

AccuracyBench::AccuracyBench(const AccuracyStudy& study, std::uint64_t seed, Progress& progress,
                             std::stop_token stop, std::size_t evaluations)
    : study_(study),
      seed_(seed),
      progress_(progress),
      stop_(std::move(stop)),
      model_(arch::VitModel::load(study.model)),
      dataset_(arch::load_digits(study.dataset)),
      evaluations_(evaluations) {
  progress_.stage("accuracy");
}

AccuracyRow AccuracyBench::run(arch::AccuracyOptions options) {
  options.examples = study_.examples;
  options.seed = seed_;
  options.stop = stop_;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    const double part = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1.0;
    progress_.update((static_cast<double>(finished_) + part) / static_cast<double>(evaluations_),
                     fmt::format("{} of {} evaluations", finished_, evaluations_));
  };
  const arch::AccuracyResult result = arch::evaluate_accuracy(model_, dataset_, options);
  if (result.stopped) throw engine::Stopped();
  ++finished_;
  AccuracyRow row;
  row.model = study_.model.filename().string();
  row.dataset = study_.dataset.filename().string();
  row.quantizer = options.quantizer;
  row.repeats = static_cast<int>(result.accuracies.size());
  row.examples = result.examples;
  row.mean = result.mean;
  row.std = result.standard_deviation;
  row.counters = result.counters;
  return row;
}

AccuracyRow AccuracyBench::evaluate(const std::string& quantizer) {
  arch::AccuracyOptions options = arithmetic_;
  options.quantizer = quantizer;
  return run(std::move(options));
}

AccuracyRow AccuracyBench::evaluate(const std::string& quantizer, const ArrayErrors& weights,
                                    const ArrayErrors& dynamic, const std::string& mode) {
  arch::AccuracyOptions options = arithmetic_;
  options.quantizer = quantizer;
  options.weight_arrays = weights.model;
  options.dynamic_arrays = dynamic.model;
  options.mode = mode == "die" ? arch::ErrorMode::die : arch::ErrorMode::read;
  options.repeats = study_.repeats;
  AccuracyRow row = run(std::move(options));
  const auto both = [](const std::string& a, const std::string& b) { return a == b ? a : a + " + " + b; };
  row.cell = both(weights.cell, dynamic.cell);
  row.sawl = weights.sawl();
  row.adc = both(weights.adc, dynamic.adc);
  row.corner = both(weights.corner, dynamic.corner);
  row.mode = mode;
  row.weight_arrays = weights;
  row.dynamic_arrays = dynamic;
  return row;
}

void AccuracyBench::finish() { progress_.finish(fmt::format("{} evaluations", finished_)); }

std::vector<AccuracyRow> evaluate_verdict(AccuracyBench& bench, const AccuracyStudy& study,
                                          const std::filesystem::path& models,
                                          const std::vector<analysis::ModelKey>& keys) {
  std::vector<AccuracyRow> rows;
  rows.push_back(bench.evaluate("float"));
  if (study.quantizer != "float") rows.push_back(bench.evaluate(study.quantizer));
  for (const analysis::ModelKey& key : keys) {
    const ArrayErrors errors = array_errors(models, key.cell, key.sawl, key.adc, key.corner);
    for (const std::string& mode : study.modes)
      rows.push_back(bench.evaluate(study.quantizer, errors, errors, mode));
  }
  for (AccuracyRow& row : rows) row.in_float = rows.front().mean;
  bench.finish();
  return rows;
}

std::vector<AccuracyRow> run_accuracy_stage(const StudyRun& run, const std::filesystem::path& models,
                                            const ColumnResult& column) {
  const AccuracyStudy& study = *run.study.accuracy;
  std::vector<analysis::ModelKey> keys;
  for (const analysis::VerdictRow& row : column.verdict) {
    if (row.key.adc == study.converter) keys.push_back(row.key);
  }
  AccuracyBench bench(study, run.study.seed, run.progress, run.stop, 2 + keys.size() * study.modes.size());
  return evaluate_verdict(bench, study, models, keys);
}

void write_accuracy(H5::H5File& file, const std::vector<AccuracyRow>& rows) {
  std::vector<std::string> model;
  std::vector<std::string> dataset;
  std::vector<std::string> quantizer;
  std::vector<std::string> cell;
  std::vector<std::int64_t> sawl;
  std::vector<std::string> adc;
  std::vector<std::string> corner;
  std::vector<std::string> mode;
  std::vector<std::int64_t> repeats;
  std::vector<std::int64_t> examples;
  std::vector<double> mean;
  std::vector<double> std;
  std::vector<double> in_float;
  for (const AccuracyRow& row : rows) {
    model.push_back(row.model);
    dataset.push_back(row.dataset);
    quantizer.push_back(row.quantizer);
    cell.push_back(row.cell);
    sawl.push_back(row.sawl);
    adc.push_back(row.adc);
    corner.push_back(row.corner);
    mode.push_back(row.mode);
    repeats.push_back(row.repeats);
    examples.push_back(row.examples);
    mean.push_back(row.mean);
    std.push_back(row.std);
    in_float.push_back(row.in_float);
  }
  engine::Table table;
  table.add("model", "", std::move(model))
      .add("dataset", "", std::move(dataset))
      .add("quantizer", "", std::move(quantizer))
      .add("cell", "", std::move(cell))
      .add("sawl", "", std::move(sawl))
      .add("adc", "", std::move(adc))
      .add("corner", "", std::move(corner))
      .add("mode", "", std::move(mode))
      .add("repeats", "", std::move(repeats))
      .add("examples", "", std::move(examples))
      .add("accuracy_mean", "", std::move(mean))
      .add("accuracy_std", "", std::move(std))
      .add("accuracy_float", "", std::move(in_float));
  engine::write_table(file, "/accuracy", table);
}

}  // namespace flare::studies
