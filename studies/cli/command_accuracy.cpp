#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "analysis/report/figure_file.hpp"
#include "analysis/report/report_accuracy.hpp"
#include "analysis/results/verdict_table.hpp"
#include "engine/base/content_hash.hpp"
#include "engine/base/hdf5_io.hpp"
#include "flare_arch/models/accuracy.hpp"
#include "studies/cli/commands.hpp"
#include "studies/model/accuracy_stage.hpp"
#include "studies/model/accuracy_statistics.hpp"
#include "studies/model/accuracy_tables.hpp"
#include "studies/model/array_spec.hpp"
#include "studies/model/sensitivity_figures.hpp"
#include "studies/run/result_inputs.hpp"
#include "studies/run/table_file.hpp"

namespace flare::studies {

namespace {

constexpr const char* table_format = "flare-accuracy/1";

/// How both kinds of arrays err in one evaluation.
struct ErrorChoice {
  ArrayErrors weights, dynamic;

  bool err() const { return weights.model || dynamic.model; }
};

/// The worst corners of the verdict that the command asks for.
std::vector<ArrayErrors> chosen_errors(const AccuracyCommand& command) {
  const H5::H5File file = engine::open_result(command.result);
  std::vector<ArrayErrors> chosen;
  std::vector<std::string> there;
  for (const analysis::VerdictRow& row : analysis::read_verdict(file)) {
    const analysis::ModelKey& key = row.key;
    there.push_back(fmt::format("SAWL {} with {}", key.sawl, key.adc));
    if (!command.converter.empty() && key.adc != command.converter) continue;
    if (!command.sawl.empty() &&
        std::find(command.sawl.begin(), command.sawl.end(), key.sawl) == command.sawl.end()) {
      continue;
    }
    chosen.push_back(array_errors(command.result, key.cell, key.sawl, key.adc, key.corner));
  }
  if (chosen.empty()) {
    throw StudyError(fmt::format("{}: holds no error model that was asked for; it has {}",
                                 command.result.string(), fmt::join(there, ", ")));
  }
  return chosen;
}

/// Both kinds alike, one error model after the other, unless a kind was named by itself.
std::vector<ErrorChoice> error_choices(const AccuracyCommand& command) {
  const bool weights_named = !command.weight_arrays.empty(), dynamic_named = !command.dynamic_arrays.empty();
  if (command.result.empty() && !(weights_named && dynamic_named)) {
    throw StudyError(
        "accuracy: needs a result file, or both --weight-arrays and --dynamic-arrays (flare accuracy "
        "--help)");
  }
  ErrorChoice named;
  if (weights_named) named.weights = array_errors("--weight-arrays", command.weight_arrays, command.result);
  if (dynamic_named) named.dynamic = array_errors("--dynamic-arrays", command.dynamic_arrays, command.result);
  if (weights_named && dynamic_named) return {named};
  std::vector<ErrorChoice> choices;
  for (const ArrayErrors& errors : chosen_errors(command))
    choices.push_back({weights_named ? named.weights : errors, dynamic_named ? named.dynamic : errors});
  return choices;
}

/// What must be known about die mode, once each.
std::vector<std::string> die_notes(const AccuracyCommand& command, const std::vector<ErrorChoice>& choices) {
  std::vector<std::string> notes;
  if (std::find(command.modes.begin(), command.modes.end(), "die") == command.modes.end()) return notes;
  for (const ErrorChoice& choice : choices)
    for (const ArrayErrors* errors : {&choice.weights, &choice.dynamic}) {
      const std::string note = die_mode_note(*errors);
      if (!note.empty() && std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
    }
  return notes;
}

template <class Value>
Value choice(const std::string& option, const std::string& text,
             const std::vector<std::pair<std::string, Value>>& choices) {
  std::vector<std::string> names;
  for (const auto& [name, value] : choices) {
    if (name == text) return value;
    names.push_back(name);
  }
  throw StudyError(fmt::format("{} {}: is not one of {}", option, text, fmt::join(names, ", ")));
}

arch::IntegerAttentionOptions attention_options(const AccuracyCommand& command) {
  using arch::Packing;
  arch::IntegerAttentionOptions o;
  o.activation_bits = command.activation_bits;
  o.kv_bits = command.kv_bits;
  o.guard_bits = command.guard_bits;
  o.rounding = choice<arch::Rounding>("--rounding", command.rounding,
                                      {{"round", arch::Rounding::round},
                                       {"truncate", arch::Rounding::truncate},
                                       {"half_lsb", arch::Rounding::half_lsb}});
  const auto encoding = [&](const char* option, const std::string& own) {
    return choice<arch::Encoding>(own.empty() ? "--encoding" : option, own.empty() ? command.encoding : own,
                                  {{"twos_complement", arch::Encoding::twos_complement},
                                   {"sign_magnitude", arch::Encoding::sign_magnitude}});
  };
  o.input_encoding = encoding("--input-encoding", command.input_encoding);
  o.weight_encoding = encoding("--weight-encoding", command.weight_encoding);
  o.start_bit = choice<arch::StartBit>(
      "--start-bit", command.start_bit,
      {{"calibrated", arch::StartBit::calibrated}, {"absolute", arch::StartBit::absolute}});
  o.row_scale = choice<arch::RowScale>(
      "--row-scale", command.row_scale,
      {{"side_band", arch::RowScale::side_band}, {"reciprocal", arch::RowScale::reciprocal}});
  arch::SegmentationOptions reads;
  reads.slice_length = command.slice_length;
  reads.strictly_below = command.strictly_below;
  reads.dummy_rows = !command.no_dummy_rows;
  reads.packing = choice<Packing>("--packing", command.packing,
                                  {{"next_fit", Packing::next_fit},
                                   {"first_fit", Packing::first_fit},
                                   {"best_fit", Packing::best_fit},
                                   {"ideal", Packing::ideal},
                                   {"fixed", Packing::fixed}});
  o.stationary = o.dynamic = reads;
  return o;
}

AccuracyStudy study_of(const AccuracyCommand& command) {
  AccuracyStudy study;
  study.model = command.model;
  study.dataset = command.dataset;
  study.quantizer = command.quantizer;
  study.modes = command.modes;
  study.repeats = command.repeats;
  study.examples = command.examples;
  study.allowed_drop = command.allowed_drop;
  study.data = {.tokenizer = command.tokenizer,
                .calibration = command.calibration,
                .metric = arch::metric_of(command.metric),
                .window = command.window,
                .lines = command.lines,
                .resize = command.resize,
                .crop = command.crop,
                .interpolation = command.interpolation};
  const std::vector<std::string> quantizers = arch::quantizer_names();
  if (std::find(quantizers.begin(), quantizers.end(), study.quantizer) == quantizers.end()) {
    throw StudyError(
        fmt::format("--quantizer {}: is not one of {}", study.quantizer, fmt::join(quantizers, ", ")));
  }
  for (const std::filesystem::path& input : {study.model, study.dataset, study.data.calibration}) {
    if (!input.empty() && !std::filesystem::exists(input))
      throw StudyError(input.string() + ": no such file");
  }
  return study;
}

/// The files that the numbers depend on.
std::vector<engine::InputFile> inputs_of(const AccuracyStudy& study,
                                         const std::vector<ErrorChoice>& choices) {
  std::vector<std::filesystem::path> files = arch::Transformer::files(study.model);
  for (const std::filesystem::path& file : arch::dataset_files(study.dataset, study.model, study.data))
    files.push_back(file);
  for (const ErrorChoice& choice : choices)
    for (const ArrayErrors* errors : {&choice.weights, &choice.dynamic})
      if (!errors->file.empty()) files.push_back(errors->file);
  return engine::input_files(files);
}

std::vector<AccuracyEvaluation> evaluate_choices(AccuracyBench& bench, const AccuracyStudy& study,
                                                 const std::vector<ErrorChoice>& choices) {
  std::vector<AccuracyEvaluation> rows = {bench.evaluate("float")};
  if (study.quantizer != "float") rows.push_back(bench.evaluate(study.quantizer));
  for (const ErrorChoice& choice : choices)
    for (const std::string& mode : study.modes) {
      if (!choice.err()) continue;  // the row before
      rows.push_back(bench.evaluate(study.quantizer, choice.weights, choice.dynamic, mode));
    }
  return rows;
}

/// The errors that a sweep or a map is made at: the first that were chosen, else none.
const ErrorChoice& first_errors(const std::vector<ErrorChoice>& choices) {
  for (const ErrorChoice& choice : choices)
    if (choice.err()) return choice;
  return choices.front();
}

/// All that was evaluated.
struct Evaluations {
  std::vector<AccuracyEvaluation> rows;
  std::vector<SweepPoint> sweep;
  std::vector<MapCell> map;
};

std::size_t count_of_evaluations(const AccuracyCommand& command, const std::vector<ErrorChoice>& choices,
                                 int layers) {
  const std::size_t operand_count = operands(command.feed_forward == "arrays").size();
  const std::size_t quantised = command.quantizer == "float" ? 0 : 1;
  const auto with_errors = static_cast<std::size_t>(
      std::count_if(choices.begin(), choices.end(), [](const ErrorChoice& c) { return c.err(); }));
  return 1 + quantised + with_errors * command.modes.size() + command.sweep.size() +
         (command.map ? operand_count * static_cast<std::size_t>(layers) : 0);
}

/// p of every kind of question is adjusted for its own family of tests: rows, rates, places.
template <class Item>
void adjust_items(std::vector<Item>& items) {
  std::vector<analysis::AccuracyRow*> rows;
  rows.reserve(items.size());
  for (Item& item : items) rows.push_back(&item.row);
  adjust_for_many(rows);
}

Evaluations evaluate_all(AccuracyBench& bench, const AccuracyCommand& command, const AccuracyStudy& study,
                         const std::vector<ErrorChoice>& choices) {
  Evaluations all;
  all.rows = evaluate_choices(bench, study, choices);
  const ErrorChoice& errors = first_errors(choices);
  constexpr int default_sawl = 8;
  const int sawl = errors.weights.model ? errors.weights.sawl() : default_sawl;
  all.sweep = sweep_rates(bench, study.quantizer, command.sweep, sawl);
  if (command.map) all.map = sensitivity_map(bench, study.quantizer, errors.weights, errors.dynamic);
  bench.finish(all.rows);
  adjust_items(all.sweep);
  adjust_items(all.map);
  return all;
}

void write_svg(const std::filesystem::path& file, const std::string& svg) {
  engine::write_text(analysis::figure_output(file, svg));
  fmt::print("Figure: {}\n", file.string());
}

/// Before any work: what is printed at the end asks for the verdict.
void check_result(const AccuracyCommand& command) {
  if (command.result.empty() || engine::exists(engine::open_result(command.result), "/verdict")) return;
  throw StudyError(
      fmt::format("{}: no result of a column study: it has no verdict whose error models could be taken; "
                  "without a result, --weight-arrays and --dynamic-arrays name error models",
                  command.result.string()));
}

void make_figure_folder(const AccuracyCommand& command) {
  if (command.figures.empty()) return;
  engine::make_output_folder(command.figures);
  if (!command.sweep.empty()) analysis::check_figure_place(command.figures, "accuracy_sweep");
  if (command.map) analysis::check_figure_place(command.figures, "accuracy_map");
}

void draw(const AccuracyCommand& command, const Evaluations& all) {
  if (command.figures.empty()) return;
  if (!all.sweep.empty()) {
    std::vector<analysis::VerdictRow> verdict;
    if (!command.result.empty()) verdict = analysis::read_verdict(engine::open_result(command.result));
    write_svg(command.figures / "accuracy_sweep.svg", sweep_svg(all.sweep, sawl_marks(verdict, all.rows)));
  }
  if (!all.map.empty()) write_svg(command.figures / "accuracy_map.svg", map_svg(all.map));
}

void print_evaluations(const AccuracyCommand& command, const Evaluations& all) {
  print_accuracies(all.rows);
  std::vector<analysis::VerdictRow> verdict;
  std::string target;
  if (!command.result.empty()) {
    const H5::H5File file = engine::open_result(command.result);
    verdict = analysis::read_verdict(file);
    target = analysis::read_target_text(file);
  }
  const std::vector<analysis::AccuracyRow> rows = table_rows(all.rows);
  for (const std::string& line : analysis::accuracy_differences(rows)) fmt::print("{}\n", line);
  for (const std::string& line : analysis::accuracy_picks(rows, verdict, target)) fmt::print("{}\n", line);
  if (!all.sweep.empty()) print_sweep(all.sweep);
  if (!all.map.empty()) print_map(all.map);
}

}  // namespace

int accuracy_command(const AccuracyCommand& command, std::stop_token stop) {
  check_result(command);
  const AccuracyStudy study = study_of(command);
  const arch::IntegerAttentionOptions attention = attention_options(command);
  const std::vector<ErrorChoice> choices = error_choices(command);
  if (!command.out.empty()) check_place(command.out, table_format);
  std::uint64_t seed = command.seed < 0 ? 1 : static_cast<std::uint64_t>(command.seed);
  if (command.seed < 0 && !command.result.empty())
    seed = static_cast<std::uint64_t>(engine::read_integer(engine::open_result(command.result), "/", "seed"));
  make_figure_folder(command);
  Progress progress(stderr);
  const std::filesystem::path journal = command.out.empty()
                                            ? std::filesystem::path()
                                            : std::filesystem::path(command.out.string() + ".answers");
  AccuracyBench bench(study, seed, progress, std::move(stop), journal);
  bench.expect(count_of_evaluations(command, choices, bench.model().spec().layers));
  const std::vector<engine::InputFile> inputs = inputs_of(study, choices);
  bench.arithmetic().attention = attention;
  bench.arithmetic().qrazor_group = command.group;
  bench.arithmetic().feed_forward =
      choice<bool>("--feed-forward", command.feed_forward, {{"float", false}, {"arrays", true}});
  Evaluations all;
  try {
    all = evaluate_all(bench, command, study, choices);
  } catch (const std::invalid_argument& e) {
    // Widths that do not fit each other, or errors on a digital product.
    throw StudyError(e.what());
  }
  const std::vector<AccuracyEvaluation>& rows = all.rows;
  print_evaluations(command, all);
  draw(command, all);
  for (const std::string& note : die_notes(command, choices)) fmt::print("Note: {}.\n", note);
  for (const std::string& note : analysis::accuracy_notes(table_rows(rows))) fmt::print("{}\n", note);
  const std::vector<CounterLine> counters = counter_lines(rows, attention);
  if (!counters.empty()) print_counters(counters);
  const bool sized = has_square_projections(bench.model().spec());
  if (study.quantizer == "emsbq" && sized) print_sizes(bench.model().spec(), attention);
  arch::AccuracyOptions arithmetic = bench.arithmetic();
  arithmetic.quantizer = study.quantizer;
  std::vector<arch::TensorStorage> storage;
  if (sized) storage = arch::layer_storage(shape_of(bench.model().spec()), arithmetic);
  if (sized) print_storage(storage);
  if (!sized)
    fmt::print(
        "\nSizes of arrays and storage are not counted for shared or wider heads than width / heads.\n");
  if (command.out.empty()) return exit_done;
  write_table_file(command.out, table_format, [&](H5::H5File& file) {
    engine::write_attribute(file, "/", "seed", static_cast<std::int64_t>(seed));
    analysis::write_accuracy(file, table_rows(rows));
    engine::write_table(file, "/answers", answers_table(rows));
    if (!all.sweep.empty()) engine::write_table(file, "/accuracy_sweep", sweep_table(all.sweep));
    if (!all.map.empty()) engine::write_table(file, "/accuracy_map", map_table(all.map));
    engine::write_table(file, "/array_counters", counters_table(counters));
    engine::write_table(file, "/storage", storage_table(storage));
    write_inputs(file, inputs);
  });
  std::filesystem::remove(journal);
  fmt::print("\nTables: {}\n", command.out.string());
  return exit_done;
}

}  // namespace flare::studies
