#include "studies/model/accuracy_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/base/content_hash.hpp"
#include "flare_arch/base/freed_memory.hpp"
#include "flare_arch/models/accuracy.hpp"
#include "studies/model/accuracy_statistics.hpp"

namespace flare::studies {
namespace {

void say_it_is_the_yardstick(AccuracyEvaluation& row) {
  row.drop_low = row.drop_high = 0;
  row.p = row.detectable = analysis::AccuracyRow::none;
  row.difference.clear();
}

}  // namespace

AccuracyBench::AccuracyBench(const AccuracyStudy& study, std::uint64_t seed, Progress& progress,
                             std::stop_token stop, const std::filesystem::path& journal)
    : study_(study),
      seed_(seed),
      progress_(progress),
      stop_(std::move(stop)),
      model_(arch::Transformer::load(study.model)),
      dataset_(arch::load_dataset(study.dataset, model_.spec(), study.model, study.data)),
      layers_(std::make_shared<arch::LayerCache>(model_, dataset_.train)),
      reference_(std::make_shared<const arch::ReferenceLogits>(model_)) {
  arch::keep_freed_memory();
  progress_.stage("accuracy");
  if (journal.empty()) return;
  std::vector<std::filesystem::path> files = arch::Transformer::files(study.model);
  for (const std::filesystem::path& file : arch::dataset_files(study.dataset, study.model, study.data))
    files.push_back(file);
  inputs_ = engine::content_hash(engine::input_files(files));
  journal_ = std::make_unique<AnswerJournal>(journal);
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
  options.layers = layers_;
  options.reference = reference_;
  std::optional<AnswerJournal::Evaluation> kept;
  if (journal_) options.store = &kept.emplace(*journal_, evaluation_key(options, inputs_));
  options.progress = [&](std::int64_t done, std::int64_t total) {
    const double part = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1.0;
    progress_.update((static_cast<double>(finished_) + part) / static_cast<double>(evaluations_),
                     fmt::format("{} of {} evaluations", finished_, evaluations_));
  };
  const arch::AccuracyResult result = arch::evaluate_accuracy(model_, dataset_, options);
  if (result.stopped) throw engine::Stopped();
  ++finished_;
  return row_of(options, result);
}

AccuracyEvaluation AccuracyBench::row_of(const arch::AccuracyOptions& options,
                                         const arch::AccuracyResult& result) {
  AccuracyEvaluation row;
  row.model = study_.model.filename().string();
  row.dataset = study_.dataset.filename().string();
  row.quantizer = options.quantizer;
  row.repeats = static_cast<std::int64_t>(result.accuracies.size());
  row.examples = result.examples;
  row.mean = result.mean;
  row.std = result.standard_deviation;
  row.counters = result.counters;
  row.metric = arch::metric_name(dataset_.metric);
  row.answers = result.answers;
  row.numbers = result.numbers;
  if (options.weight_arrays || options.dynamic_arrays)
    row.mode = options.mode == arch::ErrorMode::die ? "die" : "read";
  if (options.quantizer == "float") floating_ = result;
  const arch::Deviation deviation = arch::mean_deviation(result);
  row.divergence = deviation.divergence;
  row.logit_error = deviation.logit_error;
  if (floating_.answers.empty()) return row;
  row.agreement = arch::agreement_with(floating_, result);
  judge(result.answers, floating_.answers.front(), dataset_.metric, {study_.allowed_drop, seed_}, row);
  if (options.quantizer == "float") say_it_is_the_yardstick(row);
  return row;
}

AccuracyEvaluation AccuracyBench::evaluate(const std::string& quantizer) {
  arch::AccuracyOptions options = arithmetic_;
  options.quantizer = quantizer;
  return run(std::move(options));
}

AccuracyEvaluation AccuracyBench::evaluate(const std::string& quantizer, const ArrayErrors& weights,
                                           const ArrayErrors& dynamic, const std::string& mode,
                                           const arch::ErrorPlace& place) {
  arch::AccuracyOptions options = arithmetic_;
  options.quantizer = quantizer;
  options.weight_arrays = weights.model;
  options.dynamic_arrays = dynamic.model;
  options.mode = mode == "die" ? arch::ErrorMode::die : arch::ErrorMode::read;
  options.repeats = study_.repeats;
  options.place = place;
  AccuracyEvaluation row = run(std::move(options));
  const auto both = [](const std::string& a, const std::string& b) {
    if (a.empty() || b.empty()) return a.empty() ? b : a;
    return a == b ? a : fmt::format("{} + {}", a, b);
  };
  row.cell = both(weights.cell, dynamic.cell);
  row.sawl = weights.model ? weights.sawl() : dynamic.sawl();
  row.adc = both(weights.adc, dynamic.adc);
  row.corner = both(weights.corner, dynamic.corner);
  row.mode = mode;
  row.weight_arrays = weights;
  row.dynamic_arrays = dynamic;
  return row;
}

void AccuracyBench::finish(std::vector<AccuracyEvaluation>& rows) {
  std::vector<analysis::AccuracyRow*> all;
  for (AccuracyEvaluation& row : rows) {
    row.floating = floating_.mean;
    if (row.quantizer != "float") all.push_back(&row);
  }
  adjust_for_many(all);
  progress_.finish(fmt::format("{} evaluations", finished_));
}

std::vector<AccuracyEvaluation> evaluate_verdict(AccuracyBench& bench, const AccuracyStudy& study,
                                                 const std::filesystem::path& models,
                                                 const std::filesystem::path& folder,
                                                 const std::vector<analysis::ModelKey>& keys) {
  std::vector<AccuracyEvaluation> rows;
  rows.push_back(bench.evaluate("float"));
  if (study.quantizer != "float") rows.push_back(bench.evaluate(study.quantizer));
  const auto errors_of = [&](const char* option, const std::string& named, const ArrayErrors& own) {
    return named.empty() ? own : array_errors(option, anchored_spec(named, folder), models);
  };
  for (const analysis::ModelKey& key : keys) {
    const ArrayErrors own = array_errors(models, key.cell, key.sawl, key.adc, key.corner);
    const ArrayErrors weights = errors_of("[accuracy] weight_arrays", study.weight_arrays, own),
                      dynamic = errors_of("[accuracy] dynamic_arrays", study.dynamic_arrays, own);
    for (const std::string& mode : study.modes) {
      rows.push_back(bench.evaluate(study.quantizer, weights, dynamic, mode));
      if (!study.weight_arrays.empty() && !study.dynamic_arrays.empty()) continue;
      // What the study asks about is its own SAWL and converter; arrays named by themselves stand in its text.
      rows.back().cell = key.cell;
      rows.back().sawl = key.sawl;
      rows.back().adc = key.adc;
      rows.back().corner = key.corner;
    }
  }
  bench.finish(rows);
  return rows;
}

std::vector<AccuracyEvaluation> run_accuracy_stage(const StudyRun& run, const std::filesystem::path& models,
                                                   const ColumnResult& column,
                                                   const std::filesystem::path& journal) {
  const AccuracyStudy& study = *run.study.accuracy;
  std::vector<analysis::ModelKey> keys;
  for (const analysis::VerdictRow& row : column.verdict) {
    if (std::find(study.converters.begin(), study.converters.end(), row.key.adc) != study.converters.end())
      keys.push_back(row.key);
  }
  // Both kinds named: nothing changes from one SAWL to the next.
  if (!study.weight_arrays.empty() && !study.dynamic_arrays.empty() && keys.size() > 1) keys.resize(1);
  AccuracyBench bench(study, run.study.seed, run.progress, run.stop, journal);
  bench.expect(2 + keys.size() * study.modes.size());
  return evaluate_verdict(bench, study, models, run.study.file.parent_path(), keys);
}

}  // namespace flare::studies
