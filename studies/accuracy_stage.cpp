#include "studies/accuracy_stage.hpp"

#include <fmt/format.h>

#include <memory>

#include "flare_arch/accuracy.hpp"
#include "flare_arch/error_model_file.hpp"

namespace flare::studies {

namespace {

/// One evaluation, shown as part of the stage.
class Stage {
 public:
  Stage(const StudyRun& run, std::size_t evaluations)
      : run_(run),
        study_(*run.study.accuracy),
        model_(arch::VitModel::load(study_.model)),
        dataset_(arch::load_digits(study_.dataset)),
        evaluations_(evaluations) {
    run.progress.stage("accuracy");
  }

  AccuracyRow evaluate(const std::string& quantizer, const analysis::ModelKey* key, const std::string& mode,
                       std::shared_ptr<const arch::ErrorModel> errors) {
    arch::AccuracyOptions options;
    options.quantizer = quantizer;
    options.weight_arrays = errors;
    options.dynamic_arrays = errors;
    options.mode = mode == "die" ? arch::ErrorMode::die : arch::ErrorMode::read;
    options.repeats = errors == nullptr ? 1 : study_.repeats;
    options.examples = study_.examples;
    options.seed = run_.study.seed;
    options.stop = run_.stop;
    options.progress = [&](std::int64_t done, std::int64_t total) {
      const double part = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1.0;
      run_.progress.update((static_cast<double>(finished_) + part) / static_cast<double>(evaluations_),
                           fmt::format("{} of {} evaluations", finished_, evaluations_));
    };
    const arch::AccuracyResult result = arch::evaluate_accuracy(model_, dataset_, options);
    if (result.stopped) throw engine::Stopped();
    ++finished_;
    AccuracyRow row;
    row.model = study_.model.filename().string();
    row.dataset = study_.dataset.filename().string();
    row.quantizer = quantizer;
    if (key != nullptr) {
      row.cell = key->cell;
      row.sawl = key->sawl;
      row.adc = key->adc;
      row.corner = key->corner;
      row.mode = mode;
    }
    row.repeats = static_cast<int>(result.accuracies.size());
    row.examples = result.examples;
    row.mean = result.mean;
    row.std = result.standard_deviation;
    return row;
  }

  std::size_t finished() const { return finished_; }

 private:
  const StudyRun& run_;
  const AccuracyStudy& study_;
  arch::VitModel model_;
  arch::Dataset dataset_;
  std::size_t evaluations_;
  std::size_t finished_ = 0;
};

}  // namespace

std::vector<AccuracyRow> run_accuracy_stage(const StudyRun& run, const std::filesystem::path& models,
                                            const ColumnResult& column) {
  const AccuracyStudy& study = *run.study.accuracy;
  std::vector<analysis::ModelKey> keys;
  for (const analysis::VerdictRow& row : column.verdict) {
    if (row.key.adc == study.converter) keys.push_back(row.key);
  }
  Stage stage(run, 2 + keys.size() * study.modes.size());
  std::vector<AccuracyRow> rows;
  rows.push_back(stage.evaluate("float", nullptr, "", nullptr));
  rows.push_back(stage.evaluate("emsbq", nullptr, "", nullptr));
  for (const analysis::ModelKey& key : keys) {
    const auto errors = std::make_shared<const arch::ErrorModel>(
        arch::load_error_model(models, key.cell, key.sawl, key.adc, key.corner));
    for (const std::string& mode : study.modes) rows.push_back(stage.evaluate("emsbq", &key, mode, errors));
  }
  for (AccuracyRow& row : rows) row.in_float = rows.front().mean;
  run.progress.finish(fmt::format("{} evaluations of {} images", stage.finished(), rows.front().examples));
  return rows;
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
