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
      model_(arch::Transformer::load(study.model)),
      dataset_(arch::load_dataset(study.dataset)),
      evaluations_(evaluations) {
  progress_.stage("accuracy");
}

void check_accuracy_inputs(const AccuracyStudy& study) {
  try {
    arch::AccuracyOptions options;
    options.quantizer = "float";
    options.examples = 1;
    arch::evaluate_accuracy(arch::Transformer::load(study.model), arch::load_dataset(study.dataset), options);
  } catch (const engine::FileError&) {
    throw;
  } catch (const std::runtime_error& e) {
    throw StudyError(fmt::format("{} with {}: {}", study.model.string(), study.dataset.string(), e.what()));
  } catch (const std::invalid_argument& e) {
    throw StudyError(fmt::format("{} with {}: {}", study.model.string(), study.dataset.string(), e.what()));
  }
}

std::vector<analysis::AccuracyRow> table_rows(const std::vector<AccuracyEvaluation>& evaluations) {
  return {evaluations.begin(), evaluations.end()};
}

AccuracyEvaluation AccuracyBench::run(arch::AccuracyOptions options) {
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
  AccuracyEvaluation row;
  row.model = study_.model.filename().string();
  row.dataset = study_.dataset.filename().string();
  row.quantizer = options.quantizer;
  row.repeats = static_cast<std::int64_t>(result.accuracies.size());
  row.examples = result.examples;
  row.mean = result.mean;
  row.std = result.standard_deviation;
  row.counters = result.counters;
  row.metric = dataset_.metric == arch::Metric::loss ? "loss" : "top1";
  row.answers = result.answers;
  if (options.quantizer == "float") floating_ = result;
  if (!floating_.answers.empty()) row.agreement = arch::agreement_with(floating_, result);
  return row;
}

AccuracyEvaluation AccuracyBench::evaluate(const std::string& quantizer) {
  arch::AccuracyOptions options = arithmetic_;
  options.quantizer = quantizer;
  return run(std::move(options));
}

AccuracyEvaluation AccuracyBench::evaluate(const std::string& quantizer, const ArrayErrors& weights,
                                           const ArrayErrors& dynamic, const std::string& mode) {
  arch::AccuracyOptions options = arithmetic_;
  options.quantizer = quantizer;
  options.weight_arrays = weights.model;
  options.dynamic_arrays = dynamic.model;
  options.mode = mode == "die" ? arch::ErrorMode::die : arch::ErrorMode::read;
  options.repeats = study_.repeats;
  AccuracyEvaluation row = run(std::move(options));
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

std::vector<AccuracyEvaluation> evaluate_verdict(AccuracyBench& bench, const AccuracyStudy& study,
                                                 const std::filesystem::path& models,
                                                 const std::vector<analysis::ModelKey>& keys) {
  std::vector<AccuracyEvaluation> rows;
  rows.push_back(bench.evaluate("float"));
  if (study.quantizer != "float") rows.push_back(bench.evaluate(study.quantizer));
  for (const analysis::ModelKey& key : keys) {
    const ArrayErrors errors = array_errors(models, key.cell, key.sawl, key.adc, key.corner);
    for (const std::string& mode : study.modes)
      rows.push_back(bench.evaluate(study.quantizer, errors, errors, mode));
  }
  for (AccuracyEvaluation& row : rows) row.floating = rows.front().mean;
  bench.finish();
  return rows;
}

std::vector<AccuracyEvaluation> run_accuracy_stage(const StudyRun& run, const std::filesystem::path& models,
                                                   const ColumnResult& column) {
  const AccuracyStudy& study = *run.study.accuracy;
  std::vector<analysis::ModelKey> keys;
  for (const analysis::VerdictRow& row : column.verdict) {
    if (row.key.adc == study.converter) keys.push_back(row.key);
  }
  AccuracyBench bench(study, run.study.seed, run.progress, run.stop, 2 + keys.size() * study.modes.size());
  return evaluate_verdict(bench, study, models, keys);
}

}  // namespace flare::studies
