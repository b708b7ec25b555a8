#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "analysis/verdict.hpp"
#include "flare_arch/accuracy.hpp"
#include "flare_arch/storage.hpp"
#include "flare_arch/traffic.hpp"
#include "studies/accuracy_stage.hpp"
#include "studies/array_spec.hpp"
#include "studies/commands.hpp"
#include "studies/table_file.hpp"

namespace flare::studies {

namespace {

/// How both kinds of arrays err in one evaluation.
struct Setting {
  ArrayErrors weights, dynamic;
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
std::vector<Setting> chosen_settings(const AccuracyCommand& command) {
  const bool weights_named = !command.weight_arrays.empty(), dynamic_named = !command.dynamic_arrays.empty();
  if (command.result.empty() && !(weights_named && dynamic_named)) {
    throw StudyError(
        "accuracy: needs a result file, or both --weight-arrays and --dynamic-arrays (flare accuracy "
        "--help)");
  }
  Setting named;
  if (weights_named) named.weights = array_errors("--weight-arrays", command.weight_arrays, command.result);
  if (dynamic_named) named.dynamic = array_errors("--dynamic-arrays", command.dynamic_arrays, command.result);
  if (weights_named && dynamic_named) return {named};
  std::vector<Setting> settings;
  for (const ArrayErrors& errors : chosen_errors(command))
    settings.push_back({weights_named ? named.weights : errors, dynamic_named ? named.dynamic : errors});
  return settings;
}

/// A rate alone says nothing about which cells of a die err.
void check_modes(const AccuracyCommand& command, const std::vector<Setting>& settings) {
  if (std::find(command.modes.begin(), command.modes.end(), "die") == command.modes.end()) return;
  for (const Setting& setting : settings)
    for (const ArrayErrors* errors : {&setting.weights, &setting.dynamic}) {
      if (!errors->model) continue;
      const arch::FrozenVariation& frozen = errors->model->frozen;
      const bool has_parts = frozen.cell_sigma > 0 || frozen.off_cell_sigma > 0 ||
                             frozen.threshold_offset_sigma > 0 || errors->model->per_read.noise_sigma > 0;
      if (!has_parts && errors->model->largest_error_rate() > 0)
        throw StudyError(fmt::format("--modes die: {} does not say what deviates on a die", errors->name));
    }
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
  o.input_encoding = o.weight_encoding =
      choice<arch::Encoding>("--encoding", command.encoding,
                             {{"twos_complement", arch::Encoding::twos_complement},
                              {"sign_magnitude", arch::Encoding::sign_magnitude}});
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
  const std::vector<std::string> quantizers = arch::quantizer_names();
  if (std::find(quantizers.begin(), quantizers.end(), study.quantizer) == quantizers.end()) {
    throw StudyError(
        fmt::format("--quantizer {}: is not one of {}", study.quantizer, fmt::join(quantizers, ", ")));
  }
  for (const std::filesystem::path& input : {study.model, study.dataset}) {
    if (!std::filesystem::exists(input)) throw StudyError(input.string() + ": no such file");
  }
  return study;
}

std::vector<AccuracyRow> evaluate_settings(AccuracyBench& bench, const AccuracyStudy& study,
                                           const std::vector<Setting>& settings) {
  std::vector<AccuracyRow> rows = {bench.evaluate("float")};
  if (study.quantizer != "float") rows.push_back(bench.evaluate(study.quantizer));
  for (const Setting& setting : settings)
    for (const std::string& mode : study.modes) {
      if (!setting.weights.model && !setting.dynamic.model) continue;  // the row before
      rows.push_back(bench.evaluate(study.quantizer, setting.weights, setting.dynamic, mode));
    }
  for (AccuracyRow& row : rows) row.in_float = rows.front().mean;
  bench.finish();
  return rows;
}

void print_accuracies(const std::vector<AccuracyRow>& rows) {
  fmt::print("{:<15} {:<6} {:>9} {:>8} {:>9}  {}\n", "quantiser", "errors", "accuracy", "std", "examples",
             "arrays of weights / of keys and values");
  for (const AccuracyRow& row : rows) {
    const bool alike = row.weight_arrays.name == row.dynamic_arrays.name;
    const std::string arrays =
        alike ? row.weight_arrays.name : row.weight_arrays.name + " / " + row.dynamic_arrays.name;
    fmt::print("{:<15} {:<6} {:>8.2f}% {:>7.2f}% {:>9}  {}\n", row.quantizer,
               row.mode.empty() ? "-" : row.mode, 100.0 * row.mean, 100.0 * row.std, row.examples,
               arrays.empty() ? "-" : arrays);
  }
}

/// SAWL of a kind of array in a row: the error model's, or what error-free arrays are given.
int sawl_of(const ArrayErrors& errors, const arch::SegmentationOptions& reads) {
  return errors.model ? errors.sawl() : reads.rows_per_read;
}

/// One line per kind of array and setting: what an image costs.
void print_counters(const std::vector<AccuracyRow>& rows, const arch::IntegerAttentionOptions& options) {
  fmt::print("\nPer image          {:<16} {:>5} {:>10} {:>6} {:>13} {:>11} {:>11} {:>11} {:>9}\n",
             "arrays of", "SAWL", "cycles", "boost", "conversions", "driven rows", "dummy rows",
             "wrong reads", "words");
  for (const AccuracyRow& row : rows) {
    const double images = static_cast<double>(row.examples * row.repeats);
    const auto line = [&](const char* kind, int sawl, const arch::ArrayCounters& c,
                          const std::string& words) {
      const auto mean = [&](std::int64_t count) { return static_cast<double>(count) / images; };
      const double boost =
          c.cycles > 0 ? static_cast<double>(c.fixed_cycles) / static_cast<double>(c.cycles) : 0.0;
      const std::string wrong = row.mode == "read" ? fmt::format("{:.4g}", mean(c.wrong_reads)) : "-";
      fmt::print("{:<12} {:<5} {:<16} {:>5} {:>10.0f} {:>6.2f} {:>13.0f} {:>11.0f} {:>11.0f} {:>11} {:>9}\n",
                 row.quantizer, row.mode.empty() ? "-" : row.mode, kind, sawl, mean(c.cycles), boost,
                 mean(c.conversions), mean(c.driven_rows), mean(c.dummy_rows), wrong, words);
    };
    if (row.counters.stationary.cycles == 0) continue;
    line("weights", sawl_of(row.weight_arrays, options.stationary), row.counters.stationary,
         fmt::format("{:.0f}", static_cast<double>(row.counters.tensor_words) / images));
    line("keys and values", sawl_of(row.dynamic_arrays, options.dynamic), row.counters.dynamic, "");
  }
  fmt::print(
      "boost: cycles with fixed groups over cycles. A conversion is one read of one bit line. words: tensor "
      "words "
      "that cross the device's border.\n");
}

arch::ArraySizes sizes_of(const arch::VitConfig& config, const arch::IntegerAttentionOptions& options) {
  const arch::AttentionShape shape{1, config.tokens(), config.width, config.heads};
  const arch::PlaneFormat weights{options.weight_bits, options.weight_encoding},
      cells{options.kv_bits, options.weight_encoding};
  return arch::array_sizes(shape, weights.planes(), cells.planes());
}

void print_sizes(const arch::ArraySizes& s, int layers) {
  fmt::print(
      "\nArrays of each of {} layers (dummy rows not counted): weights {} of {} x {} cells (word lines x bit "
      "lines), keys {} of {} x {}, values {} of {} x {}.\n",
      layers, s.stationary_arrays, s.stationary_word_lines, s.stationary_bit_lines, s.dynamic_arrays,
      s.dynamic_word_lines, s.dynamic_bit_lines, s.dynamic_arrays, s.value_word_lines, s.value_bit_lines);
}

std::vector<arch::TensorStorage> storage_of(const AccuracyBench& bench, const AccuracyCommand& command,
                                            const arch::IntegerAttentionOptions& attention) {
  const arch::VitConfig& c = bench.model().config();
  arch::AccuracyOptions options;
  options.quantizer = command.quantizer;
  options.attention = attention;
  options.qrazor_group = command.group;
  return arch::layer_storage({1, c.tokens(), c.width, c.heads}, options);
}

void print_storage(const std::vector<arch::TensorStorage>& tensors) {
  fmt::print("\nStorage of a layer  {:>8} {:>14} {:>15} {:>15}\n", "values", "payload (bit)",
             "metadata (bit)", "bits per value");
  for (const arch::TensorStorage& t : tensors)
    fmt::print("  {:<16} {:>10} {:>14} {:>15} {:>15.3f}\n", t.tensor, t.values, t.payload, t.metadata,
               static_cast<double>(t.payload + t.metadata) / static_cast<double>(t.values));
}

engine::Table storage_table(const std::vector<arch::TensorStorage>& tensors) {
  std::vector<std::string> tensor;
  std::vector<std::int64_t> values, payload, metadata;
  for (const arch::TensorStorage& t : tensors) {
    tensor.push_back(t.tensor);
    values.push_back(t.values);
    payload.push_back(t.payload);
    metadata.push_back(t.metadata);
  }
  engine::Table table;
  table.add("tensor", "", std::move(tensor))
      .add("values", "", std::move(values))
      .add("payload", "bit", std::move(payload))
      .add("metadata", "bit", std::move(metadata));
  return table;
}

engine::Table counters_table(const std::vector<AccuracyRow>& rows,
                             const arch::IntegerAttentionOptions& options) {
  std::vector<std::string> quantizer, mode, kind, errors;
  std::vector<std::int64_t> sawl, images;
  std::vector<std::int64_t> counts[8];
  for (const AccuracyRow& row : rows)
    for (const bool is_weights : {true, false}) {
      const arch::ArrayCounters& c = is_weights ? row.counters.stationary : row.counters.dynamic;
      if (c.cycles == 0) continue;
      const ArrayErrors& e = is_weights ? row.weight_arrays : row.dynamic_arrays;
      quantizer.push_back(row.quantizer);
      mode.push_back(row.mode);
      kind.emplace_back(is_weights ? "weights" : "dynamic");
      errors.push_back(e.name);
      sawl.push_back(sawl_of(e, is_weights ? options.stationary : options.dynamic));
      images.push_back(row.examples * row.repeats);
      const std::int64_t all[] = {
          c.cycles,      c.fixed_cycles, c.ideal_cycles, c.conversions,
          c.driven_rows, c.dummy_rows,   c.wrong_reads,  is_weights ? row.counters.tensor_words : 0};
      for (int i = 0; i < 8; ++i) counts[i].push_back(all[i]);
    }
  engine::Table table;
  table.add("quantizer", "", std::move(quantizer))
      .add("mode", "", std::move(mode))
      .add("arrays", "", std::move(kind))
      .add("errors", "", std::move(errors))
      .add("sawl", "", std::move(sawl))
      .add("images", "", std::move(images));
  const char* const names[] = {"cycles",      "fixed_cycles", "ideal_cycles", "conversions",
                               "driven_rows", "dummy_rows",   "wrong_reads",  "tensor_words"};
  for (int i = 0; i < 8; ++i) table.add(names[i], "", std::move(counts[i]));
  return table;
}

}  // namespace

int accuracy_command(const AccuracyCommand& command, std::stop_token stop) {
  const AccuracyStudy study = study_of(command);
  const arch::IntegerAttentionOptions attention = attention_options(command);
  const std::vector<Setting> settings = chosen_settings(command);
  check_modes(command, settings);
  if (!command.out.empty()) check_place(command.out);
  std::uint64_t seed = command.seed < 0 ? 1 : static_cast<std::uint64_t>(command.seed);
  if (command.seed < 0 && !command.result.empty())
    seed = static_cast<std::uint64_t>(engine::read_integer(engine::open_result(command.result), "/", "seed"));
  Progress progress(stderr);
  AccuracyBench bench(study, seed, progress, stop, 2 + settings.size() * study.modes.size());
  bench.arithmetic().attention = attention;
  bench.arithmetic().qrazor_group = command.group;
  std::vector<AccuracyRow> rows;
  try {
    rows = evaluate_settings(bench, study, settings);
  } catch (
      const std::invalid_argument& e) {  // widths that do not fit each other, errors on a digital product
    throw StudyError(e.what());
  }
  print_accuracies(rows);
  const bool on_arrays = std::any_of(rows.begin(), rows.end(),
                                     [](const AccuracyRow& r) { return r.counters.stationary.cycles > 0; });
  if (on_arrays) print_counters(rows, attention);
  if (study.quantizer == "emsbq")
    print_sizes(sizes_of(bench.model().config(), attention), bench.model().config().layers);
  const std::vector<arch::TensorStorage> storage = storage_of(bench, command, attention);
  print_storage(storage);
  if (command.out.empty()) return exit_done;
  write_table_file(command.out, "flare-accuracy/1", [&](H5::H5File& file) {
    engine::write_attribute(file, "/", "seed", static_cast<std::int64_t>(seed));
    write_accuracy(file, rows);
    engine::write_table(file, "/array_counters", counters_table(rows, attention));
    engine::write_table(file, "/storage", storage_table(storage));
  });
  fmt::print("\nTables: {}\n", command.out.string());
  return exit_done;
}

}  // namespace flare::studies
