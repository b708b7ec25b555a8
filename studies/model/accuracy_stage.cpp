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

/// Blocks of one evaluation from the journal or from others, and to both.
class KeptAnswers final : public arch::AnswerStore {
 public:
  KeptAnswers(AnswerJournal* journal, AnswerHelp* help, std::uint64_t key, std::size_t unit)
      : help_(help), key_(key), unit_(unit) {
    if (journal != nullptr) journal_.emplace(*journal, key);
  }
  std::optional<arch::AnswerBlock> recall(int repeat, std::int64_t first) override {
    std::optional<arch::AnswerBlock> block;
    if (journal_) block = journal_->recall(repeat, first);
    if (block || help_ == nullptr) return block;
    block = help_->block(key_, unit_ + static_cast<std::size_t>(repeat), repeat, first);
    if (block && journal_) journal_->keep(*block);
    return block;
  }
  void keep(const arch::AnswerBlock& block) override {
    if (journal_) journal_->keep(block);
    if (help_ != nullptr) help_->computed(key_, block);
  }

 private:
  std::optional<AnswerJournal::Evaluation> journal_;
  AnswerHelp* help_;
  std::uint64_t key_;
  std::size_t unit_;  // of the first repeat
};

/// The side of a process that only computes its share: other units are passed over, with answers that nobody reads.
class OwnShare final : public AnswerHelp {
 public:
  using Computed = std::function<void(std::uint64_t key, const arch::AnswerBlock& block)>;
  OwnShare(AnswerShare share, const Computed& computed) : share_(share), computed_(computed) {}

  void expect(std::int64_t examples) { examples_ = examples; }
  std::optional<arch::AnswerBlock> block(std::uint64_t, std::size_t unit, int repeat,
                                         std::int64_t first) override {
    if (share_.has(unit)) return std::nullopt;
    arch::AnswerBlock passed_over;
    passed_over.repeat = repeat;
    passed_over.first = first;
    passed_over.answers.resize(static_cast<std::size_t>(examples_ - first));
    for (arch::Answer& answer : passed_over.answers) answer.score.weight = 1.0;
    return passed_over;
  }
  void computed(std::uint64_t key, const arch::AnswerBlock& block) override { computed_(key, block); }
  bool only_blocks() const override { return true; }

 private:
  AnswerShare share_;
  const Computed& computed_;
  std::int64_t examples_ = 0;
};

}  // namespace

AccuracyBench::AccuracyBench(const AccuracyStudy& study, std::uint64_t seed, Progress& progress,
                             std::stop_token stop, const std::filesystem::path& journal, AnswerHelp* help)
    : study_(study),
      seed_(seed),
      progress_(progress),
      stop_(std::move(stop)),
      model_(arch::Transformer::load(study.model)),
      dataset_(arch::load_dataset(study.dataset, model_.spec(), study.model, study.data)),
      layers_(std::make_shared<arch::LayerCache>(model_, dataset_.train)),
      reference_(std::make_shared<const arch::ReferenceLogits>(model_)),
      help_(help) {
  arch::keep_freed_memory();
  progress_.stage("accuracy");
  if (journal.empty() && help == nullptr) return;
  std::vector<std::filesystem::path> files = arch::Transformer::files(study.model);
  for (const std::filesystem::path& file : arch::dataset_files(study.dataset, study.model, study.data))
    files.push_back(file);
  inputs_ = engine::content_hash(engine::input_files(files));
  if (!journal.empty()) journal_ = std::make_unique<AnswerJournal>(journal);
}

std::int64_t AccuracyBench::examples() const {
  const std::int64_t all = dataset_.test->size();
  return study_.examples > 0 ? std::min<std::int64_t>(study_.examples, all) : all;
}

void check_accuracy_inputs(const AccuracyStudy& study) {
  try {
    arch::AccuracyOptions options;
    options.quantizer = "float";
    options.examples = 1;
    const arch::Transformer model = arch::Transformer::load(study.model);
    arch::evaluate_accuracy(model, arch::load_dataset(study.dataset, model.spec(), study.model, study.data),
                            options);
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
  std::optional<KeptAnswers> kept;
  if (journal_ || help_ != nullptr)
    options.store = &kept.emplace(journal_.get(), help_, evaluation_key(options, inputs_), units_);
  units_ += options.weight_arrays || options.dynamic_arrays ? static_cast<std::size_t>(options.repeats) : 1;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    const double part = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1.0;
    progress_.update((static_cast<double>(finished_) + part) / static_cast<double>(evaluations_),
                     fmt::format("{} of {} evaluations", finished_, evaluations_));
  };
  const arch::AccuracyResult result = arch::evaluate_accuracy(model_, dataset_, options);
  if (result.stopped) throw engine::Stopped();
  ++finished_;
  if (help_ != nullptr && help_->only_blocks()) return {};
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
  if (options.quantizer == "emsbq")
    row.calibration = dataset_.calibrates_on_test() ? analysis::AccuracyRow::judged_examples
                                                    : analysis::AccuracyRow::other_examples;
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
  if (help_ != nullptr && help_->only_blocks()) return;
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
                                                   const std::filesystem::path& journal,
                                                   SharedAnswers* others) {
  const AccuracyStudy& study = *run.study.accuracy;
  std::vector<analysis::ModelKey> keys;
  for (const analysis::VerdictRow& row : column.verdict) {
    if (std::find(study.converters.begin(), study.converters.end(), row.key.adc) != study.converters.end())
      keys.push_back(row.key);
  }
  // Both kinds named: nothing changes from one SAWL to the next.
  if (!study.weight_arrays.empty() && !study.dynamic_arrays.empty() && keys.size() > 1) keys.resize(1);
  if (others != nullptr)
    others->begin({run.study.text, std::filesystem::absolute(run.study.file).string(),
                   std::filesystem::absolute(models).string(), keys});
  AccuracyBench bench(study, run.study.seed, run.progress, run.stop, journal, others);
  bench.expect(2 + keys.size() * study.modes.size());
  std::vector<AccuracyEvaluation> rows =
      evaluate_verdict(bench, study, models, run.study.file.parent_path(), keys);
  if (others != nullptr)
    run.progress.note(fmt::format("{} blocks of answers came from other ranks", others->received()));
  return rows;
}

void answer_share(const AnswerTask& task, const OwnShare::Computed& computed) {
  const Study study = parse_study(task.study, task.study_file);
  if (!study.accuracy) throw StudyError(task.study_file + ": has no [accuracy]");
  Progress progress(stderr);
  OwnShare share(task.share, computed);
  AccuracyBench bench(*study.accuracy, study.seed, progress, {}, {}, &share);
  bench.arithmetic().threads = task.threads;
  share.expect(bench.examples());
  evaluate_verdict(bench, *study.accuracy, task.models, study.file.parent_path(), task.keys);
}

}  // namespace flare::studies
